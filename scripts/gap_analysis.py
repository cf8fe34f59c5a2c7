"""Where riders wait without a station: the method, step by step, on the store's own data.

    python scripts/gap_analysis.py                     the shipped city, 5 and 10 minutes
    python scripts/gap_analysis.py --minutes 3 --at 2026-11-23T22:00

``locator gaps`` does the same and writes every file of a report; this is the recipe to read,
copy and change. docs/methods.md has the formulas.
"""

import os
from datetime import datetime

import click
import numpy as np

from locator import questions
from locator.cli.base import Recipe
from locator.coverage import cover_zones, find_gaps, hour_of_week, split_zones, zone_demand
from locator.datum import local_crs
from locator.hours import STATES
from locator.nearest import StationFilter
from locator.schema import State
from locator.service import open_service
from locator.settings import read_settings
from locator.study import parse_standards


@click.command(cls=Recipe)
@click.option("--minutes", default="5,10", show_default=True, help="Coverage standards.")
@click.option("--at", help="A moment, local time: only stations open then, demand of that hour.")
def main(minutes: str, at: str | None) -> None:
    """Print covered demand and the largest gaps."""
    with open_service(read_settings(os.environ)) as service:
        city = service.snapshot()
        read_moment = questions.moment(service.rules.timezone)
        moment: datetime | None = read_moment("--at", at) if at else None

        # 1. Which stations count: those in service and, at a moment, open then.
        counts = city.index.mask(StationFilter())
        if moment is not None:
            counts &= city.index.states(moment) == STATES.index(State.OPEN)

        # 2. Demand of the hot zones, cut where a district line crosses them.
        demand = zone_demand(city.hot_zones, hour=hour_of_week(moment) if moment else None)
        west, south, east, north = map(float, city.hot_zones.total_bounds)
        metres = local_crs((west, south, east, north))
        pieces = split_zones(city.hot_zones, city.districts, crs=metres, demand_per_h=demand)

        # 3. What each station reaches in time, and what is left of the hot zones.
        for standard in parse_standards(minutes=minutes, metres=None):
            limit_min = standard.amount
            reached = service.travel.bind(city.index.lonlat[counts])
            areas = reached.service_areas(limit_s=limit_min * 60).to_crs(metres)
            coverage = cover_zones(pieces, areas)
            bound = service.travel.bind(city.index.lonlat)
            gaps = find_gaps(coverage, city.stations, bound, mask=np.asarray(counts))
            share = coverage.covered_share
            click.echo(
                f"{limit_min:g} min: {'no demand' if share is None else f'{share:.1%}'} covered"
            )
            shown = ["rank", "zone_name", "district_name", "unserved_demand_per_h", "nearest_m"]
            click.echo(gaps[shown].head(5).round(1).to_string(index=False))
        click.echo(f"Travel time: {service.travel.describe()}.")


if __name__ == "__main__":
    main()

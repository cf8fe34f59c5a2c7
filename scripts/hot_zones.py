"""Where orders cluster: the method, step by step, from a file of orders to hot zones.

    python scripts/hot_zones.py orders.csv              H3 resolution 9, at least 10 rows a cell
    python scripts/hot_zones.py shops.csv --k 1 --resolution 8

``locator hotzones build`` does the same, cleans the rows first and says what it left out; this is
the recipe to read, copy and change. docs/methods.md has the formulas.
"""

from pathlib import Path
from zoneinfo import ZoneInfo

import click
import numpy as np

from locator.cli.base import DATUMS, FILE, Recipe
from locator.schema import Datum


@click.command(cls=Recipe)
@click.argument("orders", type=FILE)
@click.option("--datum", type=DATUMS, default="wgs84", show_default=True)
@click.option("--resolution", default=9, show_default=True, help="Of the H3 cells.")
@click.option("--k", default=10, show_default=True, help="Fewest rows that are shown.")
def main(orders: Path, datum: str, resolution: int, k: int) -> None:
    """Print the clusters of orders, the largest first."""
    from locator import hotzones
    from locator.register.columns import open_columns
    from locator.register.orders import OrderRules, parse_orders

    # 1. Rows to positions in WGS-84 and local times; bad rows come apart in piece.faults.
    tally = hotzones.CellTally()
    china = OrderRules(Datum.parse(datum), ZoneInfo("Asia/Shanghai"), np.datetime64("now", "s"))
    with open_columns(orders) as table:
        for piece in parse_orders(table, china)[1]:
            # 2. Positions to H3 cells, times to hours of the week, counted together.
            cell = hotzones.assign_cells(piece.lon, piece.lat, resolution)
            none = np.zeros(len(cell), dtype=np.int64)
            hour = none if piece.time is None else hotzones.hours_of_week(piece.time)
            tally.add(cell, hour, none + 1)
    cells = tally.finish()

    # 3. Cells with fewer than k rows count as empty from here on.
    shown = cells.shown(k)

    # 4. Gi* of every cell with rows or beside one, at a false-discovery rate of 0.05.
    area = hotzones.study_area(cells.ids)
    values = np.zeros(len(area), dtype=np.int64)
    values[np.searchsorted(area, cells.ids[shown])] = cells.rows[shown]
    found = hotzones.find_clusters(values, *hotzones.find_neighbours(area), alpha=0.05)
    hot = shown & found.significant[np.searchsorted(area, cells.ids)]

    # 5. Significant cells that share an edge are one zone.
    ids, rows = cells.ids[hot], cells.rows[hot]
    zone = hotzones.join_cells(ids)
    for number in np.argsort(-np.bincount(zone, weights=rows), kind="stable"):
        member = zone == number
        name = hotzones.zone_id(ids[member], rows[member])
        click.echo(f"{name}: {rows[member].sum():,} rows in {member.sum()} cells")
    click.echo(f"{rows.sum() / cells.rows.sum():.0%} of {cells.rows.sum():,} rows lie in zones.")


if __name__ == "__main__":
    main()

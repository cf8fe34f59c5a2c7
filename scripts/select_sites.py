"""Where the next posts should be: the method, step by step, on the store's own data.

    python scripts/select_sites.py --new 8                          the shipped city, 5 minutes
    python scripts/select_sites.py --new 3 --at 2026-11-23T22:00

``locator site`` does the same, with rules, other models, options beside new posts, curves and a
folder of results; this is the recipe to read, copy and change. docs/methods.md has the formulas.
"""

import os

import click
import numpy as np

from locator.cli.base import Recipe
from locator.service import open_service
from locator.settings import read_settings
from locator.siting import CoverProblem, Rules, solve_mclp
from locator.study.sites import site_inputs
from locator.study.sites_question import SiteQuestion
from locator.study.sites_setup import make_setup


@click.command(cls=Recipe)
@click.option("--new", type=int, default=8, show_default=True, help="How many new posts.")
@click.option("--minutes", type=float, default=5.0, show_default=True, help="Coverage standard.")
@click.option("--at", help="A moment, local time: only stations open then, demand of that hour.")
def main(new: int, minutes: float, at: str | None) -> None:
    """Print the posts that cover the most demand, and how good that is."""
    with open_service(read_settings(os.environ)) as service:
        # 1. Demand as points, candidates on a grid in hot zones, riding times between them.
        question = SiteQuestion(new=new, minutes=minutes, at=at)
        setup = make_setup(service, site_inputs(service), question)

        # 2. Who covers whom within the standard, and what open stations cover already.
        problem = CoverProblem.within(
            setup.times, setup.demand[:, 0], limit_s=minutes * 60, served_s=setup.served_s
        )

        # 3. The most demand that so many new posts can cover (MCLP).
        answer = solve_mclp(problem, Rules(new=new))
        frame = setup.candidates.frame.iloc[answer.chosen]
        click.echo(frame[["id", "name", "district_name", "place"]].to_string(index=False))
        click.echo(
            f"{answer.baseline / setup.total:.1%} of demand is covered now, "
            f"{answer.objective / setup.total:.1%} with them."
        )

        # 4. How far from the best it can be, by the certificate alone: no solver is believed.
        proof = answer.certificate
        bound = answer.baseline + (np.inf if proof is None else proof.bound())
        click.echo(f"No {new} candidates cover more than {bound / setup.total:.1%} of demand.")
        click.echo(f"Travel time: {service.travel.describe()}.")


if __name__ == "__main__":
    main()

"""The siting job: a page's question, with its scenario, to the sites that do most."""

from collections.abc import Mapping
from dataclasses import replace

from locator.coverage import Scenario
from locator.errors import InputError
from locator.planner import read_draft
from locator.service import Service
from locator.siting import Effort, Progress
from locator.study import SiteQuestion, site_inputs, solve_sites

__all__ = ["check_sites", "run_sites_job"]

_KEYS = frozenset({"sites", "scenario"})
_BESIDE = ("curve", "varied runs")
_MODELS = ("mclp", "lscp", "p-median")
# What a server takes on; the command line has no such limits.
_MOST_NEW, _MOST_S, _MOST_RUNS, _LEAST_SPACING_M = 100, 120.0, 20, 100.0


def check_sites(question: Mapping[str, object]) -> None:
    """Refuse a question that is none, or too much for a server.

    Parameters
    ----------
    question
        ``sites``, a :class:`SiteQuestion` as JSON, and ``scenario``, the keys of a scenario file
        or None.

    Raises
    ------
    InputError
        An entry is wrong; the sentence names it.
    """
    _read(question)


def _read(question: Mapping[str, object]) -> tuple[SiteQuestion, Scenario | None]:
    unknown = sorted(str(key) for key in question if key not in _KEYS)
    if unknown:
        raise InputError(
            f"{unknown[0][:40]!r} is not part of a siting job; there are sites, scenario."
        )
    asked, draft = (
        SiteQuestion.from_json(question.get("sites")),
        read_draft(question.get("scenario")),
    )
    if asked.model not in _MODELS:
        raise InputError(f"A page's job takes the models {', '.join(_MODELS)}; use locator site.")
    limits = (
        ("new", asked.new or 0, 0, _MOST_NEW),
        ("time_limit_s", asked.time_limit_s, 0, _MOST_S),
        ("runs", asked.runs, 0, _MOST_RUNS),
        ("spacing_m", asked.spacing_m, _LEAST_SPACING_M, float("inf")),
    )
    for name, value, least, most in limits:
        if not least <= value <= most:
            raise InputError(
                f"{name} is {value:g}, and a page's job takes {least:g} to {most:g}; "
                "locator site takes more."
            )
    return asked, None if draft is None else draft.scenario


def run_sites_job(
    service: Service, question: Mapping[str, object], effort: Effort
) -> dict[str, object]:
    """Choose the sites; see :func:`locator.study.solve_sites`.

    Raises
    ------
    InputError
        The question or its scenario does not fit the register.
    SitingError
        No selection keeps the rules, or none was found in time.
    """
    asked, scenario = _read(question)
    inputs = site_inputs(service, scenario=scenario)

    def tell(progress: Progress) -> None:
        if progress.phase in _BESIDE:  # their figures are those of other questions
            progress = replace(progress, objective=None, bound=None)
        effort.progress(progress)

    told = replace(effort, progress=tell)
    answer = solve_sites(service, inputs, asked, effort=told).to_json()
    return {**answer, "version": inputs.measured.snapshot.version}

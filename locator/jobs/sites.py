"""The siting job: a page's question, with its scenario, to the sites that do most."""

from collections.abc import Mapping
from dataclasses import replace

from locator import questions
from locator.coverage import Scenario
from locator.errors import InputError
from locator.planner import read_draft
from locator.questions import Given
from locator.service import Service
from locator.siting import Effort, Progress
from locator.study import SiteQuestion, site_inputs, solve_sites

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
    given = Given(question, ("sites", "scenario"))
    asked = SiteQuestion.from_json(given.value("sites"))
    draft = read_draft(given.value("scenario"))
    if asked.model not in _MODELS:
        raise InputError(f"A page's job takes the models {', '.join(_MODELS)}; use locator site.")
    questions.number(0, _MOST_NEW)("new", asked.new or 0)
    questions.number(0, _MOST_S)("time_limit_s", asked.time_limit_s)
    questions.number(0, _MOST_RUNS)("runs", asked.runs)
    questions.number(_LEAST_SPACING_M)("spacing_m", asked.spacing_m)
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

"""What a job may be: its question checked where it is asked, carried out by the worker."""

import json
from collections.abc import Mapping

from locator.errors import InputError
from locator.service import Service
from locator.siting import Effort

KINDS = ("sites",)


def check_question(kind: str, question: Mapping[str, object]) -> None:
    """Refuse a question that no worker can answer.

    Raises
    ------
    InputError
        There is no such kind, or its question is wrong.
    """
    if kind not in KINDS:
        raise InputError(f"There is no job {kind[:40]!r}; there is {', '.join(KINDS)}.")
    from locator.jobs.sites import check_sites

    check_sites(question)


def run_job(service: Service, kind: str, question: str, effort: Effort) -> str:
    """Carry out a job and return its answer, a JSON text.

    Raises
    ------
    LocatorError
        It cannot be carried out; one sentence says why.
    """
    asked = json.loads(question)
    check_question(kind, asked)
    from locator.jobs.sites import run_sites_job

    answer = run_sites_job(service, asked, effort)
    return json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":"))

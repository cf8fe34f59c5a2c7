"""Trying things out: coverage under a moved threshold, hour, service or station, at once.

What a study works out in seconds is kept here in a form that answers in milliseconds: every time
from every demand point to every station (:mod:`~locator.planner.inputs`), the nearest open one
under each set of schedules (:mod:`~locator.planner.reach`), and from these the figures
(:mod:`~locator.planner.answer`). The numbers are a study's with ``--hourly``.
:mod:`~locator.planner.page` keeps the inputs of one version of the store for many questions,
:mod:`~locator.planner.draft` checks a scenario that a page drew up, and writes its file.
"""

from locator.planner.answer import MINUTES, Answer, Ask, Figures, View, answer_ask, read_ask
from locator.planner.draft import FILE_NAME, Draft, read_draft, study_command
from locator.planner.inputs import SQUARE_M, PlannerInputs, check_size, make_inputs
from locator.planner.page import PlannerPage
from locator.planner.reach import Reach, find_reach

__all__ = [
    "FILE_NAME",
    "MINUTES",
    "SQUARE_M",
    "Answer",
    "Ask",
    "Draft",
    "Figures",
    "PlannerInputs",
    "PlannerPage",
    "Reach",
    "View",
    "answer_ask",
    "check_size",
    "find_reach",
    "make_inputs",
    "read_ask",
    "read_draft",
    "study_command",
]

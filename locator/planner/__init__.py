"""Trying things out: coverage under a moved threshold, hour, service or station, at once.

What a study works out in seconds is kept here in a form that answers in milliseconds: every time
from every demand point to every station (:mod:`~locator.planner.ground`), the nearest open one
under each set of schedules (:mod:`~locator.planner.reach`), and from these the figures
(:mod:`~locator.planner.answer`). The numbers are a study's with ``--hourly``.
:mod:`~locator.planner.desk` keeps the ground of one version of the store for many questions,
:mod:`~locator.planner.draft` checks a scenario that a page drew up, and writes its file.
"""

from locator.planner.answer import Answer, Ask, Figures, View, answer_ask
from locator.planner.desk import Desk
from locator.planner.draft import FILE_NAME, Draft, read_draft, study_command
from locator.planner.ground import SQUARE_M, Ground, check_size, make_ground
from locator.planner.reach import Reach, find_reach

__all__ = [
    "FILE_NAME",
    "SQUARE_M",
    "Answer",
    "Ask",
    "Desk",
    "Draft",
    "Figures",
    "Ground",
    "Reach",
    "View",
    "answer_ask",
    "check_size",
    "find_reach",
    "make_ground",
    "read_draft",
    "study_command",
]

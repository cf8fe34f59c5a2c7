"""Where next: location-allocation on a sparse matrix, with a bound that anybody can recompute.

Inputs are :class:`CoverProblem` (who covers whom) or :class:`TimeProblem` (how long it takes), and
:class:`Rules`; each model is one function that returns a :class:`Siting`. Nothing here knows of
maps, stores or travel models.
"""

from locator.siting.capacity import solve_capacitated_cover
from locator.siting.center import solve_p_center
from locator.siting.cover import solve_backup_cover, solve_mclp
from locator.siting.curve import Curve, CurvePoint, trace_curve
from locator.siting.median import solve_p_median
from locator.siting.options import HourClasses, Options, week_problem
from locator.siting.problem import CoverProblem, Rules, TimeProblem
from locator.siting.result import BEYOND, EXISTING, Certificate, Siting
from locator.siting.set_cover import solve_lscp
from locator.siting.watch import Effort, Progress, Stopped, catch_ctrl_c

__all__ = [
    "BEYOND",
    "EXISTING",
    "Certificate",
    "CoverProblem",
    "Curve",
    "CurvePoint",
    "Effort",
    "HourClasses",
    "Options",
    "Progress",
    "Rules",
    "Siting",
    "Stopped",
    "TimeProblem",
    "catch_ctrl_c",
    "solve_backup_cover",
    "solve_capacitated_cover",
    "solve_lscp",
    "solve_mclp",
    "solve_p_center",
    "solve_p_median",
    "trace_curve",
    "week_problem",
]

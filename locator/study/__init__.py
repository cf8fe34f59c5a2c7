"""A planner's run, from inputs to a folder of results: what the commands and scripts call."""

from locator.study.calibrate import RIDE_COLUMNS, Calibration, calibrate
from locator.study.drawing import draw
from locator.study.gaps import gaps_inputs, parse_standards, run_gaps
from locator.study.lines import summary_lines
from locator.study.maps import map_layers, map_options
from locator.study.measure import GapsInputs, Question, Standard
from locator.study.publish import publish_study, withdraw_study
from locator.study.scenario import parse_scenario, read_scenario, scenario_of
from locator.study.sites import SiteAnswer, site_inputs, solve_sites
from locator.study.sites_output import run_sites
from locator.study.sites_question import SiteQuestion
from locator.study.sites_setup import SiteInputs

__all__ = [
    "RIDE_COLUMNS",
    "Calibration",
    "GapsInputs",
    "Question",
    "SiteAnswer",
    "SiteInputs",
    "SiteQuestion",
    "Standard",
    "calibrate",
    "draw",
    "gaps_inputs",
    "map_layers",
    "map_options",
    "parse_scenario",
    "parse_standards",
    "publish_study",
    "read_scenario",
    "run_gaps",
    "run_sites",
    "scenario_of",
    "site_inputs",
    "solve_sites",
    "summary_lines",
    "withdraw_study",
]

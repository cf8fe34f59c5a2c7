"""A planner's run, from inputs to a folder of results: what the commands and scripts call."""

from locator.study.drawing import draw, map_caption, map_layers, map_options, write_map
from locator.study.gaps import gaps_inputs, parse_standards, run_gaps
from locator.study.measure import GapsInputs, Standard
from locator.study.output import summary_lines

__all__ = [
    "GapsInputs",
    "Standard",
    "draw",
    "gaps_inputs",
    "map_caption",
    "map_layers",
    "map_options",
    "parse_standards",
    "run_gaps",
    "summary_lines",
    "write_map",
]

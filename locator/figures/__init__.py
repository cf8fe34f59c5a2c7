"""Maps and charts for reports: frames or numbers in, a figure out, written as PNG or SVG.

No browser, no network, no pyplot. Text from people is data: it is never read as mathtext, and
a character that the font lacks is shown as a box. A figure depends only on what is given to it,
so that the same frames give the same bytes: no dates, no random ids, nothing of the reader's
``matplotlibrc``.

The map is drawn in metres of a local projection; what stands around it, and the labels over it,
on a sheet measured in millimetres whose y axis points down.
"""

from matplotlib.figure import Figure

from locator.figures.build import draw_map, render_figure, save_figure
from locator.figures.charts import Bar, Line, draw_bars, draw_curve, draw_heat_table
from locator.figures.labels import choose_scale_m
from locator.figures.layers import CHANGES
from locator.figures.paper import FigureOptions

__all__ = [
    "CHANGES",
    "Bar",
    "Figure",
    "FigureOptions",
    "Line",
    "choose_scale_m",
    "draw_bars",
    "draw_curve",
    "draw_heat_table",
    "draw_map",
    "render_figure",
    "save_figure",
]

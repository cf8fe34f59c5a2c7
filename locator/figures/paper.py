"""The paper: options and words, the font, and a sheet measured in millimetres."""

import re
import threading
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font
from matplotlib.patches import Circle, Rectangle
from matplotlib.patheffects import withStroke

from locator.errors import InputError, LocatorError
from locator.schema import Language
from locator.theme import PALETTE

Box = tuple[float, float, float, float]  # x0, y0, x1, y1


Numbers = npt.NDArray[np.float64]


POINTS_PER_MM = 72 / 25.4


MARGIN, LINE, COLUMN_GAP, INSET = 4.0, 4.2, 4.0, 38.0  # mm


TITLE, BODY, SMALL = 12.0, 7.5, 6.5  # points


PRINT_DPI = 300


_MAX_PIXELS = 16_000


_ROUNDING_MM = 1e-6  # a text fits a place that was measured by it


_WORDS: Mapping[str, tuple[str, str]] = {
    "stations": ("驿站", "stations"),
    "hot_zones": ("热区", "hot zones"),
    "districts": ("区县", "districts"),
    "places": ("地名", "places"),
    "gaps": ("覆盖缺口", "gaps"),
    "reach": ("可达范围", "areas of reach"),
    "gained": ("新增覆盖", "newly covered"),
    "lost": ("不再覆盖", "no longer covered"),
    "uncovered": ("仍未覆盖", "still uncovered"),
    "site": ("所选站点（数字为名次）", "Chosen site, numbered by rank"),
    "sites": ("所选站点", "Chosen sites"),
    "gain": ("新增覆盖", "Adds"),
    "nothing": ("没有可画的数据", "Nothing to draw"),
    "no_stations": ("没有驿站。", "No stations."),
    "kind_unknown": ("类型未知", "Kind unknown"),
    "inactive": ("{}，暂停或停用", "{}, out of service"),
    "shut": ("{}，其时关门", "{}, closed then"),
    "unsure": ("{}，时间未知", "{}, hours unknown"),
    "zone": ("热区", "Hot zone"),
    "zone_class": ("热区，每小时需求 {}", "Hot zone, demand/h {}"),
    "zone_unknown": ("热区，需求未知", "Hot zone, demand unknown"),
    "gap": ("覆盖缺口", "Gap in coverage"),
    "gap_area": ("缺口片区", "Gap area"),
    "district": ("区县界", "District line"),
    "largest": ("最大的缺口", "Largest gaps"),
    "largest_areas": ("最大的缺口片区", "Largest gap areas"),
    "unserved_demand_per_h": ("未覆盖需求/时", "Unserved/h"),
    "unserved_demand": ("未覆盖需求", "Unserved"),
    "nearest": ("最近驿站", "Nearest"),
    "unknown": ("未知", "unknown"),
    "north": ("北", "N"),
    "illustrative": (
        "示例数据：位置与数值仅作演示，并非实地调查。",
        "Illustrative data: positions and figures are made up, not surveyed.",
    ),
    "approval": ("审图号：{}", "Map approval number: {}"),
    "no_approval": ("未填审图号，仅供内部使用", "No map approval number: internal use only"),
    "outside": ("图外未画：{}。", "Outside this map: {}."),
    "unusable": ("位置缺失或不可用，未画：{}。", "Not drawn, position missing or unusable: {}."),
    "comma": ("，", ", "),
    "count": ("{}（{}）", "{} ({})"),
}


# Families of rcParams that reach a figure; all are reset, so no matplotlibrc shows through.
_RC_FAMILY = re.compile(r"(axes|figure|font|hatch|lines|markers|patch|path|savefig|svg|text)\.")


# Letters in SVG are outlines ("path"): the reader's machine need not have the Chinese font, and
# the picture is the same everywhere; the price is that its text cannot be selected. Without
# hinting, text in PNG is as wide as it was measured.
_RC: dict[Any, Any] = {
    "svg.fonttype": "path",
    "svg.hashsalt": "locator",
    "text.hinting": "no_hinting",
    "hatch.linewidth": 0.45,
}


_RC_LOCK = threading.Lock()  # rc_context swaps a global: two threads must not undo each other


@dataclass(frozen=True)
class FigureOptions:
    """What a figure says and how large it is.

    Without ``height_mm`` the height follows from the contents; with it the map takes the room that
    title, legend and notes leave.

    ``illustrative`` marks the figure as made from illustrative data; it is marked anyway when a
    row of a layer says so of itself. ``extent`` (west, south, east, north in degrees) shows just
    that area, one district for example, instead of the one that :func:`draw_map` finds.
    """

    title: str
    caption: str
    language: Language = "zh"
    map_approval: str = ""
    illustrative: bool = False
    width_mm: float = 170
    height_mm: float | None = None
    dpi: int = field(default_factory=lambda: PRINT_DPI)
    show_districts: bool = True
    extent: Box | None = None

    def __post_init__(self) -> None:
        """Check the size and the length of the texts."""
        if not 120 <= self.width_mm <= 1200:
            raise InputError(f"width_mm is {self.width_mm}; it must be from 120 to 1200.")
        if self.height_mm is not None and not 60 <= self.height_mm <= 1200:
            raise InputError(f"height_mm is {self.height_mm:.0f}; it must be from 60 to 1200.")
        if self.dpi < 50 or self.width_mm / 25.4 * self.dpi > _MAX_PIXELS:
            raise InputError(
                f"dpi is {self.dpi}; it must be 50 or more, and the figure at most "
                f"{_MAX_PIXELS} pixels wide."
            )
        if len(self.title) > 200 or len(self.caption) > 2000:
            raise InputError("The title may have 200 characters and the caption 2000; shorten it.")


@contextmanager
def style() -> Iterator[None]:
    """Draw by matplotlib's defaults and our own settings, and put back what was there."""
    defaults = mpl.rcParamsDefault.items()
    reset = {name: value for name, value in defaults if _RC_FAMILY.match(name)}
    with _RC_LOCK, mpl.rc_context(reset | _RC):
        yield


def _font_path() -> Path:
    try:
        files = metadata.files("zhplot") or []
    except metadata.PackageNotFoundError:
        files = []
    paths = (Path(str(file.locate())) for file in files if file.suffix == ".ttf")
    for path in paths:
        if path.is_file():
            return path
    raise LocatorError("The Chinese font is missing: install the wheel zhplot, which carries it.")


class Pen:
    """One font and one language: cleans, measures, trims and wraps text."""

    def __init__(self, language: Language) -> None:
        self.path = _font_path()
        self.language = language
        self.word = {key: pair[language == "en"] for key, pair in _WORDS.items()}
        self._face = FT2Font(str(self.path))
        self._face.set_size(1000, 72)
        self._em: dict[str, float] = {}
        self._glyphs = frozenset(self._face.get_charmap())

    def plain(self, value: object) -> str:
        """Return a cell as one drawable line: no controls, a box for what the font lacks."""
        if value is None or value is pd.NA or value is pd.NaT or value != value:  # noqa: PLR0124
            return ""
        text = " ".join(str(value).split())
        seen = (c for c in text if unicodedata.category(c) not in {"Cc", "Cf"})
        return "".join(c if ord(c) in self._glyphs else "□" for c in seen)

    def _ems(self, text: str) -> Numbers:
        """Return how far each character takes the pen, in ems."""
        for c in set(text) - self._em.keys():
            self._em[c] = self._face.load_char(ord(c)).linearHoriAdvance / 65_536_000
        return np.array([self._em[c] for c in text])

    def width_mm(self, text: str, size: float) -> float:
        """Return how wide a text is at a size in points."""
        return float(self._ems(text).sum()) * size / POINTS_PER_MM

    def trim(self, text: str, size: float, width_mm: float) -> str:
        """Cut a text to a width, with an ellipsis where something was cut."""
        if self.width_mm(text, size) <= width_mm + _ROUNDING_MM:
            return text
        ends = np.cumsum(self._ems(text + "…")) * size / POINTS_PER_MM
        dots = ends[-1] - ends[-2]
        return text[: np.searchsorted(ends[:-1], width_mm - dots, side="right")].rstrip() + "…"

    def wrap(self, text: str, size: float, width_mm: float) -> list[str]:
        """Break text into lines: between Chinese characters, or between words."""
        lines = []
        for paragraph in text.splitlines():
            line = ""
            for token in re.findall(r"[!-ɏ]+|\s|.[，。；：、！？）」》]*", self.plain(paragraph)):
                for part in token if self.width_mm(token, size) > width_mm else [token]:
                    if self.width_mm((line + part).rstrip(), size) > width_mm:
                        lines.append(line.rstrip())
                        line = ""
                    line += part if line else part.lstrip()
            lines.append(line.rstrip())
        return [line for line in lines if line]

    def name(self, row: "pd.Series[Any]") -> str:
        """Return a row's name in the language of the figure where it has one."""
        english = self.plain(row.get("name_en")) if self.language == "en" else ""
        return english or self.plain(row.get("name"))

    def distance(self, metres: float) -> str:
        """Return a distance in words."""
        if not np.isfinite(metres):
            return self.word["unknown"]
        return f"{metres / 1000:.1f} km" if metres >= 999.5 else f"{metres:.0f} m"


class Sheet:
    """The paper: a figure, axes in millimetres over it, and the pen that writes on it."""

    def __init__(self, size_mm: tuple[float, float], dpi: int, pen: Pen) -> None:
        width, height = ((round(side / 25.4 * dpi) + 1e-3) / dpi for side in size_mm)
        self.pen, self.size_mm = pen, (width * 25.4, height * 25.4)  # in whole pixels
        self.figure = Figure(figsize=(width, height), dpi=dpi)
        FigureCanvasAgg(self.figure)
        self.axes = self.panel((0, 0, *self.size_mm), (0, self.size_mm[1], self.size_mm[0], 0))
        self.axes.set(zorder=9, frame_on=False)

    def panel(self, place: Box, limits: Box) -> Axes:
        """Add axes at a place (left, top, right, bottom in mm) with limits (x0, y0, x1, y1)."""
        x0, y0, x1, y1 = place
        w, h = self.size_mm
        axes = self.figure.add_axes((x0 / w, 1 - y1 / h, (x1 - x0) / w, (y1 - y0) / h))
        axes.set(xlim=limits[::2], ylim=limits[1::2], xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set(linewidth=0.6, edgecolor=PALETTE["ink-quiet"])
        return axes

    def write(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = BODY,
        colour: str = "ink",
        align: Literal["left", "center", "right"] = "left",
        halo: bool = False,
    ) -> None:
        """Write a line, its middle at a height; the text is literal, never mathtext."""
        written = self.axes.text(
            x,
            y + 0.37 * size / POINTS_PER_MM,
            text,
            fontproperties=FontProperties(fname=str(self.pen.path), size=size),
            color=PALETTE[colour],
            horizontalalignment=align,
            parse_math=False,
        )
        if halo:
            written.set_path_effects([withStroke(linewidth=1.8, foreground=PALETTE["paper"])])

    def tag(self, x: float, y: float, text: str) -> None:
        """Write a warning in a box."""
        size = (self.pen.width_mm(text, BODY) + 3, 4.6)
        face, edge = PALETTE["warn-paper"], PALETTE["warn"]
        self.axes.add_patch(Rectangle((x, y - 2.3), *size, facecolor=face, edgecolor=edge))
        self.write(x + 1.5, y, text, colour="warn")

    def rank(self, x: float, y: float, text: str, *, colour: str = "gap") -> None:
        """Draw a rank in a circle."""
        full = colour == "accent"  # as the mark that it stands on
        face, edge = PALETTE[colour if full else "paper"], PALETTE["paper" if full else colour]
        self.axes.add_patch(Circle((x, y), 1.8, facecolor=face, edgecolor=edge, linewidth=0.9))
        ink = "paper" if full else "ink"
        self.write(x, y, text, size=SMALL, align="center", colour=ink)

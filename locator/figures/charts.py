"""Charts for reports: the week as a heat table, curves, bars; drawn on the sheet in millimetres."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from locator.errors import InputError
from locator.figures.paper import (
    BODY,
    MARGIN,
    SMALL,
    TITLE,
    FigureOptions,
    Numbers,
    Pen,
    Sheet,
    style,
)
from locator.theme import PALETTE

_DAYS, _HOURS = 7, 24
_ROW_MM, _PLOT_MM = 6.0, 62.0
_LABEL_ROW_MM = 3.6  # between names of marks, one above the other
_STROKES = (("accent", "-"), ("gap", "--"), ("ink-quiet", ":"))
_TICKS = 10
_LABEL_MM = 62.0  # the widest label of a bar


@dataclass(frozen=True)
class Line:
    """A curve and its name; ``y`` is a share, 0 to 1, NaN where there is none."""

    name: str
    x: Numbers
    y: Numbers


@dataclass(frozen=True)
class Bar:
    """A bar, and a second number that is marked over it; None is not known."""

    label: str
    value: float | None
    second: float | None = None


def draw_heat_table(
    shares: Numbers, *, days: Sequence[str], worst: int | None, options: FigureOptions
) -> Figure:
    """Draw a share for each hour of the week, darker where it is lower, with its per cent.

    Parameters
    ----------
    shares
        (168,) from Monday 00:00, 0 to 1; NaN is an hour without demand.
    days
        The names of the seven days.
    worst
        The hour of the week to frame; None frames none.

    Raises
    ------
    InputError
        There are not 168 shares or seven names.
    """
    if shares.shape != (_DAYS * _HOURS,) or len(days) != _DAYS:
        raise InputError("A week has 168 hours and seven days.")
    with style():
        sheet, top = _open(options, (_DAYS + 1) * _ROW_MM + 8)
        left = MARGIN + max(sheet.pen.width_mm(day, BODY) for day in days) + 3
        width = (options.width_mm - MARGIN - left) / _HOURS
        for hour in range(_HOURS):
            x = left + (hour + 0.5) * width
            sheet.write(x, top + _ROW_MM / 2, f"{hour:02d}", size=SMALL, align="center")
        for day, name in enumerate(days):
            y = top + (day + 1) * _ROW_MM
            sheet.write(MARGIN, y + _ROW_MM / 2, name)
            for hour in range(_HOURS):
                share = float(shares[day * _HOURS + hour])
                _cell(sheet, left + hour * width, y, width, share)
        if worst is not None:
            day, hour = divmod(worst, _HOURS)
            place = (left + hour * width, top + (day + 1) * _ROW_MM)
            frame = Rectangle(place, width, _ROW_MM, facecolor="none", edgecolor=PALETTE["ink"])
            frame.set(linewidth=2.0, zorder=5)
            sheet.axes.add_patch(frame)
        y = top + (_DAYS + 1) * _ROW_MM + 2.5
        for i, share in enumerate(np.linspace(0, 1, 5)):
            _cell(sheet, left + i * 1.6 * width, y, 1.6 * width, float(share), sign="%")
        return sheet.figure


def _cell(sheet: Sheet, x: float, y: float, width: float, share: float, *, sign: str = "") -> None:
    known = bool(np.isfinite(share))
    paper, full = (np.array(to_rgb(PALETTE[name])) for name in ("paper", "gap"))
    face = paper + (1 - share) * (full - paper) if known else to_rgb(PALETTE["paper-quiet"])
    patch = Rectangle((x, y), width, _ROW_MM, facecolor=tuple(face), edgecolor=PALETTE["line"])
    patch.set(linewidth=0.4)
    sheet.axes.add_patch(patch)
    text = f"{100 * share:.0f}{sign}" if known else "–"
    colour = "paper" if known and share < 0.45 else "ink"
    sheet.write(x + width / 2, y + _ROW_MM / 2, text, size=SMALL, colour=colour, align="center")


def draw_curve(
    lines: Sequence[Line],
    *,
    marks: Sequence[tuple[float, str]],
    unit: str,
    options: FigureOptions,
    least: float = 0.0,
) -> Figure:
    """Draw shares (to 100 %) against a quantity from 0; the first line whole, others dashed.

    Parameters
    ----------
    marks
        Values of the quantity, with their names, that get an upright line.
    unit
        What stands under the axis.
    least
        The share at the foot of the chart.

    Raises
    ------
    InputError
        There is no line, or its quantity never leaves 0.
    """
    if not lines or not len(lines[0].x) or not max(float(line.x.max()) for line in lines) > 0:
        raise InputError("A curve needs a line with points beyond 0.")
    with style():
        sheet, top = _open(options, _PLOT_MM + 17)
        most = max(float(line.x.max()) for line in lines)
        place = (MARGIN + 10, top + 7, options.width_mm - MARGIN - 2, top + 7 + _PLOT_MM)
        axes = sheet.panel(place, (0, least, most, 1.0))
        for share in np.linspace(least, 1, 6):
            axes.axhline(share, color=PALETTE["line"], linewidth=0.5, zorder=0)
            y = place[3] - (share - least) / (1 - least) * _PLOT_MM
            sheet.write(place[0] - 1.5, y, f"{share:.0%}", size=SMALL, align="right")
        across = (place[2] - place[0]) / most
        step = _step(most)
        for value in np.arange(0, most + 1e-9 * step, step):
            x = place[0] + value * across
            sheet.write(x, place[3] + 3, f"{value:,.6g}", size=SMALL, align="center")
        sheet.write((place[0] + place[2]) / 2, place[3] + 7, unit, size=SMALL, align="center")
        x = place[0]
        for number, line in enumerate(lines):
            colour, dash = _STROKES[min(number, len(_STROKES) - 1)]
            look = {"color": PALETTE[colour], "linewidth": 1.8}
            axes.plot(line.x, line.y, linestyle=dash, zorder=3, **look)  # type: ignore[arg-type]
            sheet.axes.plot([x, x + 8], [top + 3, top + 3], linestyle=dash, **look)  # type: ignore[arg-type]
            name = sheet.pen.trim(sheet.pen.plain(line.name), BODY, 70)
            sheet.write(x + 10, top + 3, name)
            x += 16 + sheet.pen.width_mm(name, BODY)
        shown = [(place[0] + value * across, name) for value, name in marks if 0 < value <= most]
        for value, _ in marks:
            if 0 < value <= most:
                axes.axvline(value, color=PALETTE["ink"], linewidth=0.9, linestyle=":", zorder=2)
        for x, row, name in _label_rows(shown, place[2], sheet.pen):
            sheet.write(x, place[3] - 3 - row * _LABEL_ROW_MM, name, size=SMALL, halo=True)
        return sheet.figure


def _step(most: float) -> float:
    """Return the smallest of 1, 2, 5 × 10ⁿ that cuts an axis into ten parts at most."""
    power = 10.0 ** np.floor(np.log10(most / _TICKS))
    steps = (power * part for part in (1, 2, 5, 10))
    return float(next(step for step in steps if most / step <= _TICKS * (1 + 1e-9)))


def _label_rows(
    marks: Sequence[tuple[float, str]], right: float, pen: Pen
) -> list[tuple[float, int, str]]:
    """Return where names begin (mm) and in which row from below, so that none overlaps another.

    A name stands right of its line, or left of it where it would cross another or leave the chart.
    """
    lines = [x for x, _ in marks]
    ends: list[list[tuple[float, float]]] = []
    placed = []
    for x, name in sorted(marks):
        width = pen.width_mm(name, SMALL)
        sides = [x + 1, x - 1 - width]
        free = [
            side
            for side in sides
            if side + width <= right and not any(side < line < side + width for line in lines)
        ]
        begin = (free or [sides[x + 1 + width > right]])[0]
        box = (begin - 1, begin + width + 1)
        row = next(
            (
                number
                for number, taken in enumerate(ends)
                if all(box[1] <= low or box[0] >= high for low, high in taken)
            ),
            len(ends),
        )
        if row == len(ends):
            ends.append([])
        ends[row].append(box)
        placed.append((begin, row, name))
    return placed


def draw_bars(
    bars: Sequence[Bar],
    *,
    names: tuple[str, str],
    percent: bool,
    options: FigureOptions,
) -> Figure:
    """Draw a bar a row with its number, and a mark where the second number is.

    Parameters
    ----------
    names
        What bar and mark say; the mark's is shown only where a bar has one.
    percent
        Numbers are shares and the axis ends at 100 %; else it ends at the largest.

    Raises
    ------
    InputError
        There is no bar, or a number is below 0.
    """
    given = [v for bar in bars for v in (bar.value, bar.second) if v is not None]
    if not bars or any(not 0 <= value < np.inf for value in given):
        raise InputError("Bars need at least one row, and numbers of 0 or more.")
    with style():
        pen = Pen(options.language)
        labels = [pen.trim(pen.plain(bar.label), BODY, _LABEL_MM) for bar in bars]
        left = MARGIN + max(pen.width_mm(label, BODY) for label in labels) + 3
        room = options.width_mm - MARGIN - 20 - left
        most = 1.0 if percent else max([*given, 1e-9])
        sheet, top = _open(options, 6 + len(bars) * _ROW_MM)
        marked = any(bar.second is not None for bar in bars)
        _bar_legend(sheet, left, top + 2, names if marked else names[:1])
        for row, (bar, label) in enumerate(zip(bars, labels, strict=True)):
            y = top + 6 + (row + 0.5) * _ROW_MM
            sheet.write(left - 2, y, label, align="right")
            axis = PALETTE["line"]
            sheet.axes.plot([left, left + room], [y, y], color=axis, linewidth=0.4, zorder=0)
            shown = "–" if bar.value is None else _number(bar.value, percent=percent)
            length = room * (bar.value or 0.0) / most
            _bar(sheet, left, y, length)
            if bar.second is not None:
                _mark(sheet, left + room * bar.second / most, y)
                shown += f" ◆ {_number(bar.second, percent=percent)}"
            sheet.write(left + room + 20, y, shown, align="right", size=SMALL)
        return sheet.figure


def _number(value: float, *, percent: bool) -> str:
    return f"{value:.1%}" if percent else f"{value:,.0f}"


def _bar(sheet: Sheet, x: float, y: float, length: float) -> None:
    patch = Rectangle((x, y - 1.7), length, 3.4, facecolor=PALETTE["covered"], edgecolor="none")
    sheet.axes.add_patch(patch)


def _mark(sheet: Sheet, x: float, y: float) -> None:
    edge, face = PALETTE["paper"], PALETTE["gap"]
    sheet.axes.plot(
        [x], [y], marker="D", markersize=5, markerfacecolor=face, markeredgecolor=edge, zorder=4
    )


def _bar_legend(sheet: Sheet, x: float, y: float, names: Sequence[str]) -> None:
    for number, name in enumerate(names):
        if number == 0:
            _bar(sheet, x, y, 5)
        else:
            _mark(sheet, x + 2.5, y)
        text = sheet.pen.trim(sheet.pen.plain(name), SMALL, 60)
        sheet.write(x + 7, y, text, size=SMALL)
        x += 12 + sheet.pen.width_mm(text, SMALL)


def _open(options: FigureOptions, body_mm: float) -> tuple[Sheet, float]:
    """Return a sheet with title, warning and caption, and where its body begins, in mm."""
    pen, inner = Pen(options.language), options.width_mm - 2 * MARGIN
    title = pen.wrap(options.title, TITLE, inner)
    foot = pen.wrap(options.caption, SMALL, inner)
    top = MARGIN + 6 * len(title) + (6 if options.illustrative else 0)
    height = top + body_mm + 3 + 3.4 * len(foot) + MARGIN
    sheet = Sheet((options.width_mm, height), options.dpi, pen)
    sheet.figure.set_label(pen.plain(options.title))
    for i, line in enumerate(title):
        sheet.write(MARGIN, MARGIN + 2.2 + 6 * i, line, size=TITLE)
    if options.illustrative:
        sheet.tag(MARGIN, top - 3.8, pen.word["illustrative"])
    for i, line in enumerate(foot):
        y = top + body_mm + 3 + 1.7 + 3.4 * i
        sheet.write(MARGIN, y, line, size=SMALL, colour="ink-quiet")
    return sheet, top

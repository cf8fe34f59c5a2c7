"""A question to a collection and the page of rows that answers it."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import shapely

from locator.errors import InputError
from locator.features.crs import CRS84, Box, Crs, corner_boxes
from locator.features.filter import filter_rows
from locator.features.moments import Period, parse_moment
from locator.features.order import Mark, SortKey, make_mark, order_rows, parse_mark, split_rows
from locator.features.view import Flags, Rows, View
from locator.questions import NOT_A_BOX, NOT_A_DATE, number, parts_of, whole, wrong
from locator.schema import Integer, split_set

MAX_LIMIT = 10_000


@dataclass(frozen=True)
class Query:
    """What is asked of a collection.

    Attributes
    ----------
    limit
        Rows of a page.
    boxes
        West, south, east, north in degrees; a row counts that meets one of them. Empty: all.
    period
        A row counts whose dates meet it, or that has none.
    filter, filter_crs
        CQL2 text, and the system of its geometries.
    equal
        Properties that must have a value; a set must hold all members named.
    page
        The mark of a page beside another one; None is the first page.
    """

    limit: int = 100
    boxes: tuple[Box, ...] = ()
    period: Period | None = None
    filter: str | None = None
    filter_crs: Crs = CRS84
    equal: Mapping[str, str] = field(default_factory=dict)
    sort: tuple[SortKey, ...] = ()
    page: str | None = None


@dataclass(frozen=True)
class Page:
    """Positions in the view, how many rows match in all, and the marks of the pages beside."""

    rows: Rows
    matched: int
    following: str | None
    previous: str | None


def read_bbox(text: str, crs: Crs) -> tuple[Box, ...]:
    """Read four numbers, or six with heights, in the order of a system's axes.

    Returns
    -------
    One box in degrees, longitude first; two where it crosses the 180th meridian.

    Raises
    ------
    InputError
        They are not numbers, or south lies above north.
    """
    words = NOT_A_BOX if crs is CRS84 else "must be four numbers in the order of bbox-crs's axes"
    try:
        corners = [number()("bbox", part) for part in parts_of(text)]
        if len(corners) == 6:
            corners = [*corners[:2], *corners[3:5]]
        first, second, third, fourth = corners
        return corner_boxes((first, second), (third, fourth), crs)
    except (ValueError, InputError) as error:
        raise wrong("bbox", text, words) from error


def find_row(view: View, identity: str) -> int | None:
    """Return the position of an id; None if there is no such feature."""
    row = bisect_left(view.ids, identity)
    return row if row < len(view) and view.ids[row] == identity else None


def find_page(view: View, query: Query) -> Page:
    """Return the page of rows that a query asks for.

    Raises
    ------
    InputError
        The filter, a value or a mark is wrong.
    """
    rows = _matching(view, query)
    ordered = order_rows(view, rows, query.sort)
    first, last = 0, min(query.limit, len(ordered))
    if query.page is not None:
        mark = parse_mark(query.page, view.collection, query.sort)
        before, through = _split(view, ordered, query, mark)
        if mark.backwards:
            first, last = max(0, before - query.limit), before
        else:
            first, last = through, min(through + query.limit, len(ordered))
    page, sort = ordered[first:last], query.sort
    more, less = len(page) and last < len(ordered), len(page) and first > 0
    return Page(
        page,
        len(ordered),
        make_mark(view, int(page[-1]), sort, backwards=False) if more else None,
        make_mark(view, int(page[0]), sort, backwards=True) if less else None,
    )


def _split(view: View, ordered: Rows, query: Query, mark: Mark) -> tuple[int, int]:
    if not query.sort and len(ordered) == len(view):  # the common case: nothing to look through
        return bisect_left(view.ids, mark.id), bisect_right(view.ids, mark.id)
    return split_rows(view, ordered, query.sort, mark)


def _matching(view: View, query: Query) -> Rows:
    rows = view.rows
    if query.boxes:
        rows = rows[_in_boxes(view, query.boxes)]
    for name, value in query.equal.items():
        rows = rows[_equals(view, name, value)[rows]]
    if query.period is not None:
        rows = rows[_in_period(view, query.period)[rows]]
    if query.filter is not None:
        rows = filter_rows(view, rows, query.filter, query.filter_crs)
    return rows


def _in_boxes(view: View, boxes: tuple[Box, ...]) -> Flags:
    found = np.zeros(len(view), dtype=bool)
    bounds = view.bounds
    for west, south, east, north in boxes:
        near = (bounds[:, 0] <= east) & (bounds[:, 2] >= west)
        near &= (bounds[:, 1] <= north) & (bounds[:, 3] >= south)
        if view.collection.geometry_type != "Point":
            box = shapely.box(west, south, east, north)
            near[near] = shapely.intersects(view.geometry[near], box)
        found |= near
    return found


def _in_period(view: View, period: Period) -> Flags:
    """Tell which rows have a date in a period; a notice's days count with those between."""
    found, dated = np.zeros(len(view), dtype=bool), np.zeros(len(view), dtype=bool)
    for name in view.collection.dates:
        times = view.times(name)
        found |= times.known & (times.start <= period.end) & (times.end >= period.start)
        dated |= times.known
    if {"notice_from", "notice_until"} <= set(view.collection.dates):
        begins, ends = view.times("notice_from"), view.times("notice_until")
        found |= (
            (begins.known & ends.known) & (begins.start <= period.end) & (ends.end >= period.start)
        )
    return np.asarray(found | ~dated, dtype=bool)


def _equals(view: View, name: str, value: str) -> Flags:
    column = view.column(name)
    if column.operand == "time":
        period = parse_moment(value, view.timezone)
        if period is None:
            raise wrong(name, value, NOT_A_DATE)
        times = view.times(name)
        return np.asarray(times.known & (times.start == period.start), dtype=bool)
    cells = view.cells(name)
    if cells.kind == "number":
        reader = whole() if isinstance(column, Integer) else number()
        return np.asarray(cells.known & (cells.data == reader(name, value)), dtype=bool)
    wanted = frozenset(value.split(",")) if cells.kind == "set" else frozenset({value})
    codes = column.codes.keys() or wanted
    if not wanted <= codes:
        raise wrong(name, min(wanted - codes), f"must be one of {', '.join(sorted(codes))}")
    if cells.kind == "set":
        return np.fromiter((wanted <= split_set(text) for text in cells.data), bool, len(view))
    return np.asarray(cells.known & (cells.data == value), dtype=bool)

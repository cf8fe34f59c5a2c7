"""Places off the road are brought to the stretches of road near them that lead everywhere."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from locator.datum import Positions, from_mercator, mercator_scale, to_mercator
from locator.travel.edges import RoadEdges
from locator.travel.graph import Floats, RoadGraph
from locator.travel.legs import Rows, Snapped

# A place on a crossing, or a door between a street and its pavement, belongs to all of them: the
# tolerance is about the width of a street with its pavements.
_SPARE_M = 20.0
_MOST = 8
_TIE_M = 0.01
_PLACES_AT_ONCE = 50_000
# A place whose 64 nearest roads lie behind barriers is shut in: those beyond do so too.
_MOST_AROUND = 64
_WIDER_M = (60.0, 120.0)
_CELL = 300.0
Lines = npt.NDArray[np.object_]
Flags = npt.NDArray[np.bool_]


# Lines are drawn about as well as this: a road along a wall, or a door in one, is not across it.
_DRAWN_M = 0.5


@dataclass(frozen=True)
class _Found:
    """Candidates, (c,): of which places, on which lines, and how far."""

    place: Rows
    line: Rows
    metres: Floats

    def take(self, rows: Rows | Flags) -> "_Found":
        return _Found(self.place[rows], self.line[rows], self.metres[rows])

    @classmethod
    def joined(cls, parts: "list[_Found]") -> "_Found":
        """Return the candidates of several parts, by place and distance."""
        none = np.zeros(0, dtype=np.int64)
        place, line = (
            np.concatenate([none, *(getattr(part, name) for part in parts)])
            for name in ("place", "line")
        )
        metres = np.concatenate([np.zeros(0), *(part.metres for part in parts)])
        # One key instead of two is several times quicker; a nanometre is not missed.
        order = np.argsort(place * 1e4 + metres, kind="stable")
        return cls(place[order], line[order], metres[order])

    def first_of_each(self, most: int = _MOST) -> "_Found":
        """Keep the nearest of each place, and what is as near as the last of them."""
        first = np.searchsorted(self.place, self.place)
        end = np.searchsorted(self.place, self.place, side="right")
        last = self.metres[np.minimum(first + most, end) - 1]
        return self.take(self.metres <= last + _TIE_M)

    def shortest(self, count: int) -> Floats:
        """Return the least distance of each of so many places, (count,); ``inf`` of none."""
        metres = np.full(count, np.inf)
        np.minimum.at(metres, self.place, self.metres)
        return metres


class _Places:
    """Places on the Mercator plane, and the units of the plane in a metre there."""

    def __init__(self, lonlat: Positions) -> None:
        self.xy = to_mercator(lonlat)
        self.unit = mercator_scale(lonlat[:, 1])
        self.points = np.asarray(shapely.points(self.xy))


class SnapIndex:
    """An R-tree over the edges of a graph's giant component; read-only.

    Attributes
    ----------
    edge, lines
        The edges that a place may lie at, and their shapes on the Mercator plane.
    ferry_edge, ferry_lines
        Ferries: they are boarded at their landings, so no place lies at one.
    """

    def __init__(self, graph: RoadGraph) -> None:
        self._graph = graph
        edges = graph.edges
        aboard = np.zeros(len(edges.tail), dtype=bool)
        if "ferry" in edges.classes:
            aboard = edges.road_class == edges.classes.index("ferry")
        self.edge, self.lines = _shapes(graph, graph.edge_in_giant & ~aboard)
        self.ferry_edge, self.ferry_lines = _shapes(graph, graph.edge_in_giant & aboard)
        self._tree = shapely.STRtree(self.lines)
        self._ferries = shapely.STRtree(self.ferry_lines)
        self._barriers = BarrierIndex(edges)

    def snap(self, lonlat: Positions, *, max_m: float) -> Snapped:
        """Return where places, (n, 2) degrees WGS-84, meet the road within a distance.

        Candidates are the roads at most 20 m farther than the nearest, and of those the eight
        nearest with what is as near as the eighth. A place on a ferry's line and farther than
        that from the road is on the water: it has none. Roads behind a barrier line do not
        count, unless there are no others within the distance.
        """
        rows = np.flatnonzero(_usable(lonlat))
        parts = []
        if len(rows) and len(self.lines):
            rows = rows[_by_place(to_mercator(lonlat[rows]))]
            for begin in range(0, len(rows), _PLACES_AT_ONCE):
                some = rows[begin : begin + _PLACES_AT_ONCE]
                found = self._candidates(_Places(lonlat[some]), max_m)
                parts.append(_Found(some[found.place], found.line, found.metres))
        found = _Found.joined(parts)
        points = shapely.points(to_mercator(lonlat))
        return Snapped(
            self._graph,
            lonlat,
            np.searchsorted(found.place, np.arange(len(lonlat) + 1)),
            self.edge[found.line],
            self._shares(np.asarray(points), found),
            found.metres,
        )

    def _candidates(self, places: _Places, max_m: float) -> _Found:
        """Return the candidates of places near each other."""
        (at, _), distance = self._tree.query_nearest(
            places.points, all_matches=False, return_distance=True
        )
        nearest_m = np.full(len(places.xy), np.inf)
        nearest_m[at] = distance / places.unit[at]
        nearest_m[self._on_water(places, nearest_m)] = np.inf
        rows = np.flatnonzero(nearest_m <= max_m)
        found = self._within(places, rows, np.minimum(nearest_m + _SPARE_M, max_m))
        chosen = found.first_of_each()
        cut = self._cut(places, chosen)
        if not cut.any():
            return chosen
        # Some lie behind a barrier: those places are looked at again, with all around them.
        walled = np.zeros(len(nearest_m), dtype=bool)
        walled[chosen.place[cut]] = True
        last_m = np.zeros(len(nearest_m))
        np.maximum.at(last_m, chosen.place, chosen.metres)
        rest = found.take(walled[found.place] & (found.metres > last_m[found.place]))
        free = [chosen.take(walled[chosen.place] & ~cut), rest.take(~self._cut(places, rest))]
        found = _Found.joined(free).first_of_each()
        lost = walled.copy()
        lost[found.place] = False
        parts = [chosen.take(~walled[chosen.place]), found]
        for found in self._around(places, np.flatnonzero(lost), max_m):
            lost[found.place] = False
            parts.append(found)
        # Where every road lies behind one, the barriers have a gap that is not drawn.
        return _Found.joined([*parts, chosen.take(lost[chosen.place])])

    def _around(self, places: _Places, rows: Rows, max_m: float) -> Iterator[_Found]:
        """Yield the candidates of places whose near roads all lie behind a barrier."""
        tested_m = 0.0
        for radius_m in (*(wider for wider in _WIDER_M if wider < max_m), max_m):
            every = self._within(places, rows, np.full(len(places.xy), radius_m))
            count = np.bincount(every.place, minlength=len(places.xy))
            found = every.first_of_each(_MOST_AROUND)
            found = found.take(found.metres >= tested_m)
            free = found.take(~self._cut(places, found))
            least_m = free.shortest(len(places.xy))
            done = (least_m + _SPARE_M <= radius_m) | (count >= _MOST_AROUND) | (radius_m == max_m)
            near = free.metres <= least_m[free.place] + _SPARE_M
            yield free.take(done[free.place] & near).first_of_each()
            rows = rows[~done[rows]]
            tested_m = radius_m - _SPARE_M  # up to there nothing was free

    def _within(self, places: _Places, rows: Rows, radius_m: Floats) -> _Found:
        """Return every road within a radius of some places, by place and distance."""
        units = radius_m[rows] * places.unit[rows] * (1 + 1e-12)
        at, line = self._tree.query(places.points[rows], predicate="dwithin", distance=units)
        place = rows[at]
        metres = shapely.distance(places.points[place], self.lines[line]) / places.unit[place]
        return _Found.joined([_Found(place, line, metres)])

    def _shares(self, points: Lines, found: _Found) -> Floats:
        share: Floats = shapely.line_locate_point(
            self.lines[found.line], points[found.place], normalized=True
        )
        share[np.isnan(share)] = 0.0  # an edge without length
        return share

    def _cut(self, places: _Places, found: _Found) -> Flags:
        """Tell which candidates, by place, lie behind a barrier."""
        cut = np.zeros(len(found.place), dtype=bool)
        if len(self._barriers):
            radius = np.zeros(len(places.xy))
            np.maximum.at(radius, found.place, found.metres)
            beside = self._barriers.around(places.xy, radius * places.unit)
            some = np.flatnonzero((beside != None)[found.place])  # noqa: E711
            place = found.place[some]
            legs = shapely.shortest_line(places.points[place], self.lines[found.line[some]])
            cut[some] = shapely.intersects(beside[place], shorten(legs, places.unit[place]))
        return cut

    def _on_water(self, places: _Places, road_m: Floats) -> Flags:
        """Tell which places lie on a ferry's line and not on the road."""
        found = np.zeros(len(road_m), dtype=bool)
        if len(self.ferry_lines):
            (at, _), distance = self._ferries.query_nearest(
                places.points, all_matches=False, return_distance=True
            )
            ferry_m = distance / places.unit[at]
            found[at] = (ferry_m <= _SPARE_M) & (ferry_m + _SPARE_M < road_m[at])
        return found

    def places(self, snapped: Snapped) -> Positions:
        """Return the nearest place on a road of each, (n, 2) degrees; NaN off every road."""
        lonlat = np.full((len(snapped), 2), np.nan)
        first = snapped.start[:-1][snapped.found]
        lines = self.lines[np.searchsorted(self.edge, snapped.edge[first])]
        points = shapely.line_interpolate_point(lines, snapped.share[first], normalized=True)
        lonlat[snapped.found] = from_mercator(shapely.get_coordinates(points))
        return lonlat


def _usable(lonlat: Positions) -> Flags:
    usable: Flags = np.isfinite(lonlat).all(axis=1) & (np.abs(lonlat[:, 1]) < 89)
    return usable


def _by_place(xy: Floats) -> Rows:
    """Return an order in which neighbours follow each other, so that they share the cache."""
    column, row = np.floor(xy / _CELL).T
    return np.lexsort((column, row))


def _shapes(graph: RoadGraph, chosen: Flags) -> tuple[Rows, Lines]:
    """Return the edges chosen, and their lines."""
    edges = graph.edges
    size = np.diff(edges.vertex_start)
    inside = np.repeat(chosen, size)
    number = np.cumsum(chosen) - 1
    # On a conformal plane the nearest line is the nearest on the ground.
    plane = to_mercator(edges.vertex_lonlat[inside])
    owner = np.repeat(number[chosen], size[chosen])
    return np.flatnonzero(chosen), np.asarray(shapely.linestrings(plane, indices=owner))


class BarrierIndex:
    """An R-tree over the pieces of barrier lines, on the Mercator plane; read-only."""

    def __init__(self, edges: RoadEdges) -> None:
        xy = to_mercator(edges.barrier_lonlat)
        begin = np.ones(len(xy), dtype=bool)
        begin[edges.barrier_start[1:] - 1] = False  # the last of each line begins no piece
        first = np.flatnonzero(begin)
        self._pieces = np.asarray(shapely.linestrings(np.stack([xy[first], xy[first + 1]], axis=1)))
        self._tree = shapely.STRtree(self._pieces)

    def __len__(self) -> int:
        return len(self._pieces)

    def around(self, xy: Floats, radius: Floats) -> npt.NDArray[np.object_]:
        """Return the barriers about places, (n, 2) on the plane, prepared; None where none is.

        Parameters
        ----------
        radius
            (n,) units of the plane; around a place with none nothing is looked for.
        """
        around = np.full(len(xy), None, dtype=object)
        rows = np.flatnonzero(radius > 0)
        low, high = xy[rows] - radius[rows, None], xy[rows] + radius[rows, None]
        place, piece = self._tree.query(shapely.box(*low.T, *high.T))
        shapely.multilinestrings(self._pieces[piece], indices=rows[place], out=around)
        shapely.prepare(around)
        return around


def shorten(
    legs: npt.NDArray[np.object_], unit: npt.NDArray[np.float64]
) -> npt.NDArray[np.object_]:
    """Return straight legs without what cannot be told from a barrier they begin or end on.

    Parameters
    ----------
    legs
        (n,) lines of two points on the plane.
    unit
        (n,) units of the plane in a metre.
    """
    ends = shapely.get_coordinates(legs).reshape(-1, 2, 2)
    along = ends[:, 1] - ends[:, 0]
    length = np.hypot(*along.T)
    spare = _DRAWN_M * unit
    share = np.where(length > 2 * spare, spare / np.maximum(length, spare), 0.5)
    step = along * share[:, None]
    return np.asarray(shapely.linestrings(ends + np.stack([step, -step], axis=1)))

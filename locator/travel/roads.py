"""Riding time along the roads, behind the contract of a travel model.

From a rider to a station is not the way from the station to the rider: searches start at the
stations and run through the transposed graph. One of them answers for all stations at once when
one nearest is asked of many places, under any filter. A rider's k nearest come from a table of
times from every state to every station (``table.py``), which is filled when it pays or when
:meth:`BoundRoads.prepare` is called; until then one search runs forward from the rider.
"""

import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from locator.datum import Positions
from locator.errors import InputError
from locator.schema import CRS, Language
from locator.travel.areas import AreaRules, reached_roads, trace_area
from locator.travel.base import Nearest, Origins
from locator.travel.graph import LENGTH_BITS, Floats, Ints, RoadGraph, split_weight
from locator.travel.legs import Snapped, direct_ways, entries_of, least, with_sources
from locator.travel.route import Route, find_route
from locator.travel.snap import SnapIndex

_SEARCH_BYTES = 32 * 2**20  # for the distances of the searches that run together
_AT_ONCE = 50
_PAIRS_AT_ONCE = 2_000_000
_TABLE_BYTES = 3 * 2**30
Mask = npt.NDArray[np.bool_]


BYTES_A_PAIR = 6
_BLOCK = 64
_GRAIN = 8  # the last block is as wide as it must be, rounded up to this
_NEVER = np.uint32(2**32 - 1)
_CODES = 65_535.0
_STATES_AT_ONCE = 1 << 17

Rows = npt.NDArray[np.int64]
Search = Callable[[Rows], Floats]  # stations -> (stations, states) weights


@dataclass(frozen=True)
class _Block:
    time_ms: npt.NDArray[np.uint32]
    speed: npt.NDArray[np.uint16]


@dataclass(frozen=True)
class StationTable:
    """The filled table; read-only.

    Attributes
    ----------
    blocks
        (states, up to 64) each.
    slot
        (m,) column of each station, counted over all blocks.
    keys
        What each station's column depends on.
    top_m_per_s
        The speed that code 65,535 stands for.
    """

    blocks: tuple[_Block, ...]
    slot: Rows
    keys: tuple[bytes, ...]
    top_m_per_s: float

    def weights(self, states: Ints) -> Floats:
        """Return the weights from r states to every station, (r, m)."""
        if not self.blocks:
            return np.empty((len(states), 0))
        time_ms = np.concatenate([b.time_ms[states] for b in self.blocks], axis=1)[:, self.slot]
        speed = np.concatenate([b.speed[states] for b in self.blocks], axis=1)[:, self.slot]
        whole_ms = time_ms.astype(np.float64)
        length_cm = np.rint(whole_ms * (self.top_m_per_s / _CODES / 10.0) * speed)
        return np.where(time_ms == _NEVER, np.inf, whole_ms * (1 << LENGTH_BITS) + length_cm)

    @property
    def widths(self) -> list[int]:
        """Slots of each block."""
        return [block.time_ms.shape[1] for block in self.blocks]


def fill_table(
    keys: Sequence[bytes],
    search: Search,
    *,
    states: int,
    at_once: int,
    top_m_per_s: float,
    previous: StationTable | None = None,
) -> StationTable:
    """Fill a table, taking over from an earlier one every station whose key is unchanged.

    Parameters
    ----------
    keys
        (m,) what each station's times depend on: equal keys share a slot.
    search
        Returns the weights from every state to some stations, one row a station.
    at_once
        How many stations a search may take: bounds the memory.
    """
    known: dict[bytes, int] = {}
    if previous is not None:
        known = dict(zip(previous.keys, previous.slot.tolist(), strict=True))
    slots = {key: known[key] for key in keys if key in known}
    blocks = list(previous.blocks) if previous is not None and slots else []
    shared = len(blocks)
    fresh = list(dict.fromkeys(key for key in keys if key not in slots))
    taken = set(slots.values())
    total = sum(block.time_ms.shape[1] for block in blocks)
    free = [slot for slot in range(total) if slot not in taken]
    while len(free) < len(fresh):
        width = min(_BLOCK, -(-(len(fresh) - len(free)) // _GRAIN) * _GRAIN)
        blocks.append(_empty(states, width))
        free.extend(range(total, total + width))
        total += width
    owned = set(range(shared, len(blocks)))
    first_of = {key: row for row, key in reversed(list(enumerate(keys)))}
    for begin in range(0, len(fresh), at_once):
        some = fresh[begin : begin + at_once]
        weight = search(np.array([first_of[key] for key in some], dtype=np.int64))
        for key, row in zip(some, weight, strict=True):
            slots[key] = free.pop(0)
            _write(blocks, owned, slots[key], row, top_m_per_s)
    slot = np.array([slots[key] for key in keys], dtype=np.int64)
    return StationTable(tuple(blocks), slot, tuple(keys), top_m_per_s)


def _empty(states: int, width: int) -> _Block:
    return _Block(
        np.full((states, width), _NEVER, dtype=np.uint32),
        np.zeros((states, width), dtype=np.uint16),
    )


def _write(blocks: list[_Block], owned: set[int], slot: int, weight: Floats, top: float) -> None:
    """Write one station's column; a block that an earlier table shares is copied first."""
    number = 0
    while slot >= blocks[number].time_ms.shape[1]:
        slot -= blocks[number].time_ms.shape[1]
        number += 1
    if number not in owned:
        blocks[number] = _Block(blocks[number].time_ms.copy(), blocks[number].speed.copy())
        owned.add(number)
    block = blocks[number]
    for begin in range(0, len(weight), _STATES_AT_ONCE):  # bounds the memory
        some = slice(begin, begin + _STATES_AT_ONCE)
        seconds, metres = split_weight(weight[some])
        reached = np.isfinite(seconds)
        code = np.zeros(len(seconds))
        code[reached] = np.clip(metres[reached] / seconds[reached] * (_CODES / top), 0, _CODES)
        block.speed[some, slot] = np.rint(code)
        whole_ms = np.minimum(np.rint(seconds * 1000.0), float(_NEVER) - 1)
        block.time_ms[some, slot] = np.where(reached, whole_ms, _NEVER)


@dataclass(frozen=True)
class RoadOptions:
    """What the model needs besides the graph.

    Attributes
    ----------
    max_snap_m
        A place farther than this from every road of the network is out of reach.
    detour_factor
        Way over straight line, for standards in metres.
    table_bytes
        The most the table of times may take; past it, each question is searched.
    """

    max_snap_m: float = 300.0
    detour_factor: float = 1.3
    table_bytes: int = _TABLE_BYTES


class Roads:
    """A road graph as a travel model; read-only, shared by threads.

    Parameters
    ----------
    graph
        From :func:`locator.travel.graph.build_graph` or
        :func:`locator.travel.graph_file.load_graph`.
    options
        Distances and limits.
    """

    def __init__(self, graph: RoadGraph, options: RoadOptions | None = None) -> None:
        self.graph = graph
        self.options = options or RoadOptions()
        if self.options.max_snap_m <= 0 or self.options.detour_factor < 1:
            raise InputError("The snap distance must be above 0 m and the detour factor 1 or more.")
        self._lock = threading.Lock()
        self._last: weakref.ref[BoundRoads] | None = None

    def describe(self, language: Language = "en") -> str:
        """Return one line for whatever shows an answer."""
        profile, dated = self.graph.profile, self.graph.edges.dated
        if language == "zh":
            rider = "步行" if profile.walks else "电动自行车"
            of = f"{dated} 的路网" if dated else f"路网 {self.graph.source}"
            return f"按道路计算：{of}，{rider}，时速 {profile.speed_kmh:g} 公里"
        of = f"extract of {dated}" if dated else self.graph.source
        return f"roads, {of}, {profile.name} {profile.speed_kmh:g} km/h"

    @property
    def digest(self) -> str:
        """Return what identifies the file that the network was read from, 16 hex digits."""
        return self.graph.digest[:16]

    @property
    def credit(self) -> str:
        """Return the notice that OpenStreetMap's licence (ODbL 1.0, 4.3) asks for; else nothing."""
        is_osm = bool(self.graph.edges.dated) or ".osm" in self.graph.source
        return "© OpenStreetMap contributors" if is_osm else ""

    def limit_s(self, metres: float) -> float:
        """Return the riding time that stands for a straight distance."""
        return metres * self.options.detour_factor / (self.graph.profile.speed_kmh / 3.6)

    @cached_property
    def index(self) -> SnapIndex:
        """The roads that places lie at."""
        return SnapIndex(self.graph)

    def snap(self, lonlat: Origins) -> Snapped:
        """Return where places meet the road: work that need not be done again for each question.

        Places on islands of roads, or far from any, meet none. What was snapped to this network
        before is returned as it is.
        """
        if isinstance(lonlat, Snapped):
            if lonlat.graph is self.graph:
                return lonlat
            lonlat = lonlat.lonlat
        points = np.asarray(lonlat, dtype=np.float64).reshape(-1, 2)
        return self.index.snap(points, max_m=self.options.max_snap_m)

    def on_road(self, lonlat: Positions) -> Positions:
        """Return the nearest place on a road of each place, (n, 2) degrees; NaN where none is."""
        return self.index.places(self.snap(lonlat))

    def bind(self, destinations: Positions) -> "BoundRoads":
        """Snap the destinations, (m, 2); times known from the last set are taken over."""
        lonlat = np.asarray(destinations, dtype=np.float64).reshape(-1, 2)
        if not np.isfinite(lonlat).all():
            raise InputError("A station's position is not a number; mend it in the register.")
        with self._lock:
            last = self._last() if self._last is not None else None
            bound = BoundRoads(self, self.snap(lonlat), last.table if last is not None else None)
            self._last = weakref.ref(bound)
        return bound

    def route(self, origin: Positions, destination: Positions) -> Route | None:
        """Return the way from one place to another, (2,) degrees each; None if there is none."""
        ends = np.stack([np.asarray(origin, float).ravel(), np.asarray(destination, float).ravel()])
        return find_route(self.snap(ends))


class BoundRoads:
    """The roads towards a fixed set of destinations."""

    def __init__(self, model: Roads, places: Snapped, earlier: StationTable | None) -> None:
        self.places = places
        self._model = model
        self._graph = model.graph
        self._earlier = earlier
        self._table: StationTable | None = None
        self._lock = threading.Lock()
        self._entries = entries_of(places)

    @property
    def table(self) -> StationTable | None:
        """The table of times if it is filled, else the one it would take over from."""
        return self._table if self._table is not None else self._earlier

    @property
    def out_of_reach(self) -> Rows:
        """Destinations that no road of the network comes near: on an island, or far away."""
        return np.flatnonzero(~self.places.found)

    @property
    def fits(self) -> bool:
        """Whether the table stays within its limit."""
        pairs = self._graph.states * len(self.places)
        return pairs * BYTES_A_PAIR <= self._model.options.table_bytes

    def prepare(self) -> bool:
        """Fill the table now, so that no rider waits for it; tell whether there is one."""
        if self._table is None and self.fits:
            with self._lock:
                if self._table is None:
                    self._table = self._fill()
                    self._earlier = None
        return self._table is not None

    def nearest(self, origins: Origins, *, k: int, mask: Mask | None = None) -> Nearest:
        """Return the k nearest destinations of each origin; see :class:`BoundModel`.

        Times that are equal to the millisecond keep the destinations' order; one nearest of many
        origins takes the shorter way first.
        """
        if k < 1:
            raise InputError(f"k is {k}; ask for 1 or more stations.")
        places = self._model.snap(origins)
        count = len(self.places)
        chosen = np.arange(count) if mask is None else np.flatnonzero(mask)
        index = np.full((len(places), k), -1, dtype=np.int64)
        weight = np.full((len(places), k), np.inf)
        if len(chosen) and len(index):
            best, found = self._search_nearest(places, min(k, len(chosen)), chosen)
            width = best.shape[1]
            weight[:, :width] = best
            index[:, :width] = np.where(np.isfinite(best), found, -1)
        seconds, metres = split_weight(weight)
        return Nearest(index, seconds, metres)

    def times(self, origins: Origins, *, limit_s: float) -> csr_array:
        """Return seconds within the limit as a sparse matrix; see :class:`BoundModel`."""
        places = self._model.snap(origins)
        shape = (len(places), len(self.places))
        parts: list[tuple[Rows, Rows, Floats]] = []
        for rows, columns, weight in self._blocks(places, limit_s):
            seconds = split_weight(weight)[0]
            row, column = np.nonzero(np.isfinite(seconds) & (seconds <= limit_s))
            parts.append((rows[row], columns[column], seconds[row, column]))
        if not parts:
            return csr_array(shape, dtype=np.float64)
        row, column, value = (np.concatenate(part) for part in zip(*parts, strict=True))
        return csr_array((value, (row, column)), shape=shape)

    def service_areas(self, *, limit_s: float) -> gpd.GeoSeries:
        """Return the area from which each destination is reached in time, EPSG:4326."""
        outlines = []
        for columns, weight in self._from_stations(np.arange(len(self.places)), limit_s):
            for column, row in zip(columns, weight, strict=True):
                outlines.append(self._area(self.places.take(np.array([column])), row, limit_s))
        return gpd.GeoSeries(outlines, crs=CRS)

    def reach(self, *, limit_s: float, mask: Mask | None = None) -> shapely.MultiPolygon:
        """Return where the nearest destination is in reach; one search, see :class:`BoundModel`."""
        on_road = self.places.found
        chosen = np.flatnonzero(on_road if mask is None else on_road & mask)
        if not len(chosen):
            return shapely.MultiPolygon()
        sources = self._graph.states + chosen
        weight = dijkstra(self._backward, indices=sources, limit=_limit(limit_s), min_only=True)
        return self._area(self.places.take(chosen), weight[: self._graph.states], limit_s)

    def _area(self, stations: Snapped, weight: Floats, limit_s: float) -> shapely.MultiPolygon:
        """Return from where the nearest of some stations is reached, given every state's weight."""
        model = self._model

        def time_of(lonlat: Positions) -> Floats:
            places = model.snap(lonlat)
            best = least(places.exits.start, places.exits.weight + weight[places.exits.state])
            ways = direct_ways(places, stations)
            np.minimum.at(best, ways.origin, ways.weight)
            return split_weight(best)[0]

        if not stations.found.any():
            return shapely.MultiPolygon()
        seconds = split_weight(weight)[0]
        roads = reached_roads(self._graph, model.index, stations, seconds, limit_s)
        push_m_per_s = self._graph.profile.push_kmh / 3.6
        rules = AreaRules(limit_s, model.options.max_snap_m, push_m_per_s)
        return trace_area(time_of, roads, rules)

    # -- searches ------------------------------------------------------------------------------

    @cached_property
    def _backward(self) -> csr_array:
        """The transposed graph with a virtual state a station."""
        return with_sources(self._graph.backward, self._entries)

    @property
    def _at_once(self) -> int:
        return max(1, min(_AT_ONCE, _SEARCH_BYTES // (8 * max(self._graph.states, 1))))

    def _from_stations(self, chosen: Rows, limit_s: float) -> Iterator[tuple[Rows, Floats]]:
        """Yield some stations and the weights from every state to them, (c, s)."""
        states = self._graph.states
        for begin in range(0, len(chosen), self._at_once):
            some = chosen[begin : begin + self._at_once]
            weight = dijkstra(self._backward, indices=states + some, limit=_limit(limit_s))
            yield some, weight[:, :states]

    def _fill(self) -> StationTable:
        def search(stations: Rows) -> Floats:
            _, weight = next(self._from_stations(stations, np.inf))
            return weight

        return fill_table(
            self.places.keys(),
            search,
            states=self._graph.states,
            at_once=self._at_once,
            top_m_per_s=self._graph.top_m_per_s,
            previous=self._earlier,
        )

    def _search_nearest(self, places: Snapped, k: int, chosen: Rows) -> tuple[Floats, Rows]:
        """Return the k smallest weights of each origin and the destinations they lead to."""
        # A search costs a look at every state, the table one at every station for each origin.
        alone = self._table is None or len(places) * len(chosen) > self._graph.states
        if alone and k == 1 and len(places) > 1:
            return self._search_one(places, chosen)
        many = len(places) > max(_AT_ONCE, len(chosen))
        # A narrow filter is searched for itself: the table costs a search for every station.
        narrow = 2 * len(chosen) < len(self.places)
        if self._table is None and many and (narrow or not self.prepare()):
            return self._merge(places, k, chosen)
        parts = []
        for _, _, weight in self._blocks(places, np.inf, by_origin=True):
            parts.append(_rank(weight[:, chosen], k))
        return np.concatenate([p[0] for p in parts]), chosen[np.concatenate([p[1] for p in parts])]

    def _search_one(self, places: Snapped, chosen: Rows) -> tuple[Floats, Rows]:
        """Return the nearest of each origin by one search from all stations at once."""
        states = self._graph.states
        weight, _, source = dijkstra(
            self._backward,
            indices=states + chosen[self._first_of_place(chosen)],
            min_only=True,
            return_predecessors=True,
        )
        exits = places.exits
        total = exits.weight + weight[exits.state]
        best = least(exits.start, total)
        found = np.full(len(best), -1, dtype=np.int64)
        at = np.flatnonzero(total == np.repeat(best, np.diff(exits.start)))[::-1]
        found[places.owner[exits.candidate[at]]] = source[exits.state[at]].astype(np.int64) - states
        ways = direct_ways(places, self.places.take(chosen))
        order = np.lexsort((ways.destination, ways.weight))[::-1]  # the smallest is written last
        origin, station = ways.origin[order], chosen[ways.destination[order]]
        straight = ways.weight[order]
        better = straight < best[origin]
        best[origin[better]] = straight[better]
        found[origin[better]] = station[better]
        return best[:, None], found[:, None]

    def _first_of_place(self, chosen: Rows) -> Rows:
        """Return positions in some stations: of those at one place the first answers for all."""
        first: dict[bytes, int] = {}
        for position, key in enumerate(self.places.take(chosen).keys()):
            first.setdefault(key, position)
        return np.array(list(first.values()), dtype=np.int64)

    def _merge(self, places: Snapped, k: int, chosen: Rows) -> tuple[Floats, Rows]:
        """Return the k nearest of many origins without a table: the best so far, and the next."""
        best = np.empty((len(places), 0))
        found = np.empty((len(places), 0), dtype=np.int64)
        for some, weight in self._from_stations(chosen, np.inf):
            block = self._join(places, weight, some)
            both = np.concatenate([found, np.broadcast_to(some, block.shape)], axis=1)
            best, order = _rank(np.concatenate([best, block], axis=1), k)
            found = np.take_along_axis(both, order, axis=1)
        return best, found

    def _join(self, places: Snapped, weight: Floats, some: Rows) -> Floats:
        """Return (n, c) weights to some stations, given those from every state, (c, s)."""
        joined = np.empty((len(places), len(some)))
        for rows in places.exits.pieces(_PAIRS_AT_ONCE // max(len(some), 1)):
            exits = places.exits.piece(rows)
            joined[rows] = least(exits.start, exits.weight + weight[:, exits.state]).T
        return self._or_straight(joined, places, some)

    def _or_straight(self, weight: Floats, places: Snapped, some: Rows) -> Floats:
        """Lower (n, c) weights to what the way along one edge takes."""
        ways = direct_ways(places, self.places.take(some))
        np.minimum.at(weight, (ways.origin, ways.destination), ways.weight)
        return weight

    def _blocks(
        self, places: Snapped, limit_s: float, *, by_origin: bool = False
    ) -> Iterator[tuple[Rows, Rows, Floats]]:
        """Yield origins, destinations and the weights between them, block by block."""
        everyone = np.arange(len(self.places))
        origins = np.arange(len(places))
        if not (len(everyone) and len(origins)):
            return
        if self._table is not None:
            yield from self._looked_up(self._table, places, everyone)
        elif by_origin or len(origins) < len(everyone):
            for begin in range(0, len(origins), self._at_once):
                rows = origins[begin : begin + self._at_once]
                yield rows, everyone, self._from_origins(places.take(rows), limit_s)
        else:
            for some, weight in self._from_stations(everyone, limit_s):
                yield origins, some, self._join(places, weight, some)

    def _looked_up(
        self, table: StationTable, places: Snapped, everyone: Rows
    ) -> Iterator[tuple[Rows, Rows, Floats]]:
        for some in places.exits.pieces(_PAIRS_AT_ONCE // len(everyone)):
            exits = places.exits.piece(some)
            rest = table.weights(exits.state)
            rest += exits.weight[:, None]
            rows = np.arange(some.start, some.stop)
            weight = np.ascontiguousarray(least(exits.start, rest.T).T)
            yield rows, everyone, self._or_straight(weight, places.take(rows), everyone)

    def _from_origins(self, places: Snapped, limit_s: float) -> Floats:
        """Return (n, m) weights by one search an origin."""
        entries, states = self._entries, self._graph.states
        graph = with_sources(self._graph.forward, places.exits.quickest())
        search = states + np.arange(len(places))
        reached = dijkstra(graph, indices=search, limit=_limit(limit_s))[:, entries.state]
        weight = least(entries.start, reached + entries.weight)
        return self._or_straight(weight, places, np.arange(len(self.places)))


def _limit(limit_s: float) -> float:
    """Return a weight that no way within a time exceeds."""
    return (limit_s * 1000.0 + 1.0) * float(1 << LENGTH_BITS)


def _rank(weight: Floats, k: int) -> tuple[Floats, Rows]:
    """Return the k smallest of each row by whole milliseconds; of equals the first column."""
    order = np.argsort(split_weight(weight)[0], axis=1, kind="stable")[:, :k]
    return np.take_along_axis(weight, order, axis=1), order

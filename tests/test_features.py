"""Collections: filters that mean what CQL2 says, pages that stay in step, axes in their order."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import cql2
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pyproj import Transformer
from shapely.geometry import Point, Polygon, box

from locator.errors import InputError
from locator.features import (
    COLLECTIONS,
    CRS84,
    CRS_TABLE,
    Collection,
    Query,
    Shape,
    View,
    encode_rows,
    find_collection,
    find_page,
    parse_period,
    parse_sort,
    read_bbox,
)
from locator.features.encode import properties_of
from locator.features.filter import filter_rows, like_pattern
from locator.features.view import Rows
from locator.files import open_layers
from locator.schema import LAYERS, Boolean, Column, Date, Integer, Layer, Moment, Number, Text
from tests.patience import examples

SHANGHAI = ZoneInfo("Asia/Shanghai")
VECTORS = Path(__file__).parent / "vectors"
EPSG4326, EPSG3857, EPSG4490 = CRS_TABLE[1:]


def collection(name: str) -> Collection:
    found = find_collection(name)
    assert found is not None
    return found


def stations(**columns: list[object]) -> View:
    """Return a view of as many stations as the columns have cells, a hundredth degree apart."""
    count = len(next(iter(columns.values())))
    data: dict[str, object] = {c.name: [None] * count for c in LAYERS["stations"].columns}
    data |= {"id": [f"s{n}" for n in range(count)], "name": ["x"] * count} | columns
    data["capacity"] = pd.Series(data["capacity"], dtype="Int64")
    points = [Point(107 + n / 100, 34) for n in range(count)]
    frame = gpd.GeoDataFrame(data, geometry=points, crs="EPSG:4326").sort_values("id")
    return View(collection("stations"), frame.reset_index(drop=True), SHANGHAI)


def found(view: View, text: str) -> list[str]:
    """Return the ids for which a filter is true."""
    rows = filter_rows(view, np.arange(len(view)), text, CRS84)
    return [view.ids[row] for row in rows]


def test_and_binds_stronger_than_or() -> None:
    view = stations(name=["a", "b", "c"], capacity=[1, 2, 3])
    assert found(view, "name = 'a' OR name = 'b' AND capacity = 3") == ["s0"]
    assert found(view, "(name = 'a' OR name = 'b') AND capacity = 3") == []
    assert found(view, "NOT name = 'a' AND capacity < 3") == ["s1"]


def test_unknown_answers_neither_yes_nor_no() -> None:
    """Capacities 10, unknown, 30: the unknown one is in no comparison and in no negation of one."""
    view = stations(capacity=[10, None, 30])
    assert found(view, "capacity > 20") == ["s2"]
    assert found(view, "NOT capacity > 20") == ["s0"]
    assert found(view, "capacity > 20 OR TRUE") == ["s0", "s1", "s2"]
    assert found(view, "capacity BETWEEN 5 AND 40") == ["s0", "s2"]
    assert found(view, "capacity NOT IN (10)") == ["s2"]
    assert found(view, "capacity IS NULL") == ["s1"]
    assert found(view, "capacity / 0 > 1 OR NOT capacity / 0 > 1") == []
    assert found(view, "NOT (capacity > 20 AND name = 'nobody')") == ["s0", "s1", "s2"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name LIKE '驿%'", ["s0", "s1"]),
        ("name LIKE '驿_'", ["s0"]),
        (r"name LIKE '100\%'", ["s2"]),
        ("name LIKE '%'", ["s0", "s1", "s2", "s3"]),
        ("name NOT LIKE '%站%'", ["s2", "s3"]),
        ("CASEI(name) = CASEI('O''BRIEN')", ["s3"]),
        ("name = 'O''Brien'", ["s3"]),
        ("CASEI(name) LIKE CASEI('%BRI%')", ["s3"]),
        ("name IN ('100%', '驿站')", ["s0", "s2"]),
        ('"name" > \'驿站\'', ["s1"]),
        ("A_CONTAINS(services, ('hot_water'))", ["s0", "s1"]),
        ("A_EQUALS(services, ('wifi','hot_water'))", ["s1"]),
        ("A_OVERLAPS(services, ('wifi','toilet'))", ["s1"]),
        ("A_CONTAINEDBY(services, ('hot_water'))", ["s0"]),
        ("services IS NULL", ["s2", "s3"]),
        ("capacity + 1 = 2 * 3", ["s1"]),
        ("capacity % 2 = 1 AND -capacity < 0", ["s1"]),
        ("last_verified = DATE('2026-11-23')", ["s0"]),
        ("last_verified >= '2026-11-23'", ["s0", "s1"]),
        ("T_AFTER(last_verified, DATE('2026-11-23'))", ["s1"]),
        ("T_INTERSECTS(updated_at, INTERVAL('2026-11-23T00:00:00Z','..'))", ["s1"]),
        ("updated_at < TIMESTAMP('2026-11-22T16:00:01Z')", ["s0"]),
        ("T_DURING(updated_at, INTERVAL('2026-01-01','2026-12-31'))", ["s0", "s1"]),
        ("S_INTERSECTS(geometry, BBOX(106.999,33.9,107.011,34.1))", ["s0", "s1"]),
        ("S_WITHIN(geometry, POLYGON((107.02 33, 108 33, 108 35, 107.015 35, 107.02 33)))",
         ["s2", "s3"]),
        ("S_DISJOINT(geometry, MULTIPOINT((107 34),(107.01 34),(107.02 34)))", ["s3"]),
        ("S_EQUALS(geometry, GEOMETRYCOLLECTION(POINT(107.03 34)))", ["s3"]),
        ("S_INTERSECTS(geometry, BBOX(107.015,-90,-150,90))", ["s2", "s3"]),
        ("S_DISJOINT(geometry, BBOX(107.025,33,0,107.005,35,9))", ["s1", "s2"]),
        ("TRUE = TRUE", ["s0", "s1", "s2", "s3"]),
        ("TRUE <> TRUE OR FALSE IN (TRUE)", []),
        ("T_INTERSECTS(DATE('2026-12-03'), INTERVAL(notice_from,notice_until))", ["s0"]),
        ("T_DURING(DATE('2026-12-03'), INTERVAL(notice_from,'..'))", ["s0", "s1"]),
        ("NOT T_BEFORE(DATE('2026-12-03'), INTERVAL(notice_from,notice_until))", ["s0"]),
    ],
)  # fmt: skip
def test_what_a_filter_finds(text: str, expected: list[str]) -> None:
    view = stations(
        name=["驿站", "驿站甲", "100%", "O'Brien"],
        capacity=[4, 5, 6, None],
        services=["hot_water", "hot_water;wifi", None, None],
        last_verified=["2026-11-23", "2026-11-24", None, "soon"],
        updated_at=["2026-11-22T16:00:00Z", "2026-11-23T00:00:00Z", None, "yesterday"],
        notice_from=["2026-12-01", "2026-12-01", None, "2026-12-05"],
        notice_until=["2026-12-09", None, "2026-12-09", "2026-12-01"],
    )
    assert found(view, text) == expected


def test_a_box_across_the_180th_meridian_is_read_in_its_own_axes() -> None:
    """107 E, 34 N in metres and with latitude first: the box reaches from 100 E to 150 W."""
    view, text = stations(name=["a"]), "S_INTERSECTS(geometry, BBOX({}))"
    west, east = 11131949.079, -16697923.619
    for crs, sides in ((EPSG4326, "30,100,40,-150"), (EPSG3857, f"{west},0,{east},5000000")):
        assert len(filter_rows(view, view.rows, text.format(sides), crs)) == 1
    with pytest.raises(InputError, match="south above its north"):
        found(view, text.format("100,40,110,30"))


PREDICATES = json.loads((VECTORS / "cql2_predicates.json").read_text("utf-8"))
# Three counts are the standard's own slips, each 2: of its cities three begin with Ch (Chicago,
# Chișinău, Chengdu), and one of these with Chis, whatever its accents and case.
SLIPS = {
    "ACCENTI(name) LIKE accenti('Ch%')": 3,
    "ACCENTI(CASEI(name)) LIKE accenti(casei('Chiș%'))": 1,
    "ACCENTI(CASEI(name)) LIKE accenti(casei('cHis%'))": 1,
}
COLUMN_TYPES: dict[str, type[Column]] = {
    "date": Date,
    "start": Moment,
    "end": Moment,
    "boolean": Boolean,
    "pop_max": Integer,
    "pop_min": Integer,
    "pop_other": Integer,
    "POP_EST": Number,
}


@pytest.mark.realdata
def test_the_predicates_of_the_standard_find_what_it_says(realdata: Path) -> None:
    """All 274 of the abstract test suite (opengeospatial/ogcapi-features, public domain)."""
    with open_layers(realdata / "ogc" / "ne110m4cql2.gpkg") as file:
        views = {name: standard_view(file.read(name)) for name in {p[1] for p in PREDICATES}}
    wrong = {}
    for _, layer, text, count in PREDICATES:
        view = views[layer]
        ours = re.sub(r"\bgeom\b", "geometry", text)
        rows = filter_rows(view, view.rows, ours, CRS84)
        if len(rows) != SLIPS.get(text, count):
            wrong[text] = (len(rows), count)
    assert not wrong


def standard_view(frame: gpd.GeoDataFrame) -> View:
    """Return a layer of the standard's test data as a collection of its own."""
    names = [str(name) for name in frame.columns if name != frame.geometry.name]
    columns = tuple(COLUMN_TYPES.get(name, Text)(name, name, public=True) for name in names)
    base = collection("districts" if frame.geom_type.iloc[0] != "Point" else "places")
    days = {"date": frame["date"].astype(str).str[:10]} if "date" in frame else {}
    frame = frame.assign(id=[f"{n:04d}" for n in range(len(frame))], **days)
    return View(
        replace(base, layer=Layer("standard", columns, base.geometry_type)), frame, ZoneInfo("UTC")
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "near its end"),
        ("name = 'x", "near"),
        ("name = 'x' nonsense", "near 'nonsense'"),
        ("name", "no condition"),
        ("name = 1", "not two texts"),
        ("nobody = 'x'", "there are geometry, id, name"),
        ("source_datum = 'gcj02'", "is no property"),
        ("foo(name) = 'x'", "is no function"),
        ("foo(name)", "is no condition"),
        ("services = 'wifi'", "A_CONTAINS"),
        ("name LIKE name", "pattern in quotes"),
        ("last_verified = 'soon'", "compares a time"),
        ("T_AFTER(last_verified, DATE('2026-02-30'))", "is not a moment"),
        ("S_INTERSECTS(geometry, POLYGON((0 0)))", "cannot be read"),
        ("S_INTERSECTS(geometry, name)", "two geometries"),
        ("capacity = 1e999", "too large"),
        ("(" * 200 + "name = 'x'" + ")" * 200 + " AND" + " NOT" * 60 + " name = 'y'", "deeper"),
        (" OR ".join(["name = 'x'"] * 51), "more than 50"),
        ("name = '" + "x" * 4_000 + "'", "4000 are the most"),
        ("TRUE = 1", "or truth values"),
        ("T_AFTER(updated_at, INTERVAL(name,'..'))", "compares a time"),
        ("T_AFTER(updated_at, INTERVAL('2026-11-23'))", "takes 2 text"),
        ("A_CONTAINS(name, ('x'))", "take a set"),
        ("('a','b') = name", "where one value belongs"),
        ("T_AFTER(updated_at)", "takes two times"),
    ],
)
def test_a_wrong_filter_is_told_in_a_sentence(text: str, reason: str) -> None:
    with pytest.raises(InputError, match=re.escape(reason)):
        found(stations(name=["a", "b"]), text)


def test_no_pattern_takes_long() -> None:
    """Backtracking would take 2,000 to the 20th power of steps here; the test would never end."""
    pattern = like_pattern("%a" * 20 + "%b")
    assert pattern.fullmatch("a" * 2_000) is None
    assert pattern.fullmatch("a" * 2_000 + "b") is not None


@given(st.text("ab%_", max_size=8), st.text("ab%_", max_size=8))
def test_like_agrees_with_a_plain_search(pattern: str, text: str) -> None:
    def like(p: str, t: str) -> bool:
        if not p:
            return not t
        if p[0] == "%":
            return any(like(p[1:], t[n:]) for n in range(len(t) + 1))
        return bool(t) and p[0] in {"_", t[0]} and like(p[1:], t[1:])

    assert (like_pattern(pattern).fullmatch(text) is not None) == like(pattern, text)


NAMES, NUMBERS = ["a", "b", "it''s"], ["1", "2.5", "-3"]
COMPARISONS = st.one_of(
    st.builds(
        "name {} '{}'".format,
        st.sampled_from(["=", "<>", "<", ">="]),
        st.sampled_from(NAMES),
    ),
    st.builds(
        "capacity {} {}".format,
        st.sampled_from(["=", "<>", "<", "<=", ">", ">="]),
        st.sampled_from(NUMBERS),
    ),
    st.builds("name IN ('{}', '{}')".format, st.sampled_from(NAMES), st.sampled_from(NAMES)),
    st.builds("capacity BETWEEN {} AND 2".format, st.sampled_from(NUMBERS)),
    st.builds("capacity + 1 > {} * 2".format, st.sampled_from(NUMBERS)),
)
FILTERS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.builds("{} AND {}".format, inner, inner),
        st.builds("{} OR {}".format, inner, inner),
        st.builds("NOT ({})".format, inner),
        st.builds("({})".format, inner),
    ),
    max_leaves=8,
)


@hypothesis_settings(deadline=None, max_examples=examples(200))
@given(FILTERS)
def test_filters_agree_with_an_independent_reader(text: str) -> None:
    """cql2 is written in Rust by others; every property is known here, as it demands."""
    rows = [{"name": n, "capacity": c} for n in ("a", "b", "c", "it's") for c in (1, 2, 3)]
    view = stations(name=[r["name"] for r in rows], capacity=[r["capacity"] for r in rows])
    expression = cql2.parse_text(text)
    places = {f"s{n}": row for n, row in enumerate(rows)}
    expected = [i for i in view.ids if expression.matches(places[i])]
    assert found(view, text) == expected


@given(st.text(max_size=60))
def test_any_text_is_a_filter_or_told_wrong(text: str) -> None:
    with suppress(InputError):
        assert set(found(stations(name=["a"]), text)) <= {"s0"}


def walk(views: "Iterator[View] | list[View]", query: Query) -> Iterator[str]:
    """Yield ids by following the marks, each page from the next of the views."""
    mark: str | None = None
    for view in views:
        page = find_page(view, replace(query, page=mark))
        yield from (view.ids[row] for row in page.rows)
        mark = page.following
        if mark is None:
            return


ROW = st.tuples(st.sampled_from("abc"), st.one_of(st.none(), st.integers(0, 3)))


@hypothesis_settings(deadline=None)
@given(
    st.lists(ROW, min_size=1, max_size=25),
    st.integers(1, 7),
    st.sampled_from(["", "name", "-name", "capacity", "-capacity,name", "name,-capacity"]),
)
def test_pages_give_every_feature_once_in_order_both_ways(
    rows: list[tuple[str, int | None]], limit: int, order: str
) -> None:
    view = stations(name=[r[0] for r in rows], capacity=[r[1] for r in rows])
    sort = parse_sort(order, view.collection) if order else ()
    query = Query(limit=limit, sort=sort)
    own = {f"s{n}": row for n, row in enumerate(rows)}
    forwards = list(walk([view] * len(rows), query))
    assert forwards == sorted(view.ids, key=lambda i: expected_key(own[i], i, order))
    pages, page = [], find_page(view, query)
    while page.following is not None:
        page = find_page(view, replace(query, page=page.following))
    while True:
        pages.append([view.ids[row] for row in page.rows])
        if page.previous is None:
            break
        page = find_page(view, replace(query, page=page.previous))
    assert [i for page in reversed(pages) for i in page] == forwards


def expected_key(row: tuple[str, int | None], identity: str, order: str) -> tuple[object, ...]:
    """Return what Python itself would sort by: unknown last, ids at the end."""
    key: list[object] = []
    for part in filter(None, order.split(",")):
        value = row[0] if part.endswith("name") else row[1]
        rank = ord(value) if isinstance(value, str) else value
        sign = -1 if part.startswith("-") else 1
        key += [rank is None, 0 if rank is None else sign * rank]
    return (*key, identity)


@pytest.mark.slow
@hypothesis_settings(deadline=None)
@given(
    st.lists(st.integers(0, 99), min_size=5, max_size=30, unique=True),
    st.lists(st.integers(0, 99), max_size=10, unique=True),
    st.lists(st.integers(0, 99), max_size=10, unique=True),
    st.integers(1, 5),
    st.sampled_from(["", "-capacity"]),
)
def test_pages_stay_in_step_while_the_register_changes(
    first: list[int], gone: list[int], come: list[int], limit: int, order: str
) -> None:
    """Between page one and two rows go and others come: what stays is given exactly once."""

    def register(numbers: set[int]) -> View:
        ordered = sorted(numbers)
        return stations(id=[f"n{n:02d}" for n in ordered], capacity=[n % 10 for n in ordered])

    before, after = set(first), set(first) - set(gone) | set(come)
    views = [register(before)] + [register(after)] * 100
    sort = parse_sort(order, views[0].collection) if order else ()
    given_out = list(walk(views, Query(limit=limit, sort=sort)))
    assert len(given_out) == len(set(given_out))
    assert {f"n{n:02d}" for n in before & after} <= set(given_out)


@pytest.mark.parametrize(
    "mark", ["", "x", "....", "W10", "bnVsbA", "W1tdLFtdLDEsdHJ1ZV0", "é", "A" * 5_000]
)
def test_a_mark_that_is_none_is_told(mark: str) -> None:
    with pytest.raises(InputError, match="links of the first page"):
        find_page(stations(name=["a"]), Query(page=mark))


def test_a_mark_of_another_order_is_told() -> None:
    view = stations(name=["a", "b"])
    page = find_page(view, Query(limit=1, sort=parse_sort("name", view.collection)))
    with pytest.raises(InputError, match="does not belong to this order"):
        find_page(
            view, Query(limit=1, sort=parse_sort("-name", view.collection), page=page.following)
        )


@pytest.mark.parametrize("crs", CRS_TABLE, ids=lambda crs: crs.uri.rsplit("/", 1)[1])
def test_coordinates_agree_with_proj_and_come_back(crs: object) -> None:
    """PROJ knows each authority's order of axes; CGCS2000 is WGS-84 to it as well."""
    assert crs in CRS_TABLE
    own = CRS_TABLE[CRS_TABLE.index(crs)]
    name = "OGC:CRS84" if own is CRS84 else "EPSG:" + own.uri.rsplit("/", 1)[1]
    lonlat = np.array([[107.1489123, 34.3692456], [-75.25, -33.5], [0, 0]])
    there = Transformer.from_crs("OGC:CRS84", name).transform(*lonlat.T)
    assert own.from_lonlat(lonlat) == pytest.approx(np.stack(there, axis=-1), abs=1e-3)
    assert own.to_lonlat(own.from_lonlat(lonlat)) == pytest.approx(lonlat, abs=1e-7)


def test_a_box_is_read_in_the_order_of_its_axes() -> None:
    assert read_bbox("107,34,108,35", CRS84) == ((107, 34, 108, 35),)
    assert read_bbox("34,107,35,108", EPSG4326) == ((107, 34, 108, 35),)
    assert read_bbox("34,107,-5,35,108,5", EPSG4490) == ((107, 34, 108, 35),)
    assert read_bbox("170,-10,-170,10", CRS84) == ((170, -10, 180, 10), (-180, -10, -170, 10))
    (metres,) = read_bbox("11927614,4078465,11927615,4078466", EPSG3857)
    back = Transformer.from_crs("EPSG:3857", "OGC:CRS84")
    corner = back.transform(11927614, 4078465) + back.transform(11927615, 4078466)
    assert metres == pytest.approx(corner, abs=1e-9)


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,x", "1,2,3,nan", "1,9,2,3", "1,2,3,4,5"])
def test_a_box_that_is_none_is_told(text: str) -> None:
    with pytest.raises(InputError, match="bbox="):
        read_bbox(text, CRS84)


def test_a_polygon_counts_where_it_is_and_not_where_its_box_is() -> None:
    """An L around the north-east corner: a box in that corner meets its bounds, but not it."""
    corner = Polygon([(107, 34), (108, 34), (108, 34.1), (107.1, 34.1), (107.1, 35), (107, 35)])
    frame = gpd.GeoDataFrame(
        {c.name: [None] for c in LAYERS["hot_zones"].columns} | {"id": ["z"], "name": ["z"]},
        geometry=[corner],
        crs="EPSG:4326",
    )
    view = View(collection("hot_zones"), frame, SHANGHAI)
    assert find_page(view, Query(boxes=((107.5, 34.5, 108, 35),))).matched == 0
    assert find_page(view, Query(boxes=((107.5, 34.05, 108, 35),))).matched == 1


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("2026-11-23", ["s0", "s3"]),
        ("2026-11-23T10:00:00+08:00", ["s0", "s3"]),
        ("2026-11-24/..", ["s1", "s2", "s3"]),
        ("../2026-11-22", ["s3"]),
        ("/2026-11-23", ["s0", "s3"]),
        ("2026-12-02/2026-12-03", ["s2", "s3"]),
        ("2026-12-31/..", ["s3"]),
        ("2026-11-23/P1D", ["s0", "s3"]),
        ("2026-11-23/P2D", ["s0", "s1", "s3"]),
        ("P1D/2026-11-24", ["s1", "s3"]),
        ("P1M/2026-11-30", ["s0", "s1", "s3"]),
        ("2026-11-24T01:00:00Z/PT1H", ["s1", "s3"]),
        ("2026-11-24T00:30:00Z/PT29M59.5S", ["s3"]),
        ("PT30M/2026-11-24T09:30+08:00", ["s1", "s3"]),
        ("2026-10-31/P1M", ["s0", "s1", "s3"]),
    ],
)
def test_datetime_looks_at_every_date_of_a_feature(text: str, ids: list[str]) -> None:
    """s0 was checked on the 23rd, s1 changed on the 24th, s2 has a notice 1-5 December, s3 none."""
    view = stations(
        last_verified=["2026-11-23", None, None, None],
        updated_at=[None, "2026-11-24T01:00:00Z", None, None],
        notice_from=[None, None, "2026-12-01", None],
        notice_until=[None, None, "2026-12-05", None],
    )
    page = find_page(view, Query(period=parse_period(text, SHANGHAI)))
    assert [view.ids[row] for row in page.rows] == ids


@pytest.mark.parametrize(
    "text",
    [
        *("", "..", "noon", "2026-02-30", "2026-11-24/2026-11-23", "a/b/c", "1/2", "2026"),
        *("P1D", "P1D/P1D", "../P1D", "2026-11-23/P", "2026-11-23/PT", "2026-11-23/P1H"),
        *("2026-11-23/P9999Y", "9999-12-31/P1D", "P1D/0001-01-01"),
    ],
)
def test_a_time_that_is_none_is_told(text: str) -> None:
    with pytest.raises(InputError, match="datetime="):
        parse_period(text, SHANGHAI)


def test_features_are_strict_json_whatever_stands_in_the_store() -> None:
    view = stations(
        name=['<b>"\\\u2028', "驿", "x"],
        capacity=[float("nan"), 3, None],
        last_verified=["soon", "2026-11-23", None],
        updated_at=["2026-11-23 08:00:00", "2026-11-23T08:00:00.123+08:00", "never"],
        services=["", "wifi;hot_water", None],
    )

    def refuse(text: str) -> None:
        pytest.fail(f"{text} is not JSON")

    (text,) = encode_rows(view, np.arange(3), Shape())
    features = json.loads(b"[%b]" % text, parse_constant=refuse)
    own = [feature["properties"] for feature in features]
    assert [o["capacity"] for o in own] == [None, 3, None]
    assert [o["last_verified"] for o in own] == [None, "2026-11-23", None]
    assert [o["updated_at"] for o in own] == ["2026-11-23T00:00:00Z"] * 2 + [None]
    assert [o["services"] for o in own] == [[], ["hot_water", "wifi"], None]
    assert own[0]["name"] == '<b>"\\\u2028'


def test_shells_run_counter_clockwise_and_coordinates_have_seven_decimals() -> None:
    """RFC 7946, 3.1.6; the box is given clockwise."""
    frame = gpd.GeoDataFrame(
        {c.name: [None] for c in LAYERS["hot_zones"].columns} | {"id": ["z"], "name": ["z"]},
        geometry=[box(107.123456789, 34, 108, 35, ccw=False)],
        crs="EPSG:4326",
    )
    view = View(collection("hot_zones"), frame, SHANGHAI)
    (feature,) = encode_rows(view, np.array([0]), Shape())
    ring = json.loads(feature)["geometry"]["coordinates"][0]
    assert Polygon(ring).exterior.is_ccw
    assert min(x for x, _ in ring) == 107.1234568


def test_pages_of_blocks_equal_features_one_by_one() -> None:
    """1,203 features lie in three blocks; a page begins and ends inside them."""
    view = stations(name=[f"站 {n}" for n in range(1_203)])
    for begin, end in [(0, 1_203), (499, 501), (700, 1_203), (500, 1_000), (3, 4)]:
        rows = np.arange(begin, end)
        together = encoded(view, rows)
        assert together == [f for row in rows for f in encoded(view, np.array([row]))]
        assert together == encoded(view, rows[::-1])[::-1]
        assert [feature["id"] for feature in together] == [view.ids[row] for row in rows]


def test_a_page_of_rows_here_and_there_is_cut_from_what_is_kept() -> None:
    """Of three blocks the second is kept; a page across them says what each feature says alone."""
    odd = ["\u2028%b%s", '"\\', "站", None, "\ud800"]
    view = stations(
        name=[odd[n % 5] for n in range(1_203)],
        services=[["wifi;toilet", "", None, "seats"][n % 4] for n in range(1_203)],
        capacity=[[0, 7, None][n % 3] for n in range(1_203)],
        last_verified=[["2026-11-23", "soon", None][n % 3] for n in range(1_203)],
        updated_at=[
            ["2026-11-23T00:00:00Z", "2026-11-23 08:00", None][n % 3] for n in range(1_203)
        ],
    )
    rows = np.array([1_202, 3, 499, 500, 777, 501, 4, 1_000])
    for _ in range(2):
        page = encoded(view, rows)
        assert [feature["id"] for feature in page] == [view.ids[row] for row in rows]
        told = [{**own, "name": str(own["name"])} for own in properties_of(view, rows)]
        for feature, own in zip(page, told, strict=True):
            if own["name"] in {"None", "\ud800"}:  # half a surrogate pair is no text
                own["name"] = {"None": None, "\ud800": "?"}[str(own["name"])]
            assert feature["properties"] == own
        alone = [encoded(view, rows[n : n + 1])[0] for n in range(len(rows))]
        assert page == alone
        encoded(view, np.arange(500, 1_000))  # so that the second block is kept
    metres = json.loads(b"[%b]" % b",".join(encode_rows(view, rows, Shape(EPSG3857, ("name",)))))
    assert [list(f["properties"]) for f in metres] == [["name"]] * len(rows)
    x = Transformer.from_crs(4326, 3857, always_xy=True).transform(
        *page[0]["geometry"]["coordinates"]
    )  # type: ignore[index]
    assert metres[0]["geometry"]["coordinates"] == pytest.approx(x, abs=0.001)


def encoded(view: View, rows: Rows) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(
        b"[%b]" % b",".join(encode_rows(view, rows, Shape()))
    )
    return found


def test_every_collection_publishes_only_columns_that_are_named() -> None:
    published = {c.id: {column.name for column in c.columns} for c in COLLECTIONS}
    assert "source_datum" not in published["stations"]
    assert "profile" not in published["hot_zones"]
    assert {"name", "opening_hours", "services", "phone"} <= published["stations"]


def test_large_registers_are_answered_in_bounded_memory() -> None:
    """The blocks kept are at most 64 of 500 features, whatever is read."""
    view = stations(name=["x"] * 40_000)
    for _ in encode_rows(view, np.arange(len(view)), Shape()):
        pass
    kept = [view.blocks.find(number) for number in range(80)]
    assert sum(block is not None for block in kept) == 64
    assert kept[0] is None

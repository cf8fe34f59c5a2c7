"""One set of ranking rules, twice: ``locator/nearest`` and the phone's ``rank.js`` agree.

``tests/vectors/ranking.json`` holds questions with their answers. They were worked out by hand
from the ride of 289.4307 s that a hundredth of a degree of the equator takes (a * pi / 18000
metres, times 1.3, at 5 m/s) and the texts of the opening hours; no program's output was copied.
Both programs are asked all of them. What the table cannot hold, random questions compare.
"""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypedDict

import geopandas as gpd
import numpy as np
import pytest
from click.testing import Result
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page
from pyproj import Geod

from locator.errors import InputError
from locator.nearest import HELP_S, HELPS, OpenRule, StationFilter, StationIndex, Wishes
from locator.paths import static_dir
from locator.phone import phone_register
from locator.schema import LAYERS, Amenity, Kind, State, Weather
from locator.service import Service
from locator.store import Change, GeoPackageStore
from tests.browser_support import watch_page
from tests.conftest import MONDAY_NOON, SHANGHAI
from tests.test_nearest import make_index

VECTORS = json.loads((Path(__file__).parent / "vectors" / "ranking.json").read_text("utf-8"))
DAY_S = 86_400


class Case(TypedDict, total=False):
    """One row of the table."""

    name: str
    ask: dict[str, object]
    expected: list[list[object]]
    ride_s: dict[str, float]
    added_s: dict[str, float | None]
    closes_at: dict[str, str | None]
    opens_at: dict[str, str | None]
    phone: bool


class Question(TypedDict):
    """What ``rank`` of ``rank.js`` is asked."""

    lon: float
    lat: float
    at: float
    k: int
    services: list[str]
    kinds: list[str]
    platform: str | None
    rule: str
    allNight: bool
    orUnknown: bool
    weather: str
    toward: dict[str, float] | None


class Row(TypedDict):
    """One station of an answer, as ``rank.js`` gives it and as Python's is brought to."""

    id: str
    distance_m: float
    ride_m: float
    ride_s: float
    added_s: float | None
    arrives_at: float
    state: str
    minutes_left: int | None
    closes_at: float | None
    sure_until: float | None
    opens_at: float | None
    hours_comment: str | None


CASES: list[Case] = VECTORS["cases"]
NAMES = [case["name"] for case in CASES]


@pytest.fixture
def phone(chromium: Browser) -> Iterator[Page]:
    """Return an empty page with the phone's half of the ranking; a script error fails the test."""
    page = chromium.new_page()
    troubles: list[str] = []
    watch_page(page, troubles)
    page.add_script_tag(path=static_dir() / "rank.js")
    yield page
    page.close()
    assert not troubles


def ask_phone(page: Page, register: object, questions: list[Question]) -> list[list[Row]]:
    answers: list[list[Row]] = page.evaluate(
        """([register, questions]) => {
            const index = locatorRank.load(register);
            return questions.map((question) => locatorRank.rank(index, question));
        }""",
        [register, questions],
    )
    return answers


def ask_server(index: StationIndex, question: Question, min_minutes_left: int) -> list[Row]:
    toward = question["toward"]
    found = index.find(
        np.array([[question["lon"], question["lat"]]]),
        at=datetime.fromtimestamp(question["at"] / 1000, SHANGHAI),
        k=question["k"],
        chosen=StationFilter(
            kinds=frozenset(Kind(code) for code in question["kinds"]),
            services=frozenset(Amenity(code) for code in question["services"]),
            platform=question["platform"],
            or_unknown=question["orUnknown"],
        ),
        rule=OpenRule(question["rule"]),
        min_minutes_left=min_minutes_left,
        wishes=Wishes(
            all_night=question["allNight"],
            weather=Weather(question["weather"]),
            toward=(toward["lon"], toward["lat"]) if toward else None,
        ),
    )
    ids = index.stations["id"].to_numpy()
    return [
        Row(
            id=ids[item.row],
            distance_m=item.distance_m,
            ride_m=item.ride_m,
            ride_s=item.ride_s,
            added_s=item.added_s,
            arrives_at=item.arrives_at.timestamp(),
            state=item.state.value,
            minutes_left=item.minutes_left,
            closes_at=item.closes_at.timestamp() if item.closes_at else None,
            sure_until=item.sure_until.timestamp() if item.sure_until else None,
            opens_at=item.opens_at.timestamp() if item.opens_at else None,
            hours_comment=item.hours_comment if item.state is State.UNKNOWN else None,
        )
        for item in found.of(0)
    ]


# ---- the table ------------------------------------------------------------------------------


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp()


def question_of(case: Case) -> Question:
    asked = {"origin": VECTORS["origin"], "k": 5, "toward": None} | case["ask"]
    place, toward = asked["origin"], asked["toward"]
    return Question(
        lon=place[0],
        lat=place[1],
        at=round(seconds(str(asked["at"])) * 1000),
        k=int(str(asked["k"])),
        services=list(asked.get("services", [])),
        kinds=list(asked.get("kinds", [])),
        platform=asked.get("platform"),
        rule=str(asked.get("rule", "any")),
        allNight=bool(asked.get("all_night")),
        orUnknown=bool(asked.get("or_unknown")),
        weather=str(asked.get("weather", "none")),
        toward={"lon": toward[0], "lat": toward[1]} if toward else None,
    )


@pytest.fixture
def table(service: Service, store: GeoPackageStore) -> Service:
    """Return the service with the table's stations for its register."""
    empty = dict.fromkeys(LAYERS["stations"].column_names)
    empty |= {"kind": "rest_post", "status": "active", "services": ""}
    given = [row | {"opening_hours": row["hours"]} for row in VECTORS["stations"]]
    records = [empty | {key: row[key] for key in row if key in empty} for row in given]
    places = gpd.points_from_xy([row["lon"] for row in given], [0.0] * len(given))
    frame = gpd.GeoDataFrame(records, geometry=places, crs="EPSG:4326")
    store.apply(Change("stations", frame, absent="remove"), actor="test")
    settings = service.settings
    assert (settings.ride_speed_kmh, settings.detour_factor) == (18, 1.3)
    assert settings.min_minutes_left == VECTORS["min_minutes_left"]
    return service


def compare(case: Case, answer: list[Row]) -> None:
    told = [[row["id"], row["state"], row["minutes_left"]] for row in answer]
    assert told == case["expected"], case["name"]
    rows = {row["id"]: row for row in answer}
    assert all(row["added_s"] is None or row["added_s"] >= 0 for row in answer)
    for name, expected in case.get("ride_s", {}).items():
        assert rows[name]["ride_s"] == pytest.approx(expected, abs=0.0051 if expected > 1 else 1e-9)
    for name, added in case.get("added_s", {}).items():
        assert rows[name]["added_s"] == (
            None if added is None else pytest.approx(added, abs=0.0051)
        )
    for name, moment in case.get("closes_at", {}).items():
        assert rows[name]["closes_at"] == (None if moment is None else seconds(moment))
    for name, moment in case.get("opens_at", {}).items():
        assert rows[name]["opens_at"] == (None if moment is None else seconds(moment))


def test_the_server_gives_the_answers_of_the_table(table: Service) -> None:
    index = table.snapshot().index
    asked = [case for case in CASES if not case.get("phone")]
    assert len(asked) > 30
    for case in asked:
        compare(case, ask_server(index, question_of(case), VECTORS["min_minutes_left"]))


@pytest.mark.slow
@pytest.mark.browser
def test_the_phone_gives_the_answers_of_the_table(table: Service, phone: Page) -> None:
    made = datetime.fromisoformat(VECTORS["made"]).replace(tzinfo=SHANGHAI)
    register = json.loads(phone_register(table, at=made))
    for key in ("timezone", "speed_kmh", "detour", "min_minutes_left"):
        assert register[key] == VECTORS[key]
    answers = ask_phone(phone, register, [question_of(case) for case in CASES])
    for case, answer in zip(CASES, answers, strict=True):
        compare(case, answer)


def test_the_table_stands_on_the_arithmetic_it_names() -> None:
    metres = 6_378_137.0 * np.pi / 18_000
    assert metres == pytest.approx(1113.1949, abs=1e-4)
    assert metres * 1.3 / 5 == pytest.approx(289.4307, abs=1e-4)
    for row in VECTORS["stations"]:
        hundredths = float(row["name"].split()[0])
        assert row["lon"] == pytest.approx(107 + hundredths / 100, abs=1e-9)
    assert len(set(NAMES)) == len(NAMES)


# ---- random questions -------------------------------------------------------------------------


def rounded(service: Service, register: dict[str, list[list[object]]]) -> StationIndex:
    """Return an index of the register's stations where the register, to six decimals, has them."""
    places = {str(row[0]): (float(str(row[3])), float(str(row[4]))) for row in register["stations"]}
    stations = service.snapshot().stations
    stations = stations[stations["status"] == "active"].reset_index(drop=True)
    lonlat = np.array([places[name] for name in stations["id"]])
    stations = stations.set_geometry(gpd.points_from_xy(*lonlat.T, crs="EPSG:4326"))
    return StationIndex(stations, service.travel, service.rules)


def random_questions(
    rng: np.random.Generator, index: StationIndex, count: int, first_s: float, days: float
) -> list[Question]:
    def place() -> dict[str, float]:
        spread = rng.choice([0.0, 0.005, 0.05, 3.0])
        lon, lat = index.lonlat[rng.integers(len(index.lonlat))] + rng.normal(0, spread, 2)
        return {"lon": float(lon), "lat": float(lat)}

    services = [member.value for member in Amenity]
    kinds = [member.value for member in Kind]
    return [
        Question(
            **place(),  # type: ignore[typeddict-item]
            at=float(np.round((first_s + rng.uniform(0, days * DAY_S)) * 1000)),
            k=int(rng.integers(1, 12)),
            services=[str(s) for s in rng.choice(services, rng.choice([0, 0, 1, 2]), False)],
            kinds=[str(s) for s in rng.choice(kinds, rng.choice([0, 0, 1, 2]), False)],
            platform=[None, "meituan", "eleme"][rng.integers(3)],
            rule=str(rng.choice(["any", "known", "yes"])),
            allNight=bool(rng.random() < 0.2),
            orUnknown=bool(rng.random() < 0.2),
            weather=str(rng.choice(["none", "none", "heat", "cold", "rain"])),
            toward=place() if rng.random() < 0.4 else None,
        )
        for _ in range(count)
    ]


def within(row: Row, end_s: float) -> Row:
    """Return what a register knows of a row whose window ends at ``end_s``."""
    known = row.copy()
    if known["closes_at"] is not None and known["closes_at"] >= end_s:
        known["closes_at"] = known["minutes_left"] = None
    if known["sure_until"] is not None and known["sure_until"] >= end_s:
        known["sure_until"] = None
    if known["opens_at"] is not None and known["opens_at"] >= end_s:
        known["opens_at"] = None
    return known


def assert_alike(server: list[Row], phone: list[Row], end_s: float, question: Question) -> None:
    assert [row["id"] for row in server] == [row["id"] for row in phone], question
    for ours, theirs in zip(server, phone, strict=True):
        known = within(ours, end_s)
        for exact in (
            "state",
            "minutes_left",
            "closes_at",
            "sure_until",
            "opens_at",
            "hours_comment",
        ):
            assert theirs[exact] == known[exact], question
        for near in ("distance_m", "ride_m", "ride_s", "arrives_at"):
            assert theirs[near] == pytest.approx(known[near], rel=0, abs=0.001), question
        if known["added_s"] is None:
            assert theirs["added_s"] is None
        else:
            assert theirs["added_s"] == pytest.approx(known["added_s"], rel=0, abs=0.001)


@pytest.mark.slow
@pytest.mark.browser
def test_server_and_phone_agree_on_the_shipped_stations(service: Service, phone: Page) -> None:
    register = json.loads(phone_register(service, at=MONDAY_NOON))
    index = rounded(service, register)
    first_s, end_s = register["days"][0] * 60, register["days"][-1] * 60
    rng = np.random.default_rng(20261123)
    questions = random_questions(rng, index, 600, first_s, days=5)
    answers = ask_phone(phone, register, questions)
    assert sum(len(answer) for answer in answers) > 1000
    for question, answer in zip(questions, answers, strict=True):
        assert_alike(ask_server(index, question, 15), answer, end_s, question)


@pytest.mark.slow
@pytest.mark.browser
def test_server_and_phone_agree_where_stations_are_many_and_hours_end(
    service: Service, store: GeoPackageStore, phone: Page
) -> None:
    """Two thousand stations within some kilometres; many close while the rider is on the way."""
    rng = np.random.default_rng(7)
    base = store.read("stations").iloc[0].to_dict()
    closings = [f"Mo-Su 08:00-12:{minute:02}" for minute in range(0, 60, 2)]
    texts = [*closings, "24/7", "Mo-Su 12:20-23:00", None, "Mo-Su 20:00-07:00"]
    texts += ["12:10+", "08:00-12:15+", '08:00-20:00 "凭预约"', '10:00-12:20 || "打电话"']
    texts += ["sunrise-sunset", "20:00-03:00+"]
    services = [m.value for m in Amenity]
    rows = [
        base
        | {"id": f"s{number:04}", "opening_hours": texts[rng.integers(len(texts))]}
        | {"services": ";".join(s for s in services if rng.random() < 0.3) or None}
        for number in range(2000)
    ]
    places = gpd.points_from_xy(rng.normal(107.15, 0.03, 2000), rng.normal(34.37, 0.03, 2000))
    frame = gpd.GeoDataFrame(rows, geometry=places, crs="EPSG:4326")
    store.apply(Change("stations", frame, absent="remove"), actor="test")
    register = json.loads(phone_register(service, at=MONDAY_NOON))
    index = rounded(service, register)
    noon_s = MONDAY_NOON.timestamp()
    questions = random_questions(rng, index, 150, noon_s - 1200, days=1 / 24)
    end_s = register["days"][-1] * 60
    for question, answer in zip(questions, ask_phone(phone, register, questions), strict=True):
        assert_alike(ask_server(index, question, 15), answer, end_s, question)


@pytest.mark.slow
@pytest.mark.browser
def test_the_state_at_a_station_and_its_night_are_the_servers(
    service: Service, phone: Page
) -> None:
    register = json.loads(phone_register(service, at=MONDAY_NOON))
    index = rounded(service, register)
    hours = [datetime(2026, 11, 23, hour, tzinfo=SHANGHAI) for hour in range(24)]
    moments = hours + [hour - timedelta(seconds=1) for hour in hours[1:]]
    told = phone.evaluate(
        """([register, moments]) => {
            const index = locatorRank.load(register);
            return moments.map((at) => register.stations.map((_, row) => [
                locatorRank.state(index, row, at), locatorRank.nightIsOpen(index, row, at)]));
        }""",
        [register, [moment.timestamp() * 1000 for moment in moments]],
    )
    end_s = register["days"][-1] * 60
    for moment, stations in zip(moments, told, strict=True):
        nights = index.open_all_night(moment)
        for row, (state, night) in enumerate(stations):
            ours = index.look_up(row, at=moment)
            opens = ours.opens_at.timestamp() if ours.opens_at else None
            assert state["state"] == ours.state.value
            assert state["minutes_left"] == ours.minutes_left
            assert state["opens_at"] == (opens if opens and opens < end_s else None)
            assert night == nights[row]
    outside = phone.evaluate(
        """([register, moments]) => {
            const index = locatorRank.load(register);
            return moments.map((at) => register.stations.map((_, row) =>
                locatorRank.state(index, row, at).state));
        }""",
        [register, [register["days"][0] * 60_000 - 1, end_s * 1000]],
    )
    assert {state for states in outside for state in states} == {"unknown"}


@pytest.mark.slow
@pytest.mark.browser
def test_the_phones_geodesic_is_pyprojs_to_a_millimetre_within_1000_km(phone: Page) -> None:
    rng = np.random.default_rng(1975)
    count = 5000
    lon, lat = rng.uniform(-180, 180, count), np.degrees(np.arcsin(rng.uniform(-1, 1, count)))
    lat[:100], lat[100:200] = 0.0, 90.0
    geod = Geod(ellps="WGS84")
    metres = 10 ** rng.uniform(-2, 6, count)
    to_lon, to_lat, _ = geod.fwd(lon, lat, rng.uniform(0, 360, count), metres)
    pairs = np.stack([lon, lat, to_lon, to_lat], axis=1)
    measured = np.array(_metres(phone, pairs))
    assert np.abs(measured - geod.inv(lon, lat, to_lon, to_lat)[2]).max() < 0.001
    assert _metres(phone, np.array([[107.0, 34.0, 107.0, 34.0]])) == [0]


@pytest.mark.slow
@pytest.mark.browser
def test_the_phones_geodesic_holds_to_the_antipodes(phone: Page) -> None:
    rng = np.random.default_rng(1976)
    lon, lat = rng.uniform(-180, 180, 3000), rng.uniform(-90, 90, 3000)
    to_lon, to_lat = rng.uniform(-180, 180, 3000), rng.uniform(-90, 90, 3000)
    to_lon[:1000] = lon[:1000] + 180 + rng.normal(0, 0.3, 1000)
    to_lat[:1000] = -lat[:1000] + rng.normal(0, 0.3, 1000)
    to_lon, to_lat = (to_lon + 180) % 360 - 180, np.clip(to_lat, -90, 90)
    special = [
        [0, 0, 180, 0],
        [0, 90, 0, -90],
        [10, 0, -170, 0],
        [0, 45, 180, -45],
        [-180, 5, 180, 5],
    ]
    pairs = np.concatenate([np.stack([lon, lat, to_lon, to_lat], axis=1), special])
    exact = Geod(ellps="WGS84").inv(*pairs.T)[2]
    assert np.array(_metres(phone, pairs)) == pytest.approx(exact, rel=0.006, abs=1e-6)
    assert np.array(_metres(phone, pairs[1000:3000])) == pytest.approx(exact[1000:3000], abs=0.001)


def _metres(page: Page, pairs: np.ndarray) -> list[float]:
    metres: list[float] = page.evaluate(
        """(pairs) => pairs.map((pair) => locatorRank.metresBetween(
            { lon: pair[0], lat: pair[1] }, { lon: pair[2], lat: pair[3] }))""",
        pairs.tolist(),
    )
    return metres


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lat": 91}, "not on Earth"),
        ({"lon": None, "lat": "x"}, "not on Earth"),
        ({"toward": {"lon": 181, "lat": 0}}, "not on Earth"),
        ({"k": 0}, "1 or more"),
        ({"rule": "maybe"}, "rule or the weather"),
        ({"weather": "snow"}, "rule or the weather"),
    ],
)
def test_the_phone_refuses_what_cannot_be_asked(
    service: Service, phone: Page, change: dict[str, object], reason: str
) -> None:
    register = json.loads(phone_register(service, at=MONDAY_NOON))
    message = phone.evaluate(
        """([register, question]) => {
            try { locatorRank.rank(locatorRank.load(register), question); } catch (error) {
                return String(error);
            }
            return "";
        }""",
        [register, {"lon": 107, "lat": 34, "at": 0} | change],
    )
    assert reason in message
    assert "format 2" in phone.evaluate(
        "() => { try { locatorRank.load({ format: 2 }); } catch (error) { return String(error); } }"
    )


# ---- the server's half ------------------------------------------------------------------------


def test_the_way_on_and_the_weather_equal_brute_force(service: Service) -> None:
    snapshot = service.snapshot()
    geod = Geod(ellps="WGS84")
    rng = np.random.default_rng(3)
    origins = np.column_stack([rng.uniform(106.9, 107.3, 40), rng.uniform(34.3, 34.4, 40)])
    target = (107.25, 34.35)
    wishes = Wishes(weather=Weather.COLD, toward=target)
    found = snapshot.index.find(origins, at=MONDAY_NOON, k=7, wishes=wishes)
    lonlat = snapshot.index.lonlat

    def ride_s(a: tuple[float, float], b: tuple[float, float]) -> float:
        return float(geod.inv(*a, *b)[2]) * 1.3 / 5

    for number, origin in enumerate(origins):
        added = [ride_s(origin, s) + ride_s(s, target) - ride_s(origin, target) for s in lonlat]
        helps = [
            len({"heating", "hot_water"} & set(t.split(";"))) for t in snapshot.stations["services"]
        ]
        minutes = np.floor((np.array(added) - 120 * np.array(helps)) / 60 + 0.5)
        rides = np.round([ride_s(origin, s) for s in lonlat], 3)
        expected = np.lexsort((rides, minutes))[:7]
        assert found.index[number].tolist() == expected.tolist()
        assert found.added_s[number] == pytest.approx(np.array(added)[expected], abs=1e-6)


def test_weather_chooses_among_neighbours_and_hides_no_one() -> None:
    index = make_index(
        {"id": "a", "lon": 107.01, "lat": 34.0},
        {"id": "b", "lon": 107.014, "lat": 34.0, "services": "cooling"},
        {"id": "c", "lon": 107.05, "lat": 34.0, "services": "cooling;drinking_water"},
    )
    origin = np.array([[107.0, 34.0]])
    found = list(index.find(origin, at=MONDAY_NOON, wishes=Wishes(weather=Weather.HEAT)).of(0))
    assert [item.row for item in found] == [1, 0, 2]
    # What is shown is the true ride, not what it counts as.
    plain = {item.row: item.ride_s for item in index.find(origin, at=MONDAY_NOON).of(0)}
    assert {item.row: item.ride_s for item in found} == plain
    assert {weather: len(HELPS[weather]) for weather in Weather} == {
        Weather.NONE: 0, Weather.HEAT: 2, Weather.COLD: 2, Weather.RAIN: 2,
    }  # fmt: skip
    assert HELP_S == 120


def test_what_lies_on_the_way_adds_nothing_and_never_less() -> None:
    rows = [{"id": f"s{n:03}", "lon": 107.0, "lat": 34.0 + n * 0.0137} for n in range(1, 60)]
    index = make_index(*reversed(rows))
    wishes = Wishes(toward=(107.0, 35.0))
    found = index.find(np.array([[107.0, 34.0]]), at=MONDAY_NOON, k=60, wishes=wishes)
    assert (found.added_s[0] >= 0).all()
    assert found.added_s[0].max() < 1e-6
    assert found.index[0].tolist() == list(range(58, -1, -1))  # the soonest reached is first


def test_the_filters_still_hold_when_the_order_is_another(service: Service) -> None:
    index = service.snapshot().index
    origins = index.lonlat[:5]
    chosen = StationFilter(services=frozenset({Amenity.TOILET}))
    wishes = Wishes(toward=(107.2, 34.36), all_night=True)
    found = index.find(
        origins, at=MONDAY_NOON, k=200, chosen=chosen, rule=OpenRule.YES, wishes=wishes
    )
    fits = index.mask(chosen) & index.open_all_night(MONDAY_NOON)
    for number in range(5):
        rows = found.index[number][found.index[number] >= 0]
        assert sorted(rows.tolist()) == np.flatnonzero(fits).tolist()
        minutes = np.floor(found.added_s[number][: len(rows)] / 60 + 0.5)
        assert (np.diff(minutes) >= 0).all()


def test_nothing_fits_and_nothing_is_there() -> None:
    wishes = Wishes(weather=Weather.RAIN, toward=(107.1, 34.0), all_night=True)
    origin = np.array([[107.0, 34.0]])
    unknown = make_index({"id": "x", "lon": 107.0, "lat": 34.0})
    empty = StationIndex(unknown.stations.iloc[:0], unknown.model, unknown._rules)
    for index in (unknown, empty):
        assert list(index.find(origin, at=MONDAY_NOON, wishes=wishes).of(0)) == []


def test_a_destination_that_is_not_on_earth_is_refused() -> None:
    index = make_index({"id": "x", "lon": 107.0, "lat": 34.0})
    for toward in ((181.0, 34.0), (107.0, np.nan)):
        with pytest.raises(InputError, match="longitude first"):
            index.find(np.array([[107.0, 34.0]]), at=MONDAY_NOON, wishes=Wishes(toward=toward))


# ---- who asks ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"night": "1"}, ["--all-night"]),
        ({"weather": "rain", "open": "yes"}, ["--weather", "rain", "--open", "yes"]),
        ({"weather": "高温"}, ["--weather", "Heat"]),
        ({"toward": "107.2, 34.36", "k": "9"}, ["--toward", "107.2", "34.36", "-k", "9"]),
        (
            {"night": "1", "weather": "cold", "toward": "107.2,34.36"},
            ["--all-night", "--weather", "cold", "--toward", "107.2", "34.36"],
        ),
    ],
)
def test_the_command_and_the_interface_answer_wishes_alike(
    cli: Callable[..., Result], client: FlaskClient, query: dict[str, str], words: list[str]
) -> None:
    base = {"lon": "107.1489", "lat": "34.3692", "at": "2026-11-23T12:00"}
    page = client.get("/api/nearest", query_string=base | query).get_json()
    said = cli("nearest", "107.1489", "34.3692", "--at", base["at"], *words, "--json")
    assert json.loads(said.stdout) == page
    assert page["all_night"] is ("night" in query)
    assert page["weather"] == {"高温": "heat"}.get(
        query.get("weather", ""), query.get("weather", "none")
    )
    assert page["toward"] == ([107.2, 34.36] if "toward" in query else None)
    added = [feature["properties"]["added_s"] for feature in page["features"]]
    assert added
    assert all((value is not None) == ("toward" in query) for value in added)


def test_the_way_on_in_words(cli: Callable[..., Result]) -> None:
    said = cli("nearest", "107.1489", "34.3692", "--toward", "107.2", "34.36", "-k", "1").stdout
    assert "0 min added" in said.splitlines()[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("night=yes", "night='yes' must be 1 or 0"),
        ("weather=snow", "weather='snow' must be one of: none (平常), heat (高温)"),
        ("toward=107.2", "toward='107.2' must be a longitude and a latitude in degrees"),
        ("toward=107.2,34.3,1", "with a comma between"),
        ("toward=a,b", "with a comma between"),
        ("toward=34.3,107.2", "longitude first"),
        ("toward=nan,34", "longitude first"),
    ],
)
def test_the_interface_names_what_is_wrong_with_a_wish(
    client: FlaskClient, query: str, reason: str
) -> None:
    answer = client.get(f"/api/nearest?lon=107&lat=34&{query}")
    assert answer.status_code == 400
    assert reason in answer.get_json()["error"]
    assert client.get("/api/nearest?lon=107&lat=34&night=0&weather=&toward=").status_code == 200


def test_the_command_names_what_is_wrong_with_a_wish(cli: Callable[..., Result]) -> None:
    snow = cli("nearest", "107", "34", "--weather", "snow")
    assert snow.exit_code == 2
    assert "none (平常)" in snow.output
    away = cli("nearest", "107", "34", "--toward", "34.3", "107.2")
    assert away.exit_code == 2
    assert "longitude first" in away.output

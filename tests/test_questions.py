"""One word of a question is read alike at every door, and refused in the same sentence."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
from click.testing import Result
from flask.testing import FlaskClient
from hypothesis import given as given_values
from hypothesis import settings
from hypothesis import strategies as st

from locator import questions
from locator.errors import InputError
from locator.questions import Given, Reader
from locator.schema import Amenity, Kind
from locator.study import SiteQuestion
from tests.conftest import SHANGHAI, local
from tests.patience import examples

NOT_A_NUMBER = "is not a number; write it like 5."
NOT_A_MOMENT = "is not a moment; write it like 2026-11-23T12:00, in local time"
NOT_A_LON = (
    "is not a longitude; write degrees (WGS-84), longitude first, from -180 to 180, such as 107.15."
)
NOT_A_BOX = "must be west,south,east,north in degrees (WGS-84), such as 107.0,34.3,107.3,34.4."
NOT_A_KIND = "must be one of: rest_post (骑手服务驿站), district_station"
NOT_A_LAYER = "must be one of stations, hot_zones, gaps, reach, districts, places."

PLACE = "lat=34.37"
SITE = {"new": 1}

# What is asked wrongly, in every place where it can be asked: an address, a form or a JSON body,
# and a command, whose names have dashes.
DOORS: dict[str, tuple[str, list[object]]] = {
    f"minutes='zero' {NOT_A_NUMBER}": (
        "minutes",
        [
            "/map?minutes=5,zero",
            "/embed/map?minutes=5,zero",
            "/embed/coverage?minutes=5&minutes=zero",
            "/embed/map.png?minutes=5,zero",
            "/embed/map.js?minutes=5,zero",
            "/embed?minutes=5,zero",
            ("/planner/answer", {"minutes": "5,zero"}),
            ("/planner/sites", {"minutes": ["5", "zero"], "new": 1}),
            ("map", "--minutes", "5,zero", "--out", "x.html"),
            ("embed", "freeze", "map", "--minutes", "5,zero"),
            ("gaps", "--minutes", "5,zero", "--out", "x"),
            ("site", "--minutes", "5,zero", "--new", "1", "--out", "x"),
            SITE | {"minutes": "5,zero"},
        ],
    ),
    f"minutes='nan' {NOT_A_NUMBER}": (
        "minutes",
        [
            "/embed/map?minutes=nan",
            ("/planner/answer", {"minutes": "nan"}),
            ("gaps", "--minutes", "nan", "--out", "x"),
            ("site", "--minutes", "nan", "--new", "1", "--out", "x"),
            SITE | {"minutes": "nan"},
        ],
    ),
    f"at='noon' {NOT_A_MOMENT}": (
        "at",
        [
            f"/api/nearest?lon=107.15&{PLACE}&at=noon",
            "/map?at=noon",
            "/embed/coverage?at=noon",
            ("nearest", "107.15", "34.37", "--at", "noon"),
            ("gaps", "--minutes", "5", "--at", "noon", "--out", "x"),
            ("site", "--minutes", "5", "--new", "1", "--at", "noon", "--out", "x"),
            ("map", "--at", "noon", "--out", "x.html"),
            SITE | {"at": "noon"},
        ],
    ),
    f"datetime='noon' {NOT_A_MOMENT}": (
        "datetime",
        ["/ogc/collections/stations/items?datetime=noon"],
    ),
    f"as-of='noon' {NOT_A_MOMENT}": (
        "as-of",
        [
            ("gaps", "--minutes", "5", "--as-of", "noon", "--out", "x"),
            ("map", "--as-of", "noon", "--out", "x.html"),
            ("embed", "freeze", "map", "--as-of", "noon"),
            ("stations", "export", "x.csv", "--as-of", "noon"),
        ],
    ),
    f"from='noon' {NOT_A_MOMENT}": (
        "from",
        [("hotzones", "build", "orders.csv", "--from", "noon", "--out", "x.gpkg")],
    ),
    f"lon='200' {NOT_A_LON}": (
        "lon",
        [
            f"/api/nearest?lon=200&{PLACE}",
            f"/api/route?lon=200&{PLACE}&station=BJ-R-001",
            ("/api/route", f"lon=200&{PLACE}&station=BJ-R-001"),
            ("/api/ride-times", f"lon=200&{PLACE}&station=BJ-R-001"),
            ("nearest", "200", "34.37"),
            ("route", "200", "34.37", "BJ-R-001"),
        ],
    ),
    f"kind='xx' {NOT_A_KIND}": (
        "kind",
        [
            "/?kind=xx",
            f"/api/nearest?lon=107.15&{PLACE}&kind=xx",
            "/map?kind=rest_post,xx",
            "/embed/nearest?kind=xx",
            ("nearest", "107.15", "34.37", "--kind", "xx"),
            ("gaps", "--minutes", "5", "--kind", "xx", "--out", "x"),
            ("site", "--minutes", "5", "--new", "1", "--kind", "xx", "--out", "x"),
            ("map", "--kind", "xx", "--out", "x.html"),
        ],
    ),
    f"kinds='xx' {NOT_A_KIND}": (
        "kinds",
        [
            ("/planner/answer", {"minutes": 5, "kinds": ["xx"]}),
            ("/planner/sites", {"minutes": 5, "new": 1, "kinds": "rest_post,xx"}),
            SITE | {"kinds": ["xx"]},
        ],
    ),
    f"layers='zz' {NOT_A_LAYER}": (
        "layers",
        [
            "/map?layers=stations,zz",
            "/embed/map.svg?layers=zz",
            ("map", "--layers", "zz", "--out", "x.html"),
            ("embed", "freeze", "map", "--layers", "zz"),
        ],
    ),
    f"bbox='107,34.3,107.3' {NOT_A_BOX}": (
        "bbox",
        [
            "/map?bbox=107,34.3,107.3",
            "/ogc/collections/stations/items?bbox=107,34.3,107.3",
            ("/planner/sites", {"minutes": 5, "new": 1, "bbox": [107, 34.3, 107.3]}),
            ("map", "--bbox", "107,34.3,107.3", "--out", "x.html"),
            ("roads", "import", "x.osm.pbf", "--bbox", "107,34.3,107.3"),
            SITE | {"bbox": [107, 34.3, 107.3]},
        ],
    ),
    "language='fr' must be one of zh, en.": (
        "language",
        [
            "/embed/map?language=fr",
            "/embed/nearest?language=fr",
            ("map", "--language", "fr", "--out", "x.html"),
            ("gaps", "--minutes", "5", "--language", "fr", "--out", "x"),
            ("stations", "export", "x.csv", "--language", "fr"),
        ],
    ),
    f"budget='much' {NOT_A_NUMBER}": (
        "budget",
        [
            ("/planner/sites", {"minutes": 5, "budget": "much", "prices": {"add_service": 1}}),
            ("site", "--minutes", "5", "--budget", "much", "--out", "x"),
            {"budget": "much"},
        ],
    ),
}


def refusal(client: FlaskClient, cli: Callable[..., Result], door: object) -> str:
    """Return what a door says of a question."""
    if isinstance(door, dict):
        with pytest.raises(InputError) as caught:
            SiteQuestion.from_json(door)
        return str(caught.value)
    if isinstance(door, tuple) and not door[0].startswith("/"):
        result = cli(*door)
        assert result.exit_code == 2, result.output
        assert result.stderr.count("\n") == 1
        return result.stderr
    if isinstance(door, str):
        answer = client.get(door)
    elif isinstance(door[1], str):
        form = "application/x-www-form-urlencoded"
        answer = client.post(door[0], data=door[1], content_type=form)
    else:
        answer = client.post(door[0], json=door[1])
    assert answer.status_code == 400
    return answer.text.replace("&#39;", "'").replace("&#34;", '"')


@pytest.mark.parametrize("sentence", DOORS, ids=lambda sentence: sentence.split("=")[0])
def test_a_wrong_value_gets_one_sentence_at_every_door(
    client: FlaskClient,
    cli: Callable[..., Result],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    name, doors = DOORS[sentence]
    for door in doors:
        said = refusal(client, cli, door)
        command = isinstance(door, tuple) and not str(door[0]).startswith("/")
        written = name
        if command:
            written = "LON" if name == "lon" else f"--{name}"
        assert f"{written}{sentence.removeprefix(name)}" in said, door
    assert not list(tmp_path.glob("x*"))


@pytest.mark.parametrize(
    ("reader", "value", "found"),
    [
        (questions.numbers(0, 600, above=True), "10, 5,5,", (10.0, 5.0)),
        (questions.numbers(), ["5", 7.5], (5.0, 7.5)),
        (questions.number(), "１０", 10.0),
        (questions.whole(1, 9), 5.0, 5),
        (questions.whole(0, 2**53), str(2**53), 2**53),
        (questions.lon, " -107.5 ", -107.5),
        (questions.place, "107.15, 34.36", (107.15, 34.36)),
        (questions.place, ("107.15", "34.36"), (107.15, 34.36)),
        (questions.box, [107, 34, 108, 35.5], (107.0, 34.0, 108.0, 35.5)),
        (questions.flag, "1", True),
        (questions.flag, 0, False),
        (questions.flag, "true", True),
        (
            questions.codes(Amenity),
            ["热水", "toilet, Hot water"],
            (Amenity.HOT_WATER, Amenity.TOILET),
        ),
        (questions.moment(SHANGHAI), "2026-11-23T12:30", local("2026-11-23T12:30")),
        (questions.moment(SHANGHAI), "2026-11-23T04:30Z", local("2026-11-23T12:30")),
        (questions.day, "2026-11-23", date(2026, 11, 23)),
        (questions.written_moment, "2001-01-01", datetime(2001, 1, 1)),  # noqa: DTZ001 - as written
    ],
)
def test_what_is_read(reader: Reader[object], value: object, found: object) -> None:
    assert reader("word", value) == found


@pytest.mark.parametrize(
    ("reader", "value", "reason"),
    [
        (questions.numbers(1, 60), "0", "word='0' must lie from 1 to 60."),
        (questions.numbers(0, 600, above=True), 0, "word='0' must be above 0 and at most 600."),
        (questions.number(1), 0.5, "word='0.5' must be at least 1."),
        (questions.numbers(), ",", "word=',' is not a number"),
        (questions.number(), "5,10", "word names 2 numbers; give one."),
        (questions.number(), True, "word='true' is not a number"),
        (questions.number(), None, "word='null' is not a number"),
        (questions.number(), 10**400, "is not a number"),
        (questions.whole(), "2.5", "word='2.5' must be a whole number."),
        (questions.lat, "107", "word='107' is not a latitude"),
        (questions.place, "34.36", "must be a longitude and a latitude"),
        (questions.place, "34.36,107.15", "longitude first"),
        (questions.box, "107,,34,108,35", "must be west,south,east,north"),
        (questions.box, "108,34,107,35", "must be west,south,east,north"),
        (questions.flag, 2, "word='2' must be 1 or 0"),
        (questions.flag, ["1", "0"], "word is given 2 times; give it once."),
        (questions.text, 5, "word='5' must be a text."),
        (questions.code(Kind), "\n" + "x" * 50, f"word='{'x' * 40}' must be one of"),
        (questions.moment(SHANGHAI), "9999-12-31T12:00", "too far from our time"),
        (questions.day, "0001-01-01", "too far from our time"),
        (questions.day, "someday", "word='someday' is not a date; write it like 2026-11-23."),
    ],
)
def test_what_is_refused(reader: Reader[object], value: object, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        reader("word", value)
    assert reason in str(caught.value)


def test_words_are_asked_by_name_and_called_as_they_were_written() -> None:
    given = Given(
        {"spacing_m": " ", "at": ["", "noon"], "kinds": [], "runs": None, "gap": "x"},
        ("spacing_m", "at", "kinds", "runs", "gap"),
        names={"gap": "--gap"},
    )
    assert [name for name in ("spacing_m", "at", "kinds", "runs") if name in given] == [
        "at",
        "kinds",
    ]
    assert given.read("spacing_m", questions.number(), 200.0) == 200.0
    assert given.read("at", questions.text) == "noon"
    with pytest.raises(InputError, match="^--gap='x' is not a number"):
        given.read("gap", questions.number())
    with pytest.raises(InputError, match="^'runs' is missing"):
        given.need("runs", questions.whole())
    with pytest.raises(InputError, match="^word is longer than 500 letters"):
        Given({"word": "x" * 501}).read("word", questions.text)


def test_a_word_that_there_is_not_is_refused_or_passed_over() -> None:
    with pytest.raises(InputError, match="^'when' is not a parameter; there are at, kind"):
        Given({"when": "1"}, ("at", "kind"))
    with pytest.raises(InputError, match="there are none here"):
        Given({"when": "1"}, ())
    assert "when" not in Given({"when": "1"}, ("at",), strict=False)


def test_the_riders_form_is_read_as_a_browser_sends_it(client: FlaskClient) -> None:
    """A ticked box stands before the hidden field of the same name, and what is empty is absent."""
    rest = "service=toilet&service=hot_water&platform=&kind=&weather=&app=amap"
    ticked, unticked = (
        client.get(f"/?place=金台区&{rules}&{rest}") for rules in ("open=yes&open=any", "open=any")
    )
    assert (ticked.status_code, unticked.status_code) == (200, 200)
    assert 'id="open-yes" checked' in ticked.text
    assert 'id="open-yes" checked' not in unticked.text


READERS: list[Reader[object]] = [
    *(questions.numbers(1, 60, whole=True), questions.number(0, 600, above=True)),
    *(questions.whole(), questions.lon, questions.lat, questions.place, questions.box),
    *(questions.flag, questions.text, questions.language, questions.codes(Amenity)),
    *(questions.moment(SHANGHAI), questions.day, questions.hour),
]
TEXTS = st.text(max_size=8) | st.sampled_from(["1e309", "5,,", "107,34", "2026-11-23T24:00", "-0"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=5,
)


@settings(max_examples=examples(300))
@given_values(st.sampled_from(READERS), VALUES)
def test_whatever_is_asked_is_read_or_refused_in_one_line(
    reader: Reader[object], value: object
) -> None:
    told = ""
    try:
        reader("word", value)
    except InputError as error:
        told = str(error)
    assert told == "" or told.startswith("word")
    assert "\n" not in told

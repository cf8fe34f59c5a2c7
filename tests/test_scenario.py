"""What if: each verb on paper, the YAML as people write it, and every way of writing it wrong."""

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from click.testing import Result

from locator.coverage import Scenario, apply_scenario, idle_changes
from locator.datum import wgs84_to_gcj02
from locator.errors import InputError
from locator.service import Service
from locator.study import parse_scenario, read_scenario

WHOLE = """
name: 夜间方案
close: [BJ-R-001]
open: [b]
hours:
  a: 24/7
  b: Mo-Fr 08:00-18:00; PH off
services:
  a: [饮水, 手机充电]
  b: hot_water
move:
  a: [107.2, 34.4]
add:
  - {id: new-1, name: 新驿站, kind: rest_post, lon: 107.15, lat: 34.36, opening_hours: 24/7}
"""


@pytest.fixture
def register(service: Service) -> gpd.GeoDataFrame:
    """Return the shipped stations."""
    return service.snapshot().stations


def changed(register: gpd.GeoDataFrame, text: str) -> pd.DataFrame:
    frame = apply_scenario(register, parse_scenario(text, source="plan.yaml"))
    return frame.set_index("id", drop=False)


def test_each_verb_changes_its_station_and_no_other(register: gpd.GeoDataFrame) -> None:
    before = register.copy()
    text = """
        close: [BJ-R-001]
        hours: {BJ-R-002: 24/7}
        services: {BJ-R-003: [换电, tools]}
        move: {BJ-R-004: [107.2, 34.4]}
    """
    frame = changed(register, text)
    pd.testing.assert_frame_equal(register, before)
    was = register.set_index("id")
    assert frame.loc["BJ-R-001", "status"] == "closed"
    assert frame.loc["BJ-R-002", "opening_hours"] == "24/7"
    offered = set(was.loc["BJ-R-003", "services"].split(";"))
    assert set(frame.loc["BJ-R-003", "services"].split(";")) == offered | {"battery_swap", "tools"}
    there = frame.loc["BJ-R-004", "geometry"]
    assert (there.x, there.y) == (107.2, 34.4)
    others = [i for i in was.index if i not in {f"BJ-R-00{n}" for n in range(1, 5)}]
    columns = ["status", "opening_hours", "services", "geometry"]
    same = pd.DataFrame(frame).loc[others, columns] == pd.DataFrame(was).loc[others, columns]
    both_null = frame.loc[others, columns].isna() & was.loc[others, columns].isna()
    assert (same | both_null).all().all()
    assert frame["id"].is_monotonic_increasing


def test_open_brings_a_closed_station_back(register: gpd.GeoDataFrame) -> None:
    closed = apply_scenario(register, parse_scenario("close: [BJ-R-001]", source="p"))
    again = changed(closed, "open: [BJ-R-001]")
    assert again.loc["BJ-R-001", "status"] == "active"


def test_an_added_station_is_in_service(register: gpd.GeoDataFrame) -> None:
    """Columns and values in Chinese or by code; what is not said is unknown."""
    text = """
        add:
          - 编号: 新-1
            名称: 夜班驿站 # a comment
            类型: 骑手服务驿站
            经度: 107.15
            纬度: 34.36
            服务: [饮水, 换电]
            开放时间: 24/7
          - {id: new-2, name: '007', kind: swap_cabinet, lon: 107.16, lat: 34.37}
    """
    frame = changed(register, text)
    one, two = frame.loc["新-1"], frame.loc["new-2"]
    assert len(frame) == len(register) + 2
    assert (one["name"], one["kind"], one["status"]) == ("夜班驿站", "rest_post", "active")
    assert one["services"] == "drinking_water;battery_swap"
    assert one["opening_hours"] == "24/7"
    assert (two["name"], two["status"]) == ("007", "active")
    assert pd.isna(two["opening_hours"])
    assert pd.isna(two["services"])
    assert frame.geometry.notna().all()


def test_positions_are_of_the_datum_that_is_named(register: gpd.GeoDataFrame) -> None:
    lon, lat = wgs84_to_gcj02(np.array([107.15]), np.array([34.36]))
    text = f"""
        datum: gcj02
        move: {{BJ-R-001: [{lon[0]}, {lat[0]}]}}
        add: [{{id: n, name: n, kind: rest_post, lon: {lon[0]}, lat: {lat[0]}}}]
    """
    frame = changed(register, text)
    for identity in ("BJ-R-001", "n"):
        place = frame.loc[identity, "geometry"]
        assert (place.x, place.y) == pytest.approx((107.15, 34.36), abs=2e-7)


def test_metres_of_baidu_can_be_moved_to(register: gpd.GeoDataFrame) -> None:
    frame = changed(register, "datum: bd09mc\nmove: {BJ-R-001: [11928500, 4049500]}")
    place = frame.loc["BJ-R-001", "geometry"]
    assert 107 < place.x < 108
    assert 34 < place.y < 35


def test_yaml_words_stay_what_they_are() -> None:
    """No norway problem: off, yes, 24/7, 08:00 and 001 are texts."""
    text = "close: [001, off, yes, 1e3, 2026-11-23]\nhours: {a: off, b: 24/7, no: 08:00-18:00}"
    found = parse_scenario(text, source="plan.yaml")
    assert found.close == ("001", "off", "yes", "1e3", "2026-11-23")
    assert found.hours == {"a": "off", "b": "24/7", "no": "08:00-18:00"}
    assert found.name == "plan"


def test_anchors_stand_for_what_they_name() -> None:
    text = "hours: {a: &long 24/7, b: *long}\nservices: {a: &s [热水], b: *s}"
    found = parse_scenario(text, source="p")
    assert found.hours == {"a": "24/7", "b": "24/7"}
    assert found.services["a"] == found.services["b"] == {"hot_water"}


def test_a_whole_scenario() -> None:
    found = parse_scenario(WHOLE, source="plan.yaml")
    assert (found.name, found.close, found.reopen) == ("夜间方案", ("BJ-R-001",), ("b",))
    assert found.hours["b"] == "Mo-Fr 08:00-18:00; PH off"
    assert found.services == {"a": {"drinking_water", "phone_charging"}, "b": {"hot_water"}}
    assert found.move == {"a": (107.2, 34.4)}
    assert found.add is not None
    assert found.add["id"].tolist() == ["new-1"]


LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)
STATION = "id: n, name: n, kind: rest_post, lon: 107.1, lat: 34.3"
WRONG = {
    "": "needs keys",
    "[1, 2]": "needs keys",
    "just words": "needs keys",
    "close: [a": r"line 1\) is not|is not YAML \(line 1\)",
    "close: [a]\n\tb: c": r"is not YAML \(line 2\)",
    "a: b: c": "is not YAML",
    "--- {close: [a]}\n--- {close: [b]}": "is not YAML",
    "close: [a]\x00": "is not YAML",
    "? [a]\n: b": "is not YAML",
    "[" * 5000: "is not YAML",
    LAUGHS: "'a' is not one of",
    "shut: [a]": "'shut' is not one of name, datum, close",
    "name: x": "changes nothing",
    "close:": "changes nothing",
    "close: []\nhours: {}": "changes nothing",
    "add:": "changes nothing",
    "name: [x]\nclose: [a]": "name must be a text",
    "close: a": "close must be a list of ids",
    "close: {a: b}": "close must be a list of ids",
    "close: [[a]]": "each entry of close must be a text",
    "close: ['']": "each entry of close must be a text",
    "close: &x [*x]": r"is not YAML \(line 1\)",
    "close: [a]\nclose: [b]": r"'close' stands twice \(line 2\)",
    "hours: {a: 24/7, a: off}": r"'a' stands twice \(line 1\)",
    "hours: [a]": "hours must name ids",
    "hours: {a: }": "hours of a must be a text",
    "hours: {a: [24/7]}": "hours of a must be a text",
    "hours: {a: {b: c}}": "hours of a must be a text",
    "hours: {<<: {a: 24/7}}": "hours of << must be a text",
    "services: {a: [sauna]}": r"services of a: must be one of: drinking_water \(饮水\)",
    "services: {a: [[饮水]]}": "services of a must be a text",
    "datum: mars\nclose: [a]": "datum 'mars': must be one of",
    "datum: [wgs84]\nclose: [a]": "datum must be a text",
    "move: {a: here}": r"move of a must be \[longitude, latitude\]",
    "move: {a: [107.1]}": r"move of a must be \[longitude, latitude\]",
    "move: {a: [[1], 2]}": r"move of a must be \[longitude, latitude\]",
    "move: {a: [107.1, x]}": "move of a: .*'x'",
    "move: {a: [34.3, 107.1]}": "move of a: .*'107.1'",
    "move: {a: [11928500, 4049500]}": r"metres\? Say datum: bd09mc for Baidu's\.$",
    "move: {a: [200, 34]}": r"swapped, or is it metres\?$",
    "move: {a: [nan, 34]}": "move of a: .*'nan'",
    "move: {a: [0, 0]}": "move of a: .*0, 0 is not a place",
    "add: {id: a}": "add must be a list of stations",
    "add: [a]": "add must be a list of stations",
    "add: &x [*x]": r"is not YAML \(line 1\)",
    f"add: [{{{STATION}, host: }}]": "add, station 1, host must be a text",
    f"add: [{{{STATION}, services: [[饮水], a]}}]": "add, station 1, services must be a text",
    f"add: [{{{STATION}, services: {{a: b}}}}]": "add, station 1, services must be a text",
    f"add: [{{{STATION}, services: [sauna]}}]": "add, station 1, services 'sauna': .*one of",
    f"add: [{{{STATION}, shift: 24/7}}]": "add, station 1: 'shift' is no column .*opening_hours",
    f"add: [{{{STATION}, opening_hours: when it suits}}]": (
        "add, station 1, opening_hours 'when it suits'"
    ),
    f"add: [{{{STATION}}}, {{{STATION}}}]": "add, station 2, id 'n': stands already",
    "add: [{id: n, name: n, kind: rest_post}]": (
        "add, station 1 lacks lon, lat; it has id, name, kind"
    ),
    "add: [{id: n, name: n, kind: rest_post, lon: 200, lat: 34}]": "add, station 1, lon '200'",
    "add: [{name: n, kind: rest_post, lon: 107, lat: 34}]": "add, station 1 lacks id",
}


@pytest.mark.slow
@pytest.mark.parametrize("text", WRONG, ids=[repr(text)[:40] for text in WRONG])
def test_what_is_wrong_is_said_in_a_sentence_with_its_place(text: str) -> None:
    with pytest.raises(InputError, match=rf"^plan\.yaml.*({WRONG[text]})") as caught:
        parse_scenario(text, source="plan.yaml")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("close: [nope]", "'close' names 'nope'; the register has no such station"),
        ("open: [nope]", "'open' names 'nope'"),
        ("hours: {nope: 24/7}", "'hours' names 'nope'"),
        ("services: {nope: 饮水}", "'services' names 'nope'"),
        ("move: {nope: [107, 34]}", "'move' names 'nope'"),
        ("hours: {BJ-R-001: 25/8}", "hours of 'BJ-R-001' cannot be read: '25/8'"),
        ("close: [BJ-R-001]\nopen: [BJ-R-001]", "both closes and opens 'BJ-R-001'"),
        (
            "add: [{id: BJ-R-001, name: n, kind: rest_post, lon: 107.1, lat: 34.3}]",
            "adds 'BJ-R-001', which the register has",
        ),
    ],
)
def test_what_does_not_fit_the_register_is_said(
    register: gpd.GeoDataFrame, text: str, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        changed(register, text)


def test_a_change_that_changes_nothing_is_found(register: gpd.GeoDataFrame) -> None:
    """BJ-R-001 is in service, BJ-R-002 is not: to open the one and close the other is idle."""
    closed = apply_scenario(register, parse_scenario("close: [BJ-R-002]", source="p"))
    row = register.set_index("id").loc["BJ-R-003"]
    at, service = row["geometry"], row["services"].split(";")[0]
    text = f"""
        open: [BJ-R-001]
        close: [BJ-R-002]
        hours: {{BJ-R-003: "{row["opening_hours"].replace(" ", "  ")}", BJ-R-004: 24/7}}
        services: {{BJ-R-003: {service}, BJ-R-004: tools}}
        move: {{BJ-R-003: [{at.x}, {at.y}], BJ-R-004: [107.2, 34.4]}}
    """
    scenario = parse_scenario(text, source="p")
    found = [(idle.verb, idle.id) for idle in idle_changes(closed, scenario)]
    assert found == [
        ("open", "BJ-R-001"), ("close", "BJ-R-002"), ("hours", "BJ-R-003"),
        ("services", "BJ-R-003"), ("move", "BJ-R-003"),
    ]  # fmt: skip
    other = parse_scenario("open: [BJ-R-002]\nclose: [BJ-R-001]", source="p")
    assert idle_changes(closed, other) == ()


def test_files_that_are_no_scenario(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_scenario(tmp_path / "absent.yaml")
    with pytest.raises(InputError, match="cannot be read"):
        read_scenario(tmp_path)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes("close: [驿站]".encode("gbk"))
    with pytest.raises(InputError, match="not UTF-8"):
        read_scenario(binary)
    big = tmp_path / "big.yaml"
    big.write_text("#" * 1_000_001)
    with pytest.raises(InputError, match="larger than 1 MB"):
        read_scenario(big)
    marked = tmp_path / "marked.yaml"
    marked.write_text("close: [a]", encoding="utf-8-sig")
    assert read_scenario(marked).close == ("a",)


def test_an_empty_register_can_be_added_to(register: gpd.GeoDataFrame) -> None:
    text = f"add: [{{{STATION}}}]"
    assert changed(register.iloc[:0], text)["id"].tolist() == ["n"]
    assert len(apply_scenario(register.iloc[:0], Scenario("nothing"))) == 0


@pytest.mark.parametrize(
    "text",
    ["close: [nope]", "shut: [a]", "add: [{id: a}]", "hours: {BJ-R-001: sometimes}"],
)
def test_a_wrong_scenario_writes_nothing(
    cli: Callable[..., Result], tmp_path: Path, text: str
) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(text, encoding="utf-8")
    out = tmp_path / "deep" / "gaps"
    result = cli("gaps", "--minutes", "5", "--scenario", plan, "--out", out)
    assert result.exit_code == 2
    assert result.stderr.strip().count("\n") == 0
    assert not (tmp_path / "deep").exists()

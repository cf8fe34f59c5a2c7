"""What hot zones were built from and assumed goes with them, wherever they go."""

import json
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest
from click.testing import Result

from locator.report.draft import GapsDraft
from locator.report.gaps import add_opening
from locator.report.reading import read_gaps
from locator.report.sentences import translate
from locator.study.zone_source import demand_rests_on, zone_source
from tests.test_hotzones_build import make_orders

SHOPS = "by shop or point, 1 an hour each, assumed; profile assumed: flat"


def made(file: str, demand: str, when: str = "") -> str:
    return zone_source(
        file=file,
        data_hash="0123456789abcdef",
        when=when,
        demand=demand,
        test="H3 9, Gi*, two-sided, values shuffled, false-discovery rate 0.05",
        k=10,
        rows=9_800,
        rows_in_zones=4_214,
    )


def zones(*sources: str | None) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"source": list(sources)}, geometry=[None] * len(sources))


def test_each_build_is_a_sentence_and_other_sources_are_none() -> None:
    shops, orders = made("shops; 2025, north.csv", SHOPS), made("o.csv", "orders at the hour of x")
    said = demand_rests_on(zones(orders, shops, shops, "Census of 2020", None))
    assert said == [
        f"2 of 5 hot zones were built from shops, 2025, north.csv: {SHOPS}; k 10, cells of fewer "
        "rows left out; 43.0% of all 9,800 rows lie in zones",
        "1 of 5 hot zones were built from o.csv: orders at the hour of x; k 10, cells of fewer "
        "rows left out; 43.0% of all 9,800 rows lie in zones",
    ]
    # What a locator wrote that did not say the share yet.
    old = shops.rpartition("; ")[0]
    assert demand_rests_on(zones(old)) == [
        f"1 of 1 hot zones were built from shops, 2025, north.csv: {SHOPS}; k 10, cells of fewer "
        "rows left out"
    ]
    assert demand_rests_on(None) == demand_rests_on(zones("Census")) == []


@pytest.mark.parametrize(
    ("demand", "when", "chinese"),
    [
        (SHOPS, "", "由 a.csv 生成：每个点按每小时 1 单计（假设），全周均匀（假设）；k 为 10"),
        (
            "by shop or point, the file's demand per hour; profile assumed: the mean of the "
            "store's hot zones",
            "",
            "每小时需求取自文件，每周曲线取现有热区的平均（假设）",
        ),
        (
            "by shop or point, 1 an hour each, assumed; profile assumed: week.json",
            "",
            "每周曲线取自 week.json（假设）",
        ),
        (
            "weighted orders at the hour of the end_time",
            "2026-10-19T00:00:00 to 2026-11-16T00:00:00",
            "2026-10-19T00:00:00 至 2026-11-16T00:00:00 的加权订单，按 end_time 的小时计",
        ),
    ],
)
def test_it_is_said_in_chinese(demand: str, when: str, chinese: str) -> None:
    (said,) = demand_rests_on(zones(made("a.csv", demand, when)))
    words = translate(said, "zh")
    assert chinese in words
    assert "全部 9,800 行中有 43.0% 在热区内" in words
    (old,) = demand_rests_on(zones(made("a.csv", demand, when).rpartition("; ")[0]))
    assert chinese in translate(old, "zh")


@pytest.mark.slow
def test_what_a_build_assumed_is_on_page_one_of_a_study_of_the_store(
    cli: Callable[..., Result], tmp_path: Path
) -> None:
    make_orders(rows=6_000)[["lon", "lat"]].to_csv(tmp_path / "shops.csv", index=False)
    out = tmp_path / "z.gpkg"
    assert cli("hotzones", "build", tmp_path / "shops.csv", "--out", out).exit_code == 0
    built = json.loads((tmp_path / "z.summary.json").read_text("utf-8"))
    share = f"{built['rows_in_zones'] / built['rows_used']:.1%}"
    assert built["rows_share_in_zones"] == pytest.approx(
        built["rows_in_zones"] / built["rows_used"]
    )
    assert 0 < built["rows_in_zones"] < built["rows_used"] - built["rows_suppressed"]
    assert cli("hotzones", "import", out, "--mode", "replace").exit_code == 0
    done = cli("gaps", "--minutes", 5, "--no-report", "--out", tmp_path / "g")
    (said,) = json.loads((tmp_path / "g" / "summary.json").read_text("utf-8"))["demand_rests_on"]
    count = built["zones"]
    assert said.startswith(f"{count} of {count} hot zones were built from shops.csv: {SHOPS}; k 10")
    assert said.endswith(f"{share} of all {built['rows_used']:,} rows lie in zones")
    assert f"Demand: {said}." in done.stdout
    for language in ("zh", "en"):
        draft = GapsDraft(read_gaps(tmp_path / "g"), "zh" if language == "zh" else "en")
        add_opening(draft)
        words = translate(said, draft.language)
        assert words in str(draft.blocks)
        assert words in draft.rests_on()

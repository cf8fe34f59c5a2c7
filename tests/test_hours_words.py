"""A week in words: what is said is what the hours are, and nothing ever fails to be said."""

import os
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locator.hours import HoursRules, read_spans
from locator.hours_words import day_words, hours_by_day, read_week, week_words
from locator.schema import State
from tests.patience import examples

REAL = Path(os.environ.get("LOCATOR_REALDATA", "")) / "text" / "osm_opening_hours_distinct.txt"
RULES = HoursRules(ZoneInfo("Asia/Shanghai"), "CN", {})
MONDAY = datetime(2026, 11, 9, tzinfo=RULES.timezone)  # neither holidays nor a month's end near
DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        (
            "Mo-Fr 08:30-12:00,14:00-18:00; PH off",
            "周一至周五 8:30–12:00、14:00–18:00；节假日休息",
            "Mon–Fri 8:30–12:00, 14:00–18:00; closed on public holidays",
        ),
        ("24/7", "每天 24 小时", "24 hours a day"),
        ("24/7; PH off", "每天全天；节假日休息", "Every day 24 hours; closed on public holidays"),
        ("Mo-Su 07:00-22:00", "每天 7:00–22:00", "Every day 7:00–22:00"),
        ("Mo-Su 10:00-02:00", "每天 10:00–次日 2:00", "Every day 10:00–2:00 next day"),
        (
            "Fr 20:00-24:00; Sa 00:00-04:00,18:00-24:00",
            "周五 20:00–次日 4:00；周六 18:00–24:00",
            "Fri 20:00–4:00 next day; Sat 18:00–24:00",
        ),
        (
            "Mo-Fr 08:00-20:00; Sa,Su,PH 09:00-17:00",
            "周一至周五 8:00–20:00；周六、周日、节假日 9:00–17:00",
            "Mon–Fri 8:00–20:00; Sat, Sun, public holidays 9:00–17:00",
        ),
        (
            "Su-Th 11:00-23:00; Fr 00:00-24:00",
            "周一至周四、周日 11:00–23:00；周五全天",
            "Mon–Thu, Sun 11:00–23:00; Fri 24 hours",
        ),
        (
            "May-Sep: Mo-Fr 08:30-18:30; Oct-Apr: Mo-Fr 08:30-18:00; PH off",
            "5月至9月：周一至周五 8:30–18:30。10月至4月：周一至周五 8:30–18:00。节假日休息",
            "May–Sep: Mon–Fri 8:30–18:30. Oct–Apr: Mon–Fri 8:30–18:00. Closed on public holidays",
        ),
        ("off", "不开放", "Closed"),
        (
            'Mo-Fr 08:00-17:00 "凭证"',
            "周一至周五 8:00–17:00（不确定）（备注：凭证）",
            "Mon–Fri 8:00–17:00 (not certain) (note: 凭证)",
        ),
        ("Mo 08:00-17:00 unknown", "周一 8:00–17:00（不确定）", "Mon 8:00–17:00 (not certain)"),
        (None, "时间未知", "Hours unknown"),
        (" ", "时间未知", "Hours unknown"),
        (
            "早八晚",
            "开放时间无法识别，见原文：早八晚",
            "Unreadable hours, as written: 早八晚",
        ),
    ],
)
def test_a_week_is_said_in_both_languages(text: str | None, zh: str, en: str) -> None:
    assert week_words(text, "zh") == zh
    assert week_words(text, "en") == en


@pytest.mark.parametrize(
    "text",
    [
        "sunrise-sunset",
        "Mo-Su 18:00+",
        "08:00-18:00+",
        '08:00-18:00 || "打电话"',
        '"凭预约"',
        'Mo-Fr 09:00-17:00; Sa "by appointment"',
        "Mo-Fr 10:00-18:00; Sa[1] 10:00-16:00",
        "Mo-Su 09:00-18:00; Dec 25 off",
        "Apr 15-Oct 15: 10:00-18:00",
        "2026 Oct 01-07 off",
        "week 1-53/2 Mo 10:00-12:00",
        "easter off; Mo-Su 10:00-12:00",
        "Mo-Fr 08:00-17:00; SH off",
        "Mo-Fr 08:00-17:00; PH -1 day 08:00-12:00",
    ],
)
def test_what_is_no_week_is_passed_on_as_it_is_written(text: str) -> None:
    assert week_words(text, "zh") == f"开放时间特殊，见原文：{text}"
    assert week_words(text, "en") == f"Special hours, as written: {text}"


@pytest.mark.slow
def test_every_real_text_is_said() -> None:
    if not REAL.is_file():
        pytest.skip("LOCATOR_REALDATA is not set")
    texts = REAL.read_text("utf-8").splitlines()
    said = {text: (week_words(text, "zh"), week_words(text, "en")) for text in texts}
    assert all(zh and en for zh, en in said.values())
    passed_on = [text for text, (zh, _en) in said.items() if "见原文" in zh]
    assert len(passed_on) / len(said) < 0.04
    for zh, en in (words for text, words in said.items() if text not in passed_on):
        for part in (zh.partition("（备注")[0], en.partition(" (note")[0]):
            assert not any(code in part.split() for code in (*DAYS, "off", "PH"))
            assert ";" not in zh.partition("（备注")[0]


def spans_of(text: str, weeks: int = 3) -> set[tuple[datetime, datetime, State]]:
    """Return the stretches of the middle week of some, as the hours' own reader has them."""
    start = MONDAY - timedelta(days=7)
    spans = read_spans(text, RULES, start=start, days=7 * weeks)
    begin, end = MONDAY, MONDAY + timedelta(days=7)
    cut = ((max(s.start, begin), min(s.end, end), s.state) for s in spans)
    return {(a, b, state) for a, b, state in cut if a < b and state is not State.CLOSED}


def spans_said(text: str) -> set[tuple[datetime, datetime, State]]:
    """Return the same from the table that is put into words."""
    hours = read_week(text)
    assert hours is not None, text
    week = next(season.week for season in hours.seasons if MONDAY.month in season.months)
    pieces = sorted(
        (start + timedelta(minutes=s.start), start + timedelta(minutes=s.end), s.certain)
        for n in range(-7, 14)
        for start in [MONDAY + timedelta(days=n)]
        for s in week[n % 7]
    )
    merged: list[tuple[datetime, datetime, bool]] = []
    for piece in pieces:
        if merged and merged[-1][1] == piece[0] and merged[-1][2] == piece[2]:
            merged[-1] = (merged[-1][0], piece[1], piece[2])
        else:
            merged.append(piece)
    begin, end = MONDAY, MONDAY + timedelta(days=7)
    cut = ((max(a, begin), min(b, end), c) for a, b, c in merged)
    return {(a, b, State.OPEN if c else State.UNKNOWN) for a, b, c in cut if a < b}


@st.composite
def rules_of_a_week(draw: st.DrawFn) -> str:
    """Write one rule: days, times, sometimes a state."""
    first, last = draw(st.sampled_from(DAYS)), draw(st.sampled_from(DAYS))
    days = draw(st.sampled_from([first, f"{first}-{last}", f"{first},{last}"]))
    count = draw(st.integers(0, 2))
    if not count:
        return f"{days} off"
    times = draw(st.lists(st.integers(0, 95), min_size=2 * count, max_size=2 * count, unique=True))
    marks = [f"{q // 4:02}:{q % 4 * 15:02}" for q in sorted(times)]
    if draw(st.booleans()):  # the last begins in the evening and ends after midnight
        marks = [*marks[1:], marks[0]]
    pairs = ",".join(f"{a}-{b}" for a, b in zip(marks[::2], marks[1::2], strict=True))
    return f"{days} {pairs}" + draw(st.sampled_from(["", "", " unknown"]))


@given(st.lists(rules_of_a_week(), min_size=1, max_size=4).map("; ".join))
@settings(deadline=None, max_examples=examples(300))
def test_the_table_in_words_is_what_the_hours_are(text: str) -> None:
    assert spans_said(text) == spans_of(text)


@given(st.text(max_size=40) | st.text(alphabet='MoTuSaPHoffJan0123456789:-+;, "[]|', max_size=40))
@settings(deadline=None, max_examples=examples(500))
def test_no_text_fails_to_be_said(text: str) -> None:
    assert week_words(text, "zh")
    assert week_words(text, "en")


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("18:00+", "18:00 起", "from 18:00"),
        ("18:00-20:00+", "18:00–20:00 或更晚", "18:00–20:00 or later"),
        ("20:00-02:00", "20:00–次日 2:00", "20:00–2:00 next day"),
    ],
)
def test_an_evening_whose_end_is_not_known_is_one_evening(text: str, zh: str, en: str) -> None:
    days = hours_by_day(read_spans(text, RULES, start=MONDAY, days=4))
    tuesday = days[date(2026, 11, 10)]
    assert (day_words(tuesday, "zh"), day_words(tuesday, "en")) == (zh, en)

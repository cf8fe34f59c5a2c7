"""Hours the way people write them: read when they are certain, and not at all when not."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locator.hours import HoursRules, is_readable, read_spans
from locator.register.hours_text import normalise_hours
from locator.schema import State
from tests.conftest import SHANGHAI
from tests.patience import examples

RULES = HoursRules(SHANGHAI, "CN", {})

CERTAIN = [
    # The 24-hour clock, in every punctuation.
    ("08:00~22:00", "08:00-22:00"),
    ("06：00 - 22：00", "06:00-22:00"),
    ("06：00- 22：00", "06:00-22:00"),
    ("０８：００－２２：００", "08:00-22:00"),
    ("8：00——22：00", "08:00-22:00"),
    ("8:00 至 22:00", "08:00-22:00"),
    ("8∶00到22∶00", "08:00-22:00"),
    ("08:00:00~22:00:00", "08:00-22:00"),
    ("\ufeff8:00～22:00\u3000", "08:00-22:00"),
    ("营业时间：8:00～22:00", "08:00-22:00"),
    ("8:00~22:00 营业", "08:00-22:00"),
    ("8点-22点", "08:00-22:00"),
    ("8時至22時30分", "08:00-22:30"),
    ("8点半到17点半", "08:30-17:30"),
    ("8时30分—17时05分", "08:30-17:05"),
    ("9-18点", "09:00-18:00"),
    ("8:30~12:00", "08:30-12:00"),
    ("07:00~09:00", "07:00-09:00"),
    ("0:00~24:00", "24/7"),
    ("8:00~0:00", "08:00-24:00"),
    ("零点-6点", "00:00-06:00"),
    # Parts of the day settle morning and evening.
    ("早8点-晚10点", "08:00-22:00"),
    ("早上8:00~晚上10:00", "08:00-22:00"),
    ("早9晚6", "09:00-18:00"),
    ("早八点到晚十点半", "08:00-22:30"),
    ("9点-下午5点", "09:00-17:00"),
    ("上午8:30-12:00 下午2:00-6:00", "08:30-12:00,14:00-18:00"),
    ("上午：8:30—12:00；下午：14:00—17:30", "08:30-12:00,14:00-17:30"),
    ("上午8点到中午12点", "08:00-12:00"),
    ("上午9点-12点半", "09:00-12:30"),
    ("中午11:30-2:00", "11:30-14:00"),
    ("下午02:00-06:00", "14:00-18:00"),
    ("晚6点-12点", "18:00-24:00"),
    # Past midnight.
    ("晚8点到凌晨2点", "20:00-02:00"),
    ("晚上10点-次日早6点", "22:00-06:00"),
    ("晚8点-2点", "20:00-02:00"),
    ("22:00~6:00", "22:00-06:00"),
    ("17:00~08:00", "17:00-08:00"),
    ("20:00~次日2:00", "20:00-02:00"),
    # Round the clock.
    ("全天", "24/7"),
    ("全天候24小时开放", "24/7"),
    ("24小时", "24/7"),
    ("24小時營業", "24/7"),
    ("全年无休，24小时营业", "24/7"),
    ("7×24小时", "24/7"),
    ("24h", "24/7"),
    ("24 hours", "24/7"),
    ("24小时营业（节假日休息）", "24/7; PH off"),
    # Days.
    ("全年无休 8:00~22:00", "08:00-22:00"),
    ("每天8:00~22:00", "08:00-22:00"),
    ("8:00～22:00 每日", "08:00-22:00"),
    ("周一至周日8:00～22:00（含法定节假日）", "08:00-22:00"),
    ("周一至周五9:00-18:00", "Mo-Fr 09:00-18:00"),
    ("周一到周五，9:00-18:00", "Mo-Fr 09:00-18:00"),
    ("周一至五：9:00-18:00", "Mo-Fr 09:00-18:00"),
    ("周1-周5 9:00-18:00", "Mo-Fr 09:00-18:00"),
    ("週一～週五 09:00～18:00", "Mo-Fr 09:00-18:00"),
    ("星期一-星期五\n9:00-18:00", "Mo-Fr 09:00-18:00"),
    ("礼拜一到礼拜六9点～18点", "Mo-Sa 09:00-18:00"),
    ("9:00-18:00（周一至周五）", "Mo-Fr 09:00-18:00"),
    ("周一、三、五 9:00-11:30", "Mo,We,Fr 09:00-11:30"),
    ("周一三五9:00-11:30", "Mo,We,Fr 09:00-11:30"),
    ("周六周日9:00-11:30", "Sa,Su 09:00-11:30"),
    ("每周六、日上午9点-11点", "Sa,Su 09:00-11:00"),
    ("周五至周一9:00~18:00", "Mo,Fr-Su 09:00-18:00"),
    ("周末全天", "Sa,Su 00:00-24:00"),
    ("三~日 08:00~17:00", "We-Su 08:00-17:00"),
    # Holidays and closed days.
    ("工作日9:00-18:00", "Mo-Fr 09:00-18:00; PH off"),
    ("工作日9:00-18:00，周末休息", "Mo-Fr 09:00-18:00; Sa,Su off; PH off"),
    (
        "工作日9:00-18:00，周末10:00-17:00",
        "Mo-Fr 09:00-18:00; Sa,Su 10:00-17:00; PH unknown",
    ),
    ("周一至周五（节假日除外）9:00-18:00", "Mo-Fr 09:00-18:00; PH off"),
    ("周一至周五9:00-18:00，周末及节假日休息", "Mo-Fr 09:00-18:00; Sa,Su,PH off"),
    (
        "周末及节假日10:00-17:00；周一至周五9:00-18:00",
        "Mo-Fr 09:00-18:00; Sa,Su,PH 10:00-17:00",
    ),
    ("8:00~20:00，节假日10:00~16:00", "08:00-20:00; PH 10:00-16:00"),
    ("9:00～17:00（周一闭馆）", "Tu-Su 09:00-17:00; Mo off"),
    ("每天8:00~20:00，周日不营业", "Mo-Sa 08:00-20:00; Su off"),
    ("每天20:00~02:00，周日休息", "Mo-Sa 20:00-02:00"),
    ("节假日休息", "unknown; PH off"),
    ("周日休息", "unknown; Su off"),
    # Several clauses.
    ("9:00~12:00、14:00~18:00", "09:00-12:00,14:00-18:00"),
    ("9点-12点，14点-18点", "09:00-12:00,14:00-18:00"),
    (
        "周一至周五 8:30-12:00 14:00-17:30 周六 8:30-12:00",
        "Mo-Fr 08:30-12:00,14:00-17:30; Sa 08:30-12:00",
    ),
    ("周日至周四10:00~22:00；周五、周六10:00~24:00", "Mo-Th,Su 10:00-22:00; Fr,Sa 10:00-24:00"),
    ("周五20:00~02:00；周六10:00~18:00", "Fr 20:00-02:00, Sa 10:00-18:00"),
    # English.
    ("Mon-Fri 9am-6pm", "Mo-Fr 09:00-18:00"),
    (
        "Mon–Fri: 9 a.m. to 6 p.m., Sat 10am-4pm; Sun closed",
        "Mo-Fr 09:00-18:00; Sa 10:00-16:00; Su off",
    ),
    ("9:00 AM - 5:00 PM", "09:00-17:00"),
    ("9-5pm", "09:00-17:00"),
    ("6pm-2am", "18:00-02:00"),
    ("daily 8:00~20:00", "08:00-20:00"),
    ("Mo-Fr 8:00~17:30", "Mo-Fr 08:00-17:30"),
    # What can be read already stays as it is.
    (" Mo-Fr 9:00-18:00;PH off ", "Mo-Fr 9:00-18:00;PH off"),
    ("9:00-6:00", "9:00-6:00"),
    ("24/7", "24/7"),
]

UNCERTAIN = [
    "",
    " ",
    # Not hours at all, or cut off, or more than hours.
    "09-18",
    "00; 00-24:00",
    "8",
    "8:00",
    "13800138000",
    "8:00-22:00 电话13800138000",
    "早晚",
    "for request only",
    "看情况",
    "请提前预约",
    "8:00~22:00左右",
    "周六9:00~12:00需预约",
    "we are open 9:00~18:00",
    "上午9:00~11:30，下午",
    "(8:00~22:00",
    "8:00~22:00¹",
    "①8:00~12:00 ②14:00~18:00",
    "5/1 9:00~18:00",
    "10.1-10.7",
    "8.30-17.30",
    "0800-2200",
    "25:00~26:00",
    "8:60~9:00",
    "00:00~00:00",
    # Morning or evening.
    "9点-6点",
    "9:00~6:00",
    "2:00~6:00",
    "8点-12点",
    "8点-0点",
    "14:00~6:00",
    "早9点-6点",
    "早8点-10点",
    "8点-晚10点",
    "1点-凌晨2点",
    "5点-早8点",
    "下午5点-06:00",
    "傍晚6点-12点",
    "上午9点-5点",
    "1-5pm",
    "9am-12pm",
    "12am-11pm",
    "10:00~次日2:00",
    # Which days, which dates.
    "夏季",
    "夏季8:00~20:00，冬季8:00~18:00",
    "春节休息",
    "隔周六9:00~12:00",
    "每月第一个周一休息",
    "平日9:00~18:00，假日10:00~17:00",
    "一~五 08:00~17:00",
    "六日 9:00~17:00",
    "周一周五9:00~17:00",
    "节假日日9:00~17:00",
    "1-5 9:00~17:00",
    "周一、二十点~二十二点",
    "周一至周五",
    "全年无休",
    "休息",
    "每天休息",
    "节假日10:00~16:00",
    "9:00~18:00，周日",
    # Clauses that contradict each other, or that could go together in two ways.
    "每天9:00~18:00，周六10:00~16:00",
    "周一至周五全年无休9:00~18:00",
    "周一至周五24/7",
    "8:00~12:00，10:00~18:00",
    "24小时 8:00~22:00",
    "周三9:00~12:00；周三14:00~18:00",
    "周一至周五9:00~18:00，周一至周五休息",
    "周日休息12:00~14:00",
    "周一至周五，周日休息，9:00~18:00",
    "周一至周五，节假日休息，9:00~18:00",
    "工作日，周日休息，9:00~18:00",
    "周六营业，周日休息，9:00~18:00",
    "8:00~12:00 周一至周五 14:00~18:00",
    "周一至周五9:00~18:00（午休12:00~14:00）",
    "休息时间：12:00~14:00",
    "晚8点到凌晨2点，节假日休息",
    # Too long to be hours.
    "周一至周五" + "8:00~22:00，" * 50,
]


@pytest.mark.parametrize(("text", "expected"), CERTAIN)
def test_certain_hours_are_written_in_osm_syntax(text: str, expected: str) -> None:
    assert is_readable(expected)
    assert normalise_hours(text) == expected
    assert normalise_hours(expected) == expected


@pytest.mark.parametrize("text", UNCERTAIN)
def test_uncertain_hours_are_not_read(text: str) -> None:
    assert normalise_hours(text) is None


def test_a_lone_surrogate_is_not_read() -> None:
    assert normalise_hours("8:00~22:00\ud800") is None


PIECES = (
    *"周一二三四五六日天至到~-、，,；;:()（） \n0123456789十半点时早晚",
    *(
        "周一",
        "工作日",
        "周末",
        "每天",
        "节假日",
        "休息",
        "除外",
        "全年无休",
        "营业",
        "上午",
        "下午",
    ),
    *("凌晨", "次日", "8:00", "08:00", "12:00", "14:00", "22:00", "8点", "18点", "24小时", "24/7"),
    *("8:00-22:00", "8:00~12:00", "14:00~18:00", "20:00~02:00", "Mon-Fri", "Sa", "closed", "PH"),
)


@settings(deadline=None, max_examples=examples(400))
@given(st.text() | st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_whatever_stands_there_the_answer_can_be_read(text: str) -> None:
    found = normalise_hours(text)
    assert found is None or (is_readable(found) and normalise_hours(found) == found)
    if is_readable(text.strip()):
        assert found == text.strip()


def spoken(minute: int, *, part: bool) -> str:
    """Say a time on the 12-hour clock, with or without its part of the day."""
    names = [(360, "凌晨"), (690, "上午"), (780, "中午"), (1080, "下午"), (1440, "晚上")]
    name = next(name for until, name in names if minute < until) if part else ""
    hour, past = minute // 60 % 12 or 12, minute % 60
    return f"{name}{hour}点{'半' if past else ''}"


STYLES: tuple[Callable[[int], str], ...] = (
    lambda minute: f"{minute // 60}:{minute % 60:02}",
    lambda minute: f"{minute // 60:02}:{minute % 60:02}",
    lambda minute: f"{minute // 60}点{'半' if minute % 60 else ''}",
    lambda minute: spoken(minute, part=True),
    lambda minute: spoken(minute, part=False),
)


@given(
    st.lists(st.integers(0, 47), min_size=2, max_size=4, unique=True),
    st.sampled_from(STYLES),
    st.booleans(),
)
def test_hours_that_someone_means_are_never_read_as_others(
    half_hours: list[int], style: Callable[[int], str], night: bool
) -> None:
    minutes = [30 * half_hour for half_hour in sorted(half_hours)[: len(half_hours) // 2 * 2]]
    minutes = [*minutes[1:], minutes[0]] if night else minutes
    pairs = list(zip(minutes[::2], minutes[1::2], strict=True))
    found = normalise_hours("，".join(f"{style(start)}～{style(end)}" for start, end in pairs))
    clock = STYLES[1]
    meant = ",".join(f"{clock(start)}-{clock(end or 1440)}" for start, end in pairs)
    assert found in {None, meant}


def between(*hours: tuple[float, float]) -> Callable[[int, float], bool]:
    """Return whether it is open every day, written down without any syntax."""
    return lambda _, hour: any(start <= hour < end for start, end in hours)


def office(day: int, hour: float) -> bool:
    return day < 5 and 9 <= hour < 18


@pytest.mark.parametrize(
    ("text", "is_open"),
    [
        ("早8点-晚10点", between((8, 22))),
        ("上午8:30-12:00 下午2:00-6:00", between((8.5, 12), (14, 18))),
        ("晚8点到凌晨2点", between((0, 2), (20, 24))),
        ("22:00~6:00", between((0, 6), (22, 24))),
        ("24小时营业", between((0, 24))),
        ("周一至周五9:00-18:00", office),
        ("9:00～18:00（周末休息）", office),
        ("三~日 08:00~17:00", lambda day, hour: day >= 2 and 8 <= hour < 17),
        # Saturday's night runs into a Sunday that is closed, and no further.
        (
            "每天20:00~02:00，周日休息",
            lambda day, hour: (day != 6 and hour >= 20) or (day != 0 and hour < 2),
        ),
        (
            "周五20:00~02:00；周六10:00~18:00",
            lambda day, hour: (
                (day == 4 and hour >= 20) or (day == 5 and (hour < 2 or 10 <= hour < 18))
            ),
        ),
    ],
)
def test_the_hours_mean_what_was_written(text: str, is_open: Callable[[int, float], bool]) -> None:
    monday = datetime(2026, 11, 23, tzinfo=SHANGHAI)
    spans = read_spans(normalise_hours(text), RULES, start=monday)
    for half_hours in range(7 * 48):
        moment = monday + timedelta(minutes=30 * half_hours)
        state = next(span.state for span in spans if span.start <= moment < span.end)
        expected = is_open(moment.weekday(), moment.hour + moment.minute / 60)
        assert state is (State.OPEN if expected else State.CLOSED), moment


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("周一至周五9:00-18:00", State.OPEN),  # says nothing of holidays: the week is kept
        ("工作日9:00-18:00", State.CLOSED),
        ("工作日9:00-18:00，周末10:00-17:00", State.UNKNOWN),
        ("周一至周五9:00-18:00，节假日休息", State.CLOSED),
        ("周一至周五9:00-18:00，节假日10:00-16:00", State.OPEN),
        ("周日休息", State.UNKNOWN),  # open then, but who knows when
    ],
)
def test_a_holiday_is_what_the_text_says_of_it(text: str, state: State) -> None:
    noon = datetime(2026, 10, 1, 12, tzinfo=SHANGHAI)  # National Day, a Thursday
    spans = read_spans(normalise_hours(text), RULES, start=noon)
    assert next(span.state for span in spans if span.start <= noon < span.end) is state


@pytest.mark.realdata
def test_real_hours_of_drinking_water_in_taiwan(realdata: Path) -> None:
    path = realdata / "registers" / "taiwan_drinking_water.geojson"
    features = json.loads(path.read_text("utf-8"))["features"]
    texts = [feature["properties"].get("opening_hours") for feature in features]
    unreadable = [text for text in texts if text and not is_readable(text)]
    assert len(unreadable) == 17
    assert {text: normalise_hours(text) for text in unreadable} == {
        "06：00 - 22：00": "06:00-22:00",
        "06：00- 22：00": "06:00-22:00",
        "08：00  -  22：00": "08:00-22:00",
        "08：00 - 22：00": "08:00-22:00",
        "07:00~22:00": "07:00-22:00",
        "08:00~20:00": "08:00-20:00",
        "09:00~17:00": "09:00-17:00",
        "15:00~22:00": "15:00-22:00",
        "Mo-Fr 8:00~17:30": "Mo-Fr 08:00-17:30",
        "三~日 08:00~17:00": "We-Su 08:00-17:00",
        "09-18": None,
        "00; 00-24:00": None,
    }


@pytest.mark.realdata
def test_real_hours_of_openstreetmap(realdata: Path) -> None:
    lines = (realdata / "text" / "osm_opening_hours_distinct.txt").read_text("utf-8").splitlines()
    readable = [line for line in lines if is_readable(line)]
    assert [normalise_hours(line) for line in readable] == [line.strip() for line in readable]
    others = [line for line in lines if not is_readable(line)]
    assert len(others) == 18
    found = {line: normalise_hours(line) for line in others}
    # Only separators lack here, or a day too many stands before 24/7; the other fourteen are cut
    # off, contradict themselves, or leave an hour to guess.
    assert {line: hours for line, hours in found.items() if hours} == {
        "Mo-Fr 08:00-19:00 Sa 09:00-19:00 Su 12:00-18:00": (
            "Mo-Fr 08:00-19:00; Sa 09:00-19:00; Su 12:00-18:00"
        ),
        "We-Fr 13:00-18:00 Sa 12:00-18:00": "We-Fr 13:00-18:00; Sa 12:00-18:00",
        "Mo-Th 11:00-23:00; Fr11:00-24:00; Sa 12:00-24:00; Su 12:00-21:00": (
            "Mo-Th 11:00-23:00; Fr 11:00-24:00; Sa 12:00-24:00; Su 12:00-21:00"
        ),
        "Mo-Su 24/7": "24/7",
    }

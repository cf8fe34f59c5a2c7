"""A week's opening hours in words, Chinese and English: the only place where they are made.

Text in OpenStreetMap's syntax is for machines; pages, popups, embeds and reports say what it
means. What a text means is asked of :mod:`locator.hours`, never read from the text here: the text
only decides whether it can be said as a week at all. What cannot is passed on as it is written,
and called special.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from locator.hours import HoursRules, Span, is_readable, read_spans
from locator.schema import Language, State

DAY_MIN = 1440
_SPILL_MIN, _SPILL = (
    720,
    timedelta(hours=12),
)  # an opening that ends before the next noon is one evening's
_WEEK = 7

# An ordinary week is written with these words alone; months are handled, all else is special:
# dates, years, nth weekdays, weeks of the year, Easter, school holidays, the sun, open ends.
_DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_MONTHS = (
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
)  # fmt: skip
_ORDINARY = frozenset({*(d.casefold() for d in _DAYS), "ph", "off", "closed", "open", "unknown"})
_COMMENT = re.compile(r"\"([^\"]*)\"")
_WORD = re.compile(r"[^\W\d_]+")
_TIMES = re.compile(r"\d:\d\d|24/7|\b(?:off|closed|open|unknown)\b", re.IGNORECASE)
_SPECIAL = re.compile(
    r"\|\||\[|\+|\d\s*-?\s*days?\b"
    r"|(?<![\d:])(?:19|20)\d\d(?![\d:])"  # a year
    r"|\bPH\s*[+-]\s*\d|\bPH\s+(?:Mo|Tu|We|Th|Fr|Sa|Su)\b",
    re.IGNORECASE,
)
# Two years that hold a public holiday of China on each weekday but Sunday, and a week and its
# neighbours that hold none: what a rule says of "PH" does not depend on whose holidays they are.
_RULES = HoursRules(ZoneInfo("UTC"), "CN", {})
_YEARS = (datetime(2024, 12, 2, tzinfo=_RULES.timezone), 770)
_PLAIN = (datetime(2026, 11, 2, tzinfo=_RULES.timezone), 21)


@dataclass(frozen=True, order=True)
class Stretch:
    """Part of a day that is not closed: minutes after its midnight, the end exclusive.

    An end past :data:`DAY_MIN` is the next morning's.
    """

    start: int
    end: int
    certain: bool = True


Day = tuple[Stretch, ...]
Week = tuple[Day, ...]  # Monday first


@dataclass(frozen=True)
class Season:
    """Months (1 to 12, in their order through the year's end) and the week that holds in them."""

    months: tuple[int, ...]
    week: Week


@dataclass(frozen=True)
class WeeklyHours:
    """What a text says, as weeks.

    Attributes
    ----------
    seasons
        One for the whole year, or those of the year in order.
    holidays
        The day that holds on public holidays; None where they are as other days.
    comments
        What the text says in quotation marks, as it stands.
    """

    seasons: tuple[Season, ...]
    holidays: Day | None
    comments: tuple[str, ...]


def unknown_hours(language: Language) -> str:
    """Say that opening hours are not known."""
    return "时间未知" if language == "zh" else "Hours unknown"


def week_words(text: str | None, language: Language) -> str:
    """Say what a text of opening hours means: ``周一至周五 8:30–12:00、14:00–18:00；节假日休息``.

    Never raises; a text that is no week of hours is quoted, and said to be special or unreadable.
    """
    if not text or not text.strip():
        return unknown_hours(language)
    if not is_readable(text):
        zh, en = "开放时间无法识别，见原文：", "Unreadable hours, as written: "
        return (zh if language == "zh" else en) + text.strip()
    hours = read_week(text)
    if hours is not None:
        said = _hours_words(hours, language)
        return said[:1].upper() + said[1:]
    zh, en = "开放时间特殊，见原文：", "Special hours, as written: "
    return (zh if language == "zh" else en) + text.strip()


def day_words(stretches: Iterable[Stretch], language: Language) -> str:
    """Say one day's hours: ``8:30–12:00、14:00–18:00``, ``全天``, ``休息``."""
    parts = list(_day_parts(list(stretches), language))
    comma = "、" if language == "zh" else ", "
    return comma.join(parts) or ("休息" if language == "zh" else "closed")


def _day_parts(stretches: Sequence[Stretch], language: Language) -> Iterable[str]:
    """Yield each stretch in words; one whose end is not known, with what may follow."""
    number, zh = 0, language == "zh"
    while number < len(stretches):
        own, after = stretches[number], stretches[number + 1 : number + 2]
        number += 1
        open_end = after and own.certain and not after[0].certain and after[0].start == own.end
        if not open_end or after[0].end <= DAY_MIN:
            yield _stretch_words(own, language)
            continue
        number += 1
        if own.end == DAY_MIN:
            yield f"{clock_words(own.start)} 起" if zh else f"from {clock_words(own.start)}"
        else:
            yield _stretch_words(own, language) + (" 或更晚" if zh else " or later")


@lru_cache(maxsize=4096)
def read_week(text: str) -> WeeklyHours | None:
    """Return what a readable text says as weeks; None where it cannot be said so."""
    comments = tuple(comment.strip() for comment in _COMMENT.findall(text))
    bare = _COMMENT.sub(" ", text)
    words = {word.casefold() for word in _WORD.findall(bare)}
    by_month = bool(words & set(_MONTHS))
    if _SPECIAL.search(bare) or words - _ORDINARY - set(_MONTHS) or _only_commented(text):
        return None
    if not by_month and "ph" not in words:
        days = _days_of(text, *_PLAIN)
        week = tuple(days[_PLAIN[0].date() + timedelta(days=_WEEK + n)] for n in range(_WEEK))
        return WeeklyHours((Season(tuple(range(1, 13)), week),), None, comments)
    days = _days_of(text, *_YEARS)
    feasts = _feasts()
    near = {day + timedelta(days=n) for day in feasts for n in (-1, 0, 1)}
    seasons = _seasons({day: hours for day, hours in days.items() if day not in near})
    if seasons is None:
        return None
    on_feasts = [(day, days[day]) for day in feasts if day in days]
    week_of = {month: season.week for season in seasons for month in season.months}
    if all(hours == week_of[day.month][day.weekday()] for day, hours in on_feasts):
        return WeeklyHours(seasons, None, comments)
    kinds = {hours for _day, hours in on_feasts}
    return WeeklyHours(seasons, kinds.pop(), comments) if len(kinds) == 1 else None


def _only_commented(text: str) -> bool:
    """Tell whether some rule has a comment and neither times nor a state: it says no hours."""
    masked = _COMMENT.sub("\0", text)
    return any("\0" in rule and not _TIMES.search(rule) for rule in masked.split(";"))


def hours_by_day(spans: Iterable[Span]) -> dict[date, Day]:
    """Return the stretches that begin on each day; an evening keeps its small hours.

    A day that is closed throughout is not in it.
    """
    found: dict[date, Day] = {}
    last: Span | None = None
    for span in spans:
        evening = last is not None and _is_open_end(last, span)
        for day, stretch in _cut(span):
            if evening:  # what may last past midnight is the evening's as well
                before = day - timedelta(days=1)
                later = Stretch(stretch.start + DAY_MIN, stretch.end + DAY_MIN, certain=False)
                found[before] = (*found.get(before, ()), later)
            else:
                found[day] = (*found.get(day, ()), stretch)
            evening = False
        last = span
    return found


def _is_open_end(span: Span, following: Span) -> bool:
    """Tell whether an evening (``18:00+``) goes on, unknown how long, from midnight on."""
    known = span.state is State.OPEN and following.state is State.UNKNOWN
    midnight = following.start.hour == following.start.minute == 0
    lasts = following.end - following.start
    return known and midnight and span.start < span.end == following.start and lasts <= _SPILL


def _days_of(text: str, start: datetime, days: int) -> dict[date, Day]:
    """Return each day's stretches; the first and the last days of the window are left out."""
    found = hours_by_day(read_spans(text, _RULES, start=start, days=days))
    inside = (start.date() + timedelta(days=n) for n in range(1, days - 1))
    return {day: found.get(day, ()) for day in inside}


def _cut(span: Span) -> Iterable[tuple[date, Stretch]]:
    """Yield the parts of a span by the day they begin on."""
    if span.state is State.CLOSED:
        return
    begin, certain = span.start, span.state is State.OPEN
    while begin < span.end:
        midnight = datetime(begin.year, begin.month, begin.day, tzinfo=begin.tzinfo)
        start = int((begin - midnight).total_seconds()) // 60
        end = int((span.end - midnight).total_seconds()) // 60
        if end > DAY_MIN + _SPILL_MIN or end - start >= DAY_MIN:
            end = min(end, DAY_MIN)
        yield begin.date(), Stretch(start, end, certain)
        begin = midnight + timedelta(minutes=end)


@lru_cache(maxsize=1)
def _feasts() -> tuple[date, ...]:
    days = _days_of("PH 00:00-24:00", *_YEARS)
    return tuple(day for day, hours in days.items() if hours)


def _seasons(days: dict[date, Day]) -> tuple[Season, ...] | None:
    """Return the months that share a week, in the year's order; None where a month has no week."""
    of_month: dict[int, dict[int, Day]] = {month: {} for month in range(1, 13)}
    for day, hours in days.items():
        if of_month[day.month].setdefault(day.weekday(), hours) != hours:
            return None
    weeks = [tuple(of_month[month][n] for n in range(_WEEK)) for month in range(1, 13)]
    if len(set(weeks)) == 1:
        return (Season(tuple(range(1, 13)), weeks[0]),)
    begins = [m for m in range(12) if weeks[m] != weeks[m - 1]]  # December comes before January
    following = [*begins[1:], begins[0] + 12]
    return tuple(
        Season(tuple(month % 12 + 1 for month in range(begin, end)), weeks[begin])
        for begin, end in zip(begins, following, strict=True)
    )


def _hours_words(hours: WeeklyHours, language: Language) -> str:
    zh = language == "zh"
    separator = "；" if zh else "; "
    if len(hours.seasons) == 1:
        said = separator.join(_groups(hours.seasons[0].week, hours.holidays, language))
    else:
        parts = [
            f"{_months(season.months, language)}{'：' if zh else ': '}"
            + separator.join(_groups(season.week, None, language))
            for season in hours.seasons
        ]
        if hours.holidays is not None:
            parts.append(_holiday_words(hours.holidays, language))
        said = ("。" if zh else ". ").join(part[0].upper() + part[1:] for part in parts)
    comments = ("、" if zh else ", ").join(filter(None, hours.comments))
    if not comments:
        return said
    return f"{said}（备注：{comments}）" if zh else f"{said} (note: {comments})"


def _groups(week: Week, holidays: Day | None, language: Language) -> list[str]:
    """Return a week's days by what they share, the closed ones left out."""
    zh = language == "zh"
    if holidays is None and set(week) == {(Stretch(0, DAY_MIN),)}:
        return ["每天 24 小时" if zh else "24 hours a day"]
    groups: dict[Day, list[int]] = {}
    for number, day in enumerate(week):
        if day:
            groups.setdefault(day, []).append(number)
    parts = []
    shared = holidays is not None and len(groups.get(holidays, ())) in range(1, _WEEK)
    for day, numbers in groups.items():
        names = _day_names(numbers, language)
        if shared and day == holidays:
            names += "、节假日" if zh else ", public holidays"
        space = "" if zh and day_words(day, language).startswith("全天") else " "
        parts.append(names + space + day_words(day, language))
    if not parts:
        parts.append("不开放" if zh else "closed")
    if holidays is not None and not shared:
        parts.append(_holiday_words(holidays, language))
    return parts


def _holiday_words(holidays: Day, language: Language) -> str:
    said = day_words(holidays, language)
    if language == "zh":
        return f"节假日{'' if not holidays or said.startswith('全天') else ' '}{said}"
    return f"public holidays {said}" if holidays else "closed on public holidays"


_ZH_DAYS = tuple("周" + name for name in "一二三四五六日")
_EN_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _day_names(numbers: Sequence[int], language: Language) -> str:
    if len(numbers) == _WEEK:
        return "每天" if language == "zh" else "Every day"
    names = _ZH_DAYS if language == "zh" else _EN_DAYS
    return _ranges([(number, names[number]) for number in numbers], language)


def _months(months: Sequence[int], language: Language) -> str:
    named = [
        (place, f"{month}月" if language == "zh" else _MONTHS[month - 1].capitalize())
        for place, month in enumerate(months)
    ]
    return _ranges(named, language)


def _ranges(named: Sequence[tuple[int, str]], language: Language) -> str:
    """Join names, three or more in a row as a range: ``周一至周三、周五``."""
    runs: list[list[tuple[int, str]]] = []
    for place, name in named:
        if runs and runs[-1][-1][0] + 1 == place:
            runs[-1].append((place, name))
        else:
            runs.append([(place, name)])
    comma, dash = ("、", "至") if language == "zh" else (", ", "–")
    parts = [
        run[0][1] + dash + run[-1][1] if len(run) > 2 else comma.join(name for _place, name in run)
        for run in runs
    ]
    return comma.join(parts)


def _stretch_words(stretch: Stretch, language: Language) -> str:
    zh = language == "zh"
    doubt = "" if stretch.certain else "（不确定）" if zh else " (not certain)"
    if (stretch.start, stretch.end) == (0, DAY_MIN):
        if not stretch.certain:
            return unknown_hours(language)
        return "全天" if zh else "24 hours"
    end = clock_words(stretch.end)
    if stretch.end > DAY_MIN:
        early = clock_words(stretch.end - DAY_MIN)
        end = f"次日 {early}" if zh else f"{early} next day"
    return f"{clock_words(stretch.start)}–{end}{doubt}"


def clock_words(minutes: int) -> str:
    """Return minutes after midnight as a clock time: ``8:30``, ``24:00``."""
    return f"{minutes // 60}:{minutes % 60:02}"

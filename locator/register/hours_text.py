"""Opening hours the way people write them, to OpenStreetMap's syntax: only when it is certain.

Tokens, then clauses, with nothing left over. Where two readings are left, there is no answer:

- An hour is on the 24-hour clock where the text shows it: an hour of 13 or more or 0, a leading
  zero, a plain forenoon. 9点-6点 and 2:00~6:00 are not read, nor 12am and 12pm: people mix them up.
- 工作日 leaves out public holidays by its meaning (``PH off``); beside hours for other days it
  does not say whether holidays are like those (``PH unknown``). 周一至周五 says nothing of them.
- Closed days alone leave the other days ``unknown``; hours of holidays alone are not read.
- 三~日 can only be Wednesday to Sunday, for 日 is no number; 一~五 may be months, and is not read.
- The library cuts a night short at a rule for the day after: rules past midnight are joined by a
  comma, which adds them up, and are not read beside holidays.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from locator.hours import is_readable

_MAX_LENGTH = 300
_NOON, _ONE, _DAY = 720, 780, 1440  # minutes
_NAMES = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_WEEK, _FIVE, _TWO = frozenset(range(7)), frozenset(range(5)), frozenset({5, 6})
_PH, _HOLIDAYS = 7, frozenset({7})
_GROUPS = {"d_all": _WEEK, "d_work": _FIVE, "d_five": _FIVE, "d_end": _TWO, "d_ph": _HOLIDAYS}
_DIGITS = "零一二三四五六七八九"
_PLAIN = str.maketrans(
    "點時週禮營業開節間無務國館兩關閉∶[]【】", "点时周礼营业开节间无务国馆两关闭:    "
)
_NOTE = re.compile(r"\(([^()]*(?:[休不闭含]|除外|closed)[^()]*)\)")  # on closed days
_DASH = r"(?:[-–—―~〜∼−‐─至到]{1,2}|to|till|until)"
_HOLIDAY = r"(?:(?:国家)?(?:法定)?节假日|[法国]定假日|(?:public\ holidays?|ph)(?![a-z]))"
_ONE_DAY = r"""(?:(?:周|星期|礼拜)(?:[一二三四五六日天]|[1-7](?![0-9:点时]))
    |(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:days?)?|mo|tu|we|th|fr|sa|su)
    (?![a-z])\.?|[一二三四五六日天](?![点时十]))"""
_TIME = r"""(?P<next#>次日|翌日|第二天)?\ ?
    (?:(?P<part#>早[上晨间]?|清晨|[上中下]午|傍晚|晚[上间]?|凌晨)\ ?:?\ ?)?
    (?P<hour#>[0-9]{1,2}|(?:(?:(?<![一二三四五六日天、,&/和及与])二)?十[一二三四五六七八九]?
        |[零一二两三四五六七八九])(?=[点时]))
    (?:\ ?:\ ?(?P<clock#>[0-5][0-9])(?::00)?
        |\ ?(?P<spoken#>[点时])(?:钟|整|(?P<past#>半|[0-5]?[0-9]分|[0-5][0-9](?![点时])))?)?
    (?![0-9:])(?:\ ?(?P<half#>[ap]\.?m)(?![a-z])\.?)?"""
_TOKEN = re.compile(  # the first letter of a group's name is its letter in a clause
    rf"""(?P<gap>\ )|(?P<comma>,)|(?P<stop>[;。\n])|(?P<is>:)|(?P<paren>[()])
    |(?P<h_range>{_TIME.replace("#", "1")}\ ?(?P<dash>{_DASH})?\ ?{_TIME.replace("#", "2")})
    |(?P<h_week>(?:24/7|7\ ?[x×*]\ ?24)(?![0-9])(?:\ ?小时)?)
    |(?P<h_day>(?:24|二十四)\ ?(?:小时|时间)|24\ ?(?:hours?|hrs?|h)(?![a-z])|全天候?)
    |(?P<norest>(?:全年|年中|{_HOLIDAY})[均都]?(?:无休|不休息?|[照正]常(?:营业|开放|服务)?)
        |(?:包?含|包括){_HOLIDAY}|(?:全年)?365天)
    |(?P<d_all>(?:每天|每日|天天|daily|every\ ?day)(?![a-z]))|(?P<d_ph>{_HOLIDAY})
    |(?P<d_work>工作日)|(?P<d_five>weekdays?(?![a-z]))|(?P<d_end>(?:周末|双休日|weekends?)(?![a-z]))
    |(?P<d_days>(?:每逢|逢|每)?(?P<day1>{_ONE_DAY})(?:\ ?{_DASH}\ ?(?P<day2>{_ONE_DAY}))?)
    |(?P<label>(?:营业|开放|服务|办公|工作)时[间段]|(?:opening\ )?hours(?![a-z]))
    |(?P<off>(?:休息|[闭休]馆|公休|不营业|不开[放门]|不上班|关闭|关门|除外|休|closed|off)(?![a-z]))
    |(?P<word>(?:对外)?(?:营业|开放|服务)|open(?![a-z]))|(?P<and>[、&/和及与]|以及|and(?![a-z]))""",
    re.VERBOSE,
)
_DAYS, _HOURS = "d(?:[ac]?d)*", "h(?:[acsw]*h)*"
_CLAUSE = re.compile(
    rf"(?P<closed>{_DAYS})i?o|(?:(?P<days>{_DAYS})[acswip]*)?(?P<hours>{_HOURS})|n|^l|[acswip]"
)
_DAYS_LAST = re.compile(rf"l?i?(?P<hours>{_HOURS})p?{_DAYS}p?")  # 9:00-18:00（周一至周五）

_Tokens = Sequence[re.Match[str]]
_Ranges = Sequence[tuple[int, int]]
_Part = tuple[int, int, int]  # first and last minute it names, and how far an end may inherit it
_EARLY, _LATE = (240, 719, 0), (1020, _DAY, _DAY)
_MORNINGS = ((0, 360, 360), _EARLY, _EARLY, (300, 719, 779), (60, 719, 0))
_EVENINGS = ((660, 899, 900), (721, 1199, 1200), (960, 1199, 1200), _LATE, (_ONE, 1439, 0))
_PARTS = dict(zip("凌早清上a中下傍晚p", _MORNINGS + _EVENINGS, strict=True))


class _UncertainError(Exception):
    """The text has no reading, or more than one."""


class _Time(NamedTuple):
    """A time as written; ``kind`` is clock, spoken or bare."""

    kind: str
    minutes: int
    padded: bool
    part: _Part | None
    next_day: bool

    def within_part(self) -> int:
        half = self.minutes % _NOON
        readings = (half, half + _NOON, half + _DAY) if self.minutes < _ONE else (self.minutes,)
        for reading in readings:
            if self.part and self.part[0] <= reading <= self.part[1]:
                return reading
        raise _UncertainError

    def in_24h(self) -> bool:
        midnight = self.kind == "clock" and not self.part and self.minutes < 60
        return midnight or self.minutes >= _ONE


def normalise_hours(text: str) -> str | None:
    """Return opening hours that people wrote in OpenStreetMap's syntax.

    Parameters
    ----------
    text
        What stands in the cell. A text that can be read already comes back as it is, stripped.

    Returns
    -------
    str or None
        Hours that can be read; None where the meaning is not certain.
    """
    stripped = text.strip()
    if re.search("[\ud800-\udfff]", stripped):
        return None
    if is_readable(stripped):
        return stripped
    try:
        written = _write(_scan(stripped))
    except _UncertainError:
        return None
    return written if is_readable(written) else None


def _scan(text: str) -> _Tokens:
    """Fold full-width and traditional forms, and cut into tokens that leave nothing over."""
    folded = unicodedata.normalize("NFKC", text).lower().translate(_PLAIN)
    folded = re.sub(r"(?:[^\S\n]|[\u200b\ufeff])+", " ", folded)
    footnote = any(char.isdigit() and not char.isdecimal() for char in text)  # ¹ is no hour's digit
    if footnote or len(folded) > _MAX_LENGTH or folded.count("(") != folded.count(")"):
        raise _UncertainError
    folded = ";".join([_NOTE.sub(" ", folded), *_NOTE.findall(folded)])
    if _TOKEN.sub("", folded):
        raise _UncertainError
    return [token for token in _TOKEN.finditer(folded) if not token["gap"]]


def _time(token: re.Match[str], which: str) -> _Time:
    """Read the first or the second time of a range."""
    part, text, clock, spoken, past, half = (
        token[name + which] for name in ("part", "hour", "clock", "spoken", "past", "half")
    )
    tens, ten, ones = text.replace("两", "二").rpartition("十")
    in_han = 10 * (_DIGITS.find(tens) or len(ten)) + _DIGITS.find(ones)
    past = "30" if past == "半" else (clock or past or "0").rstrip("分")
    minutes = 60 * (int(text) if text.isdecimal() else in_han) + int(past)
    if minutes > _DAY or (part and half):
        raise _UncertainError
    named = _PARTS[(part or half)[0]] if part or half else None
    kind = "clock" if clock else "spoken" if spoken or named else "bare"
    return _Time(kind, minutes, text[0] == "0", named, token[f"next{which}"] is not None)


def _start(start: _Time, end: _Time, *, writer_24h: bool) -> int:
    """Return the minute a range starts at."""
    if start.part:
        return start.within_part()
    plain = start.minutes
    if plain < 60 or start.in_24h() or end.in_24h():
        certain = True
    elif end.next_day:
        certain = start.padded
    elif end.part:  # certain where the start in the evening would lie past the end
        certain = plain < _NOON <= end.within_part() <= plain + _NOON
    else:
        earliest = 0 if start.padded else 300 if writer_24h else 480
        certain = plain >= earliest and (writer_24h or start.kind == "clock")
    if not certain:
        raise _UncertainError
    return plain


def _end(at: int, start: _Time, end: _Time) -> int:
    """Return the minute a range that starts at ``at`` ends at; past midnight it exceeds 1440."""
    plain = end.within_part() if end.part else end.minutes
    in_24h = plain if plain > at else plain + _DAY
    on_dial = at + 1 + (plain - at - 1) % _NOON  # the next such hour on a clock face
    if end.next_day or (end.part and plain <= at and end.part != start.part):
        return plain + _DAY if plain <= _NOON else at
    if end.part or plain >= _ONE or (not start.part and at < _ONE and plain >= 60):
        return plain
    if (plain < 60 and plain != at) or (plain >= 60 and end.padded and not start.part):
        return in_24h
    inherits = start.part and on_dial <= start.part[2] and start.padded >= end.padded
    if inherits or (at >= _NOON and on_dial == in_24h):
        return on_dial
    raise _UncertainError


def _range(token: re.Match[str], *, writer_24h: bool) -> tuple[int, int]:
    if not token["h_range"]:
        return 0, _DAY
    start, end = _time(token, "1"), _time(token, "2")
    joined = token["dash"] or (start.part, end.part) == (_EARLY, _LATE)  # 早9晚6
    bare = "bare" in {start.kind, end.kind} and end.kind != "spoken"  # 09-18, but not 9-18点
    if not joined or bare or start.next_day:
        raise _UncertainError
    at = _start(start, end, writer_24h=writer_24h)
    until = _end(at, start, end)
    if not at < until <= at + _DAY or at >= _DAY:
        raise _UncertainError
    return at, until


def _hours(tokens: _Tokens, *, writer_24h: bool) -> _Ranges:
    """Return the ranges of one day, in order."""
    found = [_range(t, writer_24h=writer_24h) for t in tokens if str(t.lastgroup)[0] == "h"]
    if set(found) == {(0, _DAY)}:
        return found[:1]  # 全天24小时
    before = [found[-1][1] - _DAY, *(end for _, end in found[:-1])]
    if any(at < end for (at, _), end in zip(found, before, strict=True)):
        raise _UncertainError
    return found


def _days(tokens: _Tokens) -> frozenset[int]:
    """Return the days of a list; none named is every day."""
    found = new = frozenset[int]()
    for token in tokens:
        beside_many = len(new) > 2
        new = _GROUPS.get(str(token.lastgroup), frozenset())
        if token["day1"]:
            first, last = (_day(token[name] or token["day1"]) for name in ("day1", "day2"))
            bare = token["day1"] in "一二三四五六日天" and token["day2"] != "日"
            stray = bare and not (found and tokens[0]["day1"])
            if stray or (token["day2"] and first == last):
                raise _UncertainError
            new = frozenset((first + step) % 7 for step in range((last - first) % 7 + 1))
        if new and beside_many:
            raise _UncertainError
        found |= new
    gap = len(tokens) == len(found) == 2 and max(found) - min(found) > 1  # 周一周五
    if gap or (_PH in found and not found <= _TWO | _HOLIDAYS):
        raise _UncertainError  # the second: 周一至周五，节假日休息，9:00-18:00
    return found or _WEEK


def _day(text: str) -> int:
    place = "一二三四五六日1234567".find(text[-1].replace("天", "日"))
    return place % 7 if place >= 0 else _NAMES.index(text[:2].title())


def _read(tokens: _Tokens) -> tuple[list[tuple[frozenset[int], _Ranges]], frozenset[int]]:
    """Read the clauses: days with their hours, holidays last, and closed days."""
    writer_24h = any(_time(t, which).in_24h() for t in tokens if t["h_range"] for which in "12")
    letters = "".join(str(token.lastgroup)[0] for token in tokens)
    if late := _DAYS_LAST.fullmatch(letters):
        cut, end = late.span("hours")
        tokens, letters = [*tokens[end:], *tokens[cut:end]], letters[end:] + letters[cut:end]
    opens: list[tuple[frozenset[int], _Ranges]] = []
    closed = frozenset[int]()
    if _CLAUSE.sub("", letters):
        raise _UncertainError
    for clause in _CLAUSE.finditer(letters):
        if closed and clause[0][0] == "h" and letters[clause.start() - 1] not in "cs":
            raise _UncertainError  # 周日休息12:00-14:00
        who, off, hours = (tokens[slice(*clause.span(n))] for n in ("days", "closed", "hours"))
        rest = _days(off) if off else frozenset()
        if len(rest) > 2 and "c" in clause["closed"] and not rest <= _TWO | _HOLIDAYS:
            raise _UncertainError  # 周一至周五，周日休息，9:00-18:00
        closed |= rest
        opens += [(_days(who), _hours(hours, writer_24h=writer_24h))] if hours else []
    return sorted(opens, key=lambda clause: _PH in clause[0]), closed


def _write(tokens: _Tokens) -> str:
    """Write the clauses as rules, none of which the library lets another one spoil."""
    kinds = {token.lastgroup for token in tokens}
    opens, closed = _read(tokens)
    named = frozenset[int]().union(*(days for days, _ in opens))
    no_rest, workdays = not kinds.isdisjoint({"norest", "h_week"}), "d_work" in kinds
    nights = any(end > _DAY for _, ranges in opens for _, end in ranges)
    if (
        named == _HOLIDAYS
        or sum(len(days) for days, _ in opens) > len(named)
        or any(days <= closed or _PH in days & closed for days, _ in opens)
        or (nights and (workdays or _PH in named | closed))
        or (no_rest and (closed or workdays or not named >= _WEEK))
        or (not opens and (workdays or not closed or closed >= _WEEK))
    ):
        raise _UncertainError
    rules = [_rule(days - closed, ranges) for days, ranges in opens] or ["unknown"]
    rules += [f"{_names(closed)} off"] if closed and not nights else []
    if workdays and _PH not in named | closed:
        rules.append("PH off" if named <= _FIVE else "PH unknown")
    return (", " if nights else "; ").join(rules)


def _names(days: frozenset[int]) -> str:
    week = "".join("x" if day in days else " " for day in range(7))
    runs = [_NAMES[run.start() : run.end()] for run in re.finditer("x+", week)]
    texts = [f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(run) for run in runs]
    return ",".join(texts + ["PH"] * (_PH in days))


def _rule(days: frozenset[int], ranges: _Ranges) -> str:
    times = [(at, end - _DAY if end > _DAY else end) for at, end in ranges]
    hours = ",".join(f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in times)
    return hours.replace("00:00-24:00", "24/7") if days == _WEEK else f"{_names(days)} {hours}"

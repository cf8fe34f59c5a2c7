"""What a popup says: rows of frames to pairs of a term and a text, in one language.

Every number, date and code becomes words here, so that the browser has only text to show. An
unknown is either said in words or left out; it is never ``nan`` or ``None``.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, TypeVar

import pandas as pd

from locator.hours_words import week_words
from locator.maps.model import MapOptions
from locator.maps.words import (
    LABELS,
    NO_SERVICES,
    NOT_COMPUTED,
    NOT_VERIFIED,
    PER_HOUR,
    SPANS,
    say,
)
from locator.schema import (
    Amenity,
    LabelledEnum,
    Language,
    Platform,
    Provenance,
    Status,
    ZoneKind,
    split_set,
)

Row = Mapping[str, Any]
Fact = tuple[str, str]  # a key of words.FACTS and a text

# What a popup says where the page around the map says the rest.
_BESIDE_A_LIST = frozenset({"notice", "status", "opening_hours", "platforms", "access"})

_KM_FROM_M = 1_000
_KM2_FROM_M2 = 100_000

_Code = TypeVar("_Code", bound=LabelledEnum)


def clean_text(value: Any) -> str:  # noqa: ANN401 - a cell of a frame is anything
    """Return a cell as text; null is the empty text."""
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a column of whole numbers with a gap arrives as floats
    # A lone surrogate cannot be written as UTF-8 and would lose the whole page.
    return str(value).encode("utf-8", "replace").decode("utf-8").strip()


def number_of(value: Any) -> float | None:  # noqa: ANN401
    """Return a cell as a finite number; anything else is None."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if abs(number) < float("inf") else None


def code_of(value: object, enum: type[_Code]) -> _Code | None:
    """Return a cell as a member of an enum; anything else is None."""
    text = clean_text(value)
    return next((member for member in enum if member.value == text), None)


def label_of(value: object, enum: type[LabelledEnum], language: Language) -> str:
    """Return the label of a cell's code; a code that is not known stays as it is."""
    member = code_of(value, enum)
    return member.label(language) if member is not None else clean_text(value)


def station_facts(row: Row, options: MapOptions) -> list[Fact]:
    """Return what a station's popup says below its name, kind and state."""
    language = options.language
    unknown = say(LABELS["unknown"], language)
    status = code_of(row.get("status"), Status)
    shown = "" if status in {None, Status.ACTIVE} else label_of(status, Status, language)
    facts = [
        ("notice", _notice(row, options)),
        ("status", shown),
        ("opening_hours", week_words(clean_text(row.get("opening_hours")), language)),
        ("services", _services(row.get("services"), language)),
        ("platforms", _labels(row.get("platforms"), Platform, language)),
        ("access", clean_text(row.get("access"))),
        ("address", clean_text(row.get("address"))),
        ("entrance_note", clean_text(row.get("entrance_note"))),
        ("phone", clean_text(row.get("phone"))),
        ("last_verified", clean_text(row.get("last_verified")) or say(NOT_VERIFIED, language)),
        ("provenance", label_of(row.get("provenance"), Provenance, language) or unknown),
        ("source", clean_text(row.get("source"))),
    ]
    if options.for_list:
        facts = [(term, text) for term, text in facts if term in _BESIDE_A_LIST]
    return [(term, text) for term, text in facts if text]


def zone_facts(row: Row, language: Language) -> list[Fact]:
    """Return what a hot zone's popup says below its name and kind."""
    unknown = say(LABELS["unknown"], language)
    facts = [("demand_per_h", _demand(row.get("demand_per_h"), language) or unknown)]
    if "covered_share" in row:
        share = number_of(row["covered_share"])
        facts.append(
            ("covered_share", say(NOT_COMPUTED, language) if share is None else f"{share:.0%}")
        )
    facts += [
        ("provenance", label_of(row.get("provenance"), Provenance, language) or unknown),
        ("source", clean_text(row.get("source"))),
    ]
    return [(term, text) for term, text in facts if text]


def gap_facts(row: Row, language: Language) -> list[Fact]:
    """Return what a gap's popup says below its rank and zone."""
    unknown = say(LABELS["unknown"], language)
    nearest = [clean_text(row.get("nearest_station_name")), _distance(row.get("nearest_m"))]
    facts = [
        ("unserved_demand_per_h", _unserved(row, language) or unknown),
        ("nearest_station_name", " · ".join(text for text in nearest if text) or unknown),
        ("area_m2", _area(row.get("area_m2"))),
        ("district_name", clean_text(row.get("district_name"))),
    ]
    return [(term, text) for term, text in facts if text]


def gap_name(row: Row, language: Language) -> str:
    """Return what a gap is called: its rank and the zone it lies in."""
    rank = number_of(row.get("rank"))
    name = say(LABELS["gap"], language)
    if rank is not None:
        word = LABELS["area_ranked" if "gaps" in row else "gap_ranked"]
        name = say(word, language).format(n=int(rank))
    zone = clean_text(row.get("zone_name")) or clean_text(row.get("zone_id"))
    return f"{name} · {zone}" if zone else name


def zone_kind(row: Row, language: Language) -> str:
    """Return the label of a hot zone's kind."""
    return label_of(row.get("kind"), ZoneKind, language)


def _notice(row: Row, options: MapOptions) -> str:
    text = clean_text(row.get("notice"))
    begins, ends = clean_text(row.get("notice_from")), clean_text(row.get("notice_until"))
    if not text:
        return ""
    if options.day is not None:  # ISO dates compare as text
        today = options.day.isoformat()
        if (begins and today < begins) or (ends and today > ends):
            return ""
    if not begins and not ends:
        return text
    which = "during" if begins and ends else "since" if begins else "until"
    return f"{text}\n{say(SPANS[which], options.language).format(begins=begins, ends=ends)}"


def _services(value: object, language: Language) -> str:
    if not isinstance(value, str):
        return say(LABELS["unknown"], language)
    return _labels(value, Amenity, language) or say(NO_SERVICES, language)


def _labels(value: object, enum: type[LabelledEnum], language: Language) -> str:
    """Return a set's members in the order of their enum; others follow as they are written."""
    given = split_set(value)
    known = [member.label(language) for member in enum if member.value in given]
    return " · ".join(known + sorted(given - {member.value for member in enum}))


def _demand(value: object, language: Language) -> str:
    number = number_of(value)
    if number is None:
        return ""
    return say(PER_HOUR, language).format(n=f"{number:,.1f}".removesuffix(".0"))


def _unserved(row: Row, language: Language) -> str:
    """Return the unserved demand: orders an hour, or that of points without an hour."""
    points = number_of(row.get("unserved_demand"))
    if points is not None:
        return f"{points:,.1f}".removesuffix(".0")
    return _demand(row.get("unserved_demand_per_h"), language)


def _distance(value: object) -> str:
    metres = number_of(value)
    if metres is None:
        return ""
    return f"{metres / 1000:.1f} km" if metres >= _KM_FROM_M else f"{metres:.0f} m"


def _area(value: object) -> str:
    area = number_of(value)
    if area is None:
        return ""
    if area >= _KM2_FROM_M2:
        return f"{area / 1_000_000:.2f} km²"
    return f"{area:,.0f} m²"

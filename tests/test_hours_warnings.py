"""Hours that can be read and may not be meant: an import takes them and says so."""

from pathlib import Path

import pytest

from locator.register.hours_warnings import hours_warnings
from tests.test_register import read

CUT = "ends the night of Fr at midnight instead of 02:00, because a later rule is for the day after"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Fr 20:00-02:00; Sa 10:00-18:00", CUT),
        ("Mo-Fr 11:00-02:00; Sa-Su 12:00-02:00", CUT),
        ("Mo-Su 22:00-06:00; PH off", "ends the night before a public holiday at midnight"),
        ("Jun 20:00-02:00; Jul 20:00-22:00", "ends the night before 2026-07-01 at midnight"),
        ("9:00-5:00", "lasts 20 hours, till the next morning; is 9:00-17:00 meant?"),
        ("Mo-Fr 08:30-05:30", "is 08:30-17:30 meant?"),
        ("Fr 20:00-02:00, Sa 10:00-18:00", None),
        ("Sa-Su 12:00-02:00; Fr 10:00-18:00", None),
        ("20:00-02:00", None),
        ("24/7; PH off", None),
        ("10:00-04:00", None),
        ("06:00-02:00", None),
        ("7:00-8:00", None),
        ("9:00-5:00+", None),
        ('10:00-18:00 open "9:00-5:00"', None),
    ],
)
def test_what_is_doubtful_is_said(text: str, said: str | None) -> None:
    warnings = hours_warnings(text)
    assert len(warnings) == (said is not None)
    assert said is None or said in warnings[0]


def test_an_import_names_the_row(tmp_path: Path) -> None:
    rows = ("Fr 20:00-02:00; Sa 10:00-18:00", "9:00-18:00", "9:00-5:00")
    lines = [f'{n},站,rest_post,107.15,34.37,"{hours}"' for n, hours in enumerate(rows)]
    found = read(tmp_path, "\n".join(["id,name,kind,lon,lat,opening_hours", *lines]))
    assert [(w.row, w.column) for w in found.warnings] == [
        (2, "opening_hours"),
        (4, "opening_hours"),
    ]
    assert CUT in found.warnings[0].reason
    assert list(found.stations["opening_hours"]) == list(rows)

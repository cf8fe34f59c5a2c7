"""What schemathesis cannot know of ``/ogc``: texts of our own formats, made by their rules."""

import base64
from contextlib import suppress
from datetime import date

import schemathesis
from hypothesis import strategies as st

MARK = base64.urlsafe_b64encode(b'[[],[],"BJ-R-010",false]').decode().rstrip("=")
DAYS = st.dates().map(lambda day: day.isoformat())
LASTING = st.dates(date(1900, 1, 1), date(2100, 1, 1)).map(lambda day: f"P1M/{day}")
FILTERS = [
    "name LIKE '%站%'",
    "id IN ('BJ-S-01', 'it''s') AND NOT (name = 'x' OR source IS NULL)",
    "S_INTERSECTS(geometry, BBOX(1,2,3,4))",
    "T_AFTER(updated_at, DATE('2020-01-01'))",
]

schemathesis.openapi.format("cql2-text", st.sampled_from(FILTERS))
schemathesis.openapi.format(
    "ogc-interval", st.one_of(DAYS, DAYS.map(lambda day: f"{day}/.."), LASTING)
)
schemathesis.openapi.format("mark", st.just(MARK))


@schemathesis.hook
def before_call(_context: object, case: schemathesis.Case, **_: object) -> None:
    """Two rules that a schema cannot say: a mark belongs to its order, south lies below north."""
    query = case.query or {}
    if query.get("page") == MARK:
        query.pop("sortby", None)
    bbox = query.get("bbox")
    if isinstance(bbox, str | list):
        with suppress(ValueError):
            sides = bbox.split(",") if isinstance(bbox, str) else bbox
            ordered = sorted(float(side) for side in sides)
            query["bbox"] = ",".join(map(repr, ordered)) if isinstance(bbox, str) else ordered

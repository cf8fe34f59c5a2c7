"""What was changed, by whom and when; the register as it was; and taking a change back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import geopandas as gpd
import shapely

from locator.errors import ConflictError, InputError
from locator.schema import LAYERS, Layer, Status
from locator.store.base import AuditRow, Cell, Change, Record, Revision, Store, history_of, stamp_of
from locator.store.records import find_layer, make_frame
from locator.store.tables import geometry_wkb
from locator.store.text import any_broken, is_broken

_NOT_SHOWN = frozenset({"updated_at", "geom"})  # "when" says the one, lon and lat the other
_NUMBERS = 2**63  # SQLite counts no further


@dataclass(frozen=True)
class FieldChange:
    """One field of one row, changed.

    Attributes
    ----------
    number
        Number of the change in the history, which :func:`undo` takes.
    when
        Moment of the change, in UTC.
    who
        Who made it; ``outside`` for an edit that did not come through this program.
    action
        ``insert``, ``update`` or ``delete``.
    field
        Name of the column; ``lon`` and ``lat`` of a point, ``geometry`` (WKT) of an area.
    before, after
        Its values; None is unknown, or the row was not there.
    """

    number: int
    when: datetime
    who: str
    action: str
    field: str
    before: Cell
    after: Cell


def read_log(store: Store, layer: str, feature_id: str) -> list[FieldChange]:
    """Return every change of every field of a row, oldest first.

    Raises
    ------
    InputError
        There is no such layer, or the row never was.
    StoreError
        The store keeps no history.
    """
    spec, history = find_layer(layer), history_of(store)
    rows = [] if is_broken(feature_id) else history.audit(layer=layer, feature_id=feature_id)
    if not rows:
        raise InputError(f"The history of {layer} knows no {feature_id!r}; check the id.")
    return [change for row in rows for change in _field_changes(spec, row)]


def _field_changes(spec: Layer, row: AuditRow) -> list[FieldChange]:
    before, after = _shown(spec, row.before), _shown(spec, row.after)
    when = datetime.fromisoformat(row.at)
    return [
        FieldChange(
            row.number, when, row.actor, row.action, name, before.get(name), after.get(name)
        )
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name)
    ]


def _shown(spec: Layer, text: str | None) -> dict[str, Cell]:
    if text is None:
        return {}
    values: dict[str, Cell] = json.loads(text)
    shown = {name: value for name, value in values.items() if name not in _NOT_SHOWN}
    if spec.geometry_type != "Point":
        wkb = _wkb(values)
        shown["geometry"] = None if wkb is None else shapely.to_wkt(shapely.from_wkb(wkb))
    return shown


def _wkb(values: Mapping[str, Cell]) -> bytes | None:
    """Return a row's geometry; rows of the first schema hold a point as lon and lat only."""
    text = values.get("geom")
    if isinstance(text, str) and text:
        blob = bytes.fromhex(text)
        return geometry_wkb(blob) if blob[:2] == b"GP" else blob
    lon, lat = values.get("lon"), values.get("lat")
    if isinstance(lon, int | float) and isinstance(lat, int | float):
        return bytes(shapely.to_wkb(shapely.Point(lon, lat), byte_order=1))
    return None


def read_as_of(store: Store, layer: str, moment: datetime) -> gpd.GeoDataFrame:
    """Return a layer as it was after the last change that was made at or before a moment.

    The changes since are taken back, the newest first, in the order they were made: a clock that
    went back does not turn them round. Rows without an id have no history and are left out.

    Raises
    ------
    InputError
        There is no such layer, or the moment has no time zone.
    """
    spec = find_layer(layer)
    if moment.tzinfo is None:
        raise InputError(f"The moment {moment.isoformat()} needs a time zone, such as +08:00.")
    records, rows = history_of(store).read_since(layer, stamp_of(moment))
    state = {str(record["id"]): record for record in records if record["id"] is not None}
    for row in reversed(rows):
        if row.after is not None:
            state.pop(str(json.loads(row.after)["id"]), None)
        if row.before is not None:
            record = _record(spec, row.before)
            state[str(record["id"])] = record
    kept = [
        state[i]
        for i in sorted(state)
        if state[i]["geom"] is not None and not any_broken(state[i].values())
    ]
    return make_frame(layer, kept)


def read_stations_as_of(store: Store, moment: datetime, *, now: datetime) -> gpd.GeoDataFrame:
    """Return the stations as they were at a moment that the history has; see :func:`read_as_of`.

    Raises
    ------
    InputError
        The moment lies in the future or has no time zone, or the history has no station of then.
    """
    if moment.tzinfo is not None and moment > now:
        raise InputError(f"{moment:%Y-%m-%d %H:%M} lies in the future; name a past moment.")
    stations = read_as_of(store, "stations", moment)
    if stations.empty:
        raise InputError(
            f"The history has no station of {moment:%Y-%m-%d %H:%M}; {_beginning(store, moment)}."
        )
    return stations


def _beginning(store: Store, moment: datetime) -> str:
    """Say when the history of the stations begins, in a moment's time zone."""
    _, rows = history_of(store).read_since("stations", "")
    if not rows:
        return "it is empty"
    first = datetime.fromisoformat(rows[0].at).astimezone(moment.tzinfo)
    # The minute after: a moment of the minute itself may lie before the change.
    first = first.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return f"it begins at {first:%Y-%m-%d %H:%M}: name that moment or a later one"


def _record(spec: Layer, text: str) -> Record:
    values: dict[str, Cell] = json.loads(text)
    return {"geom": _wkb(values)} | {name: values.get(name) for name in spec.column_names}


def undo(store: Store, audit_number: int, *, actor: str) -> Revision:
    """Give a row the values it had before one change.

    A station whose insertion is undone is closed and not deleted, because ids are never used
    again; a row of a layer that knows no status is removed. ``updated_at`` becomes the moment of
    the undoing, which is a change like any other and can be undone.

    Raises
    ------
    InputError
        There is no such change.
    ConflictError
        The row has changed since; nothing was written.
    """
    history = history_of(store)
    numbers = [audit_number] if 0 < audit_number < _NUMBERS else []
    found = [row for n in numbers for row in history.audit(number=n) if row.layer in LAYERS]
    if not found:
        raise InputError(f"There is no change {audit_number}; see 'locator stations log ID'.")
    row = found[0]
    return store.apply(_opposite(row), actor=actor)


def _opposite(row: AuditRow) -> Change:
    spec = LAYERS[row.layer]
    text = row.before if row.before is not None else row.after
    if text is None:
        raise InputError(f"The change {row.number} holds no values; it cannot be undone.")
    record = _record(spec, text)
    if any_broken(record.values()):
        raise InputError(
            f"The change {row.number} holds bytes that are not UTF-8; run 'locator doctor --mend' "
            "first."
        )
    frame = make_frame(row.layer, [record])
    now = None if row.after is None else json.loads(row.after)["id"]
    if row.before is not None and now is not None and now != record["id"]:
        raise ConflictError(
            f"The change {row.number} turned the id {record['id']!r} into {now!r}; "
            "give the row its id back in QGIS."
        )
    if row.before is not None:
        return Change(row.layer, frame, unchanged_since=row.number)
    if "status" not in spec.column_names:
        gone = (str(record["id"]),)
        return Change(row.layer, frame.iloc[:0], removals=gone, unchanged_since=row.number)
    closed = frame.assign(status=Status.CLOSED.value)
    return Change(row.layer, closed, unchanged_since=row.number)

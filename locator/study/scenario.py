"""Reading a scenario: a small YAML file, in the words of the register."""

import collections.abc as cabc
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import yaml

from locator.coverage import Scenario
from locator.datum import to_wgs84
from locator.errors import InputError, RegisterError
from locator.hours import is_readable
from locator.register import Mapping, Table, parse_table
from locator.register.coordinates import PAIR_FIELD
from locator.register.grid import Row
from locator.register.mapping import rename_columns, station_fields
from locator.register.rows import parse_position
from locator.schema import (
    CRS,
    LAYERS,
    POSITION_DECIMALS,
    SET_SEPARATOR,
    Amenity,
    Datum,
)

KEYS = ("name", "datum", "close", "open", "hours", "services", "move", "add")
_MAX_BYTES = 1_000_000


def read_scenario(path: Path) -> Scenario:
    """Read a scenario file; see docs/planner.md for its keys.

    Raises
    ------
    InputError
        The file cannot be read or is not YAML, or an entry is wrong; names the entry.
    """
    return parse_scenario(read_short(path), source=path.name)


def read_short(path: Path) -> str:
    """Read a file that a person writes by hand.

    Raises
    ------
    InputError
        It cannot be read, is not UTF-8, or is no short file.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path.name} is larger than 1 MB; it should be a short list.")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not UTF-8; save it as UTF-8.") from error


def parse_scenario(text: str, *, source: str) -> Scenario:
    """Read a scenario from YAML text; every value is text, so that ``off`` and ``24/7`` stay so.

    Raises
    ------
    InputError
        Names the entry that is wrong.
    """
    # The base loader makes texts, lists and maps of YAML, and nothing else.
    return scenario_of(load_yaml(text, source, yaml.BaseLoader), source=source)


def scenario_of(given: object, *, source: str) -> Scenario:
    """Read a scenario from texts, lists and maps, as a file or a page gives them.

    Parameters
    ----------
    given
        The keys of a scenario file; every value that is not a list or a map is a text.
    source
        What messages call it.

    Raises
    ------
    InputError
        Names the entry that is wrong.
    """
    if not isinstance(given, dict):
        raise InputError(f"{source} needs keys such as close, open, hours, move, add.")
    unknown = [str(key) for key in given if key not in KEYS]
    if unknown:
        raise InputError(f"{source}: {unknown[0]!r} is not one of {', '.join(KEYS)}.")
    if not any(value for key, value in given.items() if key not in {"name", "datum"}):
        raise InputError(
            f"{source} changes nothing; it needs close, open, hours, services, move or add."
        )
    datum = _datum(given.get("datum", "wgs84"), source)
    return Scenario(
        name=_text(given.get("name", Path(source).stem), "name", source),
        close=_ids(given, "close", source),
        reopen=_ids(given, "open", source),
        hours={i: _text(v, f"hours of {i}", source) for i, v in _pairs(given, "hours", source)},
        services={i: _services(v, i, source) for i, v in _pairs(given, "services", source)},
        move={i: _place(v, i, source, datum) for i, v in _pairs(given, "move", source)},
        add=_added(given["add"], source, datum) if given.get("add") else None,
    )


def load_yaml(
    text: str, source: str, kind: type[yaml.BaseLoader] | type[yaml.SafeLoader]
) -> object:
    """Return what YAML holds; a key that stands twice is refused, not overwritten.

    Raises
    ------
    InputError
        It is not YAML, with the line, or a key stands twice.
    """
    try:
        loader = kind(text)
        try:
            root = loader.get_single_node()
            _refuse_twice(root, source)
            return None if root is None else loader.construct_document(root)
        finally:
            loader.dispose()
    except (yaml.YAMLError, RecursionError) as error:
        place = getattr(error, "problem_mark", None)
        where = f" (line {place.line + 1})" if place else ""
        raise InputError(f"{source} is not YAML{where}; see docs/planner.md.") from error


def _refuse_twice(root: yaml.Node | None, source: str) -> None:
    """Refuse a map in which a key stands twice; an anchor's map is looked at once."""
    waiting, seen = [root] if root else [], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            keys = set()
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value in keys:
                    line = key.start_mark.line + 1
                    raise InputError(
                        f"{source}: {key.value!r} stands twice (line {line}); leave one."
                    )
                keys.add(key.value if isinstance(key, yaml.ScalarNode) else None)
                waiting.append(value)


def _datum(value: object, source: str) -> Datum:
    try:
        return Datum.parse(_text(value, "datum", source))
    except ValueError as error:
        raise InputError(f"{source}: datum {value!r}: {error}") from error


def _text(value: object, what: str, source: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{source}: {what} must be a text.")
    return value.strip()


def _ids(given: cabc.Mapping[str, object], key: str, source: str) -> tuple[str, ...]:
    value = given.get(key) or []
    if not isinstance(value, list):
        raise InputError(f"{source}: {key} must be a list of ids, such as [BJ-R-001, BJ-R-002].")
    return tuple(_text(item, f"each entry of {key}", source) for item in value)


def _pairs(given: cabc.Mapping[str, object], key: str, source: str) -> list[tuple[str, object]]:
    value = given.get(key) or {}
    if not isinstance(value, dict):
        raise InputError(f"{source}: {key} must name ids, such as {{BJ-R-001: …}}.")
    return [(_text(identity, f"an id of {key}", source), item) for identity, item in value.items()]


def _services(value: object, identity: str, source: str) -> frozenset[str]:
    names = value if isinstance(value, list) else [value]
    try:
        return frozenset(
            Amenity.parse(_text(name, f"services of {identity}", source)).value for name in names
        )
    except ValueError as error:
        raise InputError(f"{source}: services of {identity}: {error}") from error


def _place(value: object, identity: str, source: str, datum: Datum) -> tuple[float, float]:
    parts = value if isinstance(value, list) else []
    cells = {
        axis: part
        for axis, part in zip(("lon", "lat"), parts, strict=False)
        if isinstance(part, str)
    }
    if len(parts) != 2 or len(cells) != 2:
        raise InputError(f"{source}: move of {identity} must be [longitude, latitude].")
    lonlat, faults = parse_position(Row(1, cells), cells, {}, datum)
    if faults:
        fault = faults[0]
        where = f"{source}: move of {identity}: {fault.column} {fault.value!r}"
        raise InputError(f"{where} {_ended(fault.reason)}")
    x, y = to_wgs84(np.array([lonlat["lon"]]), np.array([lonlat["lat"]]), datum)
    return round(float(x[0]), POSITION_DECIMALS), round(float(y[0]), POSITION_DECIMALS)


def _ended(reason: str) -> str:
    """Return a reason as the end of a sentence, with advice that fits a scenario."""
    words = reason.replace(", --crs EPSG:n for a projection's", "").replace("--datum ", "datum: ")
    return words if words.endswith("?") else f"{words}."


def _added(value: object, source: str, datum: Datum) -> gpd.GeoDataFrame:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise InputError(f"{source}: add must be a list of stations, each with id, name, kind, …")
    frames = []
    known: dict[str, int] = {}
    for number, item in enumerate(value, start=1):
        frame = _station(item, number, source, datum)
        identity = str(frame["id"].iloc[0])
        if identity in known:
            raise InputError(
                f"{source}: add, station {number}, id {identity!r}: stands already in station "
                f"{known[identity]}."
            )
        known[identity] = number
        frames.append(frame)
    return gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), geometry="geometry", crs=CRS)


def _check_complete(table: Table, where: str) -> None:
    """Refuse a station that lacks what every station needs, before a register's advice is given."""
    columns, _ = rename_columns(table, Mapping(), station_fields())
    place = () if PAIR_FIELD in columns else ("lon", "lat")
    needed = [*LAYERS["stations"].required, *place]
    if missing := [name for name in needed if name not in columns]:
        raise InputError(
            f"{table.source}: {where} lacks {', '.join(missing)}; it has {', '.join(columns)}."
        )


def _station(
    item: cabc.Mapping[object, object], number: int, source: str, datum: Datum
) -> gpd.GeoDataFrame:
    """Return one added station, read as a row of a register would be."""
    where = f"add, station {number}"
    cells = {}
    for column, cell in item.items():
        parts = cell if isinstance(cell, list) else [cell]
        cells[str(column)] = SET_SEPARATOR.join(
            _text(part, f"{where}, {column}", source) for part in parts
        )
    try:
        table = Table(source, tuple(cells), (Row(number, cells),))
        _check_complete(table, where)
        as_typed = Mapping(values={"name": {cell: cell for cell in cells.values()}})  # even "null"
        read = parse_table(table, datum=datum, mapping=as_typed)
    except RegisterError as error:
        said = str(error).removeprefix(f"{source} ").removeprefix(f"{source}: ")
        raise InputError(f"{source}: {where}: {said}") from error
    if read.unread_columns:
        names = ", ".join(name for name in station_fields() if name != PAIR_FIELD)
        raise InputError(
            f"{source}, {where}: {read.unread_columns[0]!r} is no column of a station; they are "
            f"{names}."
        )
    faults = [fault for row in read.rejected for fault in row.faults]
    # In a register hours that cannot be read are unknown; here nobody else will mend them.
    hours = read.stations.get("opening_hours", pd.Series(dtype=object)).dropna()
    faults += read.warnings if not all(is_readable(str(text)) for text in hours) else ()
    if faults:
        fault = faults[0]
        what = f"{source}: {where}, {fault.column} {fault.value!r}"
        raise InputError(f"{what}: {_ended(fault.reason)}")
    return read.stations

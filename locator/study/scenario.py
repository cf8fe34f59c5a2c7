"""Reading a scenario: a small YAML file, in the words of the register."""

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import yaml

from locator.coverage import Scenario
from locator.datum import to_wgs84
from locator.errors import InputError, RegisterError
from locator.register import Table, parse_table
from locator.register.tables import Row
from locator.schema import Datum, Service

__all__ = ["parse_scenario", "read_scenario"]

_KEYS = ("name", "datum", "close", "open", "hours", "services", "move", "add")
_MAX_BYTES = 1_000_000


def read_scenario(path: Path) -> Scenario:
    """Read a scenario file; see docs/planner.md for its keys.

    Raises
    ------
    InputError
        The file cannot be read or is not YAML, or an entry is wrong; names the entry.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path.name} is larger than 1 MB; a scenario is a short list.")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not UTF-8; save it as UTF-8.") from error
    return parse_scenario(text, source=path.name)


def parse_scenario(text: str, *, source: str) -> Scenario:
    """Read a scenario from YAML text; every value is text, so that ``off`` and ``24/7`` stay so.

    Raises
    ------
    InputError
        Names the entry that is wrong.
    """
    try:
        # The base loader makes texts, lists and maps of YAML, and nothing else.
        given = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
    except (yaml.YAMLError, RecursionError) as error:
        place = getattr(error, "problem_mark", None)
        where = f" (line {place.line + 1})" if place else ""
        raise InputError(f"{source} is not YAML{where}; see docs/planner.md, scenarios.") from error
    if not isinstance(given, dict):
        raise InputError(f"{source} needs keys such as close, open, hours, move, add.")
    unknown = [str(key) for key in given if key not in _KEYS]
    if unknown:
        raise InputError(f"{source}: {unknown[0]!r} is not one of {', '.join(_KEYS)}.")
    if not set(given) - {"name", "datum"}:
        raise InputError(f"{source} changes nothing; it needs close, open, hours, move or add.")
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


def _datum(value: object, source: str) -> Datum:
    try:
        return Datum.parse(_text(value, "datum", source))
    except ValueError as error:
        raise InputError(f"{source}: datum {value!r}: {error}") from error


def _text(value: object, what: str, source: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{source}: {what} must be a text.")
    return value.strip()


def _ids(given: Mapping[str, object], key: str, source: str) -> tuple[str, ...]:
    value = given.get(key) or []
    if not isinstance(value, list):
        raise InputError(f"{source}: {key} must be a list of ids, such as [BJ-R-001, BJ-R-002].")
    return tuple(_text(item, f"each entry of {key}", source) for item in value)


def _pairs(given: Mapping[str, object], key: str, source: str) -> list[tuple[str, object]]:
    value = given.get(key) or {}
    if not isinstance(value, dict):
        raise InputError(f"{source}: {key} must name ids, such as {{BJ-R-001: …}}.")
    return [(_text(identity, f"an id of {key}", source), item) for identity, item in value.items()]


def _services(value: object, identity: str, source: str) -> frozenset[str]:
    names = value if isinstance(value, list) else [value]
    try:
        return frozenset(
            Service.parse(_text(name, f"services of {identity}", source)).value for name in names
        )
    except ValueError as error:
        raise InputError(f"{source}: services of {identity}: {error}") from error


def _place(value: object, identity: str, source: str, datum: Datum) -> tuple[float, float]:
    wrong = InputError(f"{source}: move of {identity} must be [longitude, latitude] in degrees.")
    if not isinstance(value, list) or len(value) != 2:
        raise wrong
    try:
        lon, lat = (float(str(part)) for part in value)
    except ValueError as error:
        raise wrong from error
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise wrong
    x, y = to_wgs84(np.array([lon]), np.array([lat]), datum)
    return float(x[0]), float(y[0])


def _added(value: object, source: str, datum: Datum) -> gpd.GeoDataFrame:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise InputError(f"{source}: add must be a list of stations, each with id, name, kind, …")
    rows, header = [], dict[str, None]()
    for number, item in enumerate(value, start=1):
        cells = {}
        for column, cell in item.items():
            joined = ";".join(cell) if isinstance(cell, list) else cell
            cells[str(column)] = _text(joined, f"add, station {number}, {column}", source)
        header |= dict.fromkeys(cells)
        rows.append(Row(number, cells))
    try:
        read = parse_table(Table(source, tuple(header), tuple(rows)), datum=datum)
    except RegisterError as error:
        raise InputError(f"{source}, add: {error}") from error
    if read.rejected:
        fault = read.rejected[0].faults[0]
        raise InputError(
            f"{source}: add, station {fault.row}, {fault.column} {fault.value!r}: {fault.reason}."
        )
    return read.stations

"""Foreign files: which of their columns is which of ours, and what their values mean."""

import re
import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from locator.errors import RegisterError
from locator.files.kml import OWN_NAME
from locator.register.coordinates import PAIR_FIELD, PAIR_HEADERS
from locator.register.grid import AGAIN, Row, twice_in_header
from locator.register.layers import FEATURE_ID, FEATURE_POSITION
from locator.register.tables import OUR_COLUMNS_PREFIX, Table
from locator.schema import LAYERS, SEPARATORS

POSITION_FIELDS = {"lon": "经度", "lat": "纬度"}
_PAIR = {PAIR_FIELD: "坐标"}
_NOT_MISSED = {"updated_at", "更新时间"}  # an export has it; the store keeps its own
_NOTES = {OUR_COLUMNS_PREFIX, FEATURE_ID[0]}
# What others call our fields; ours, and a mapping, come first. Spaces, _ and - do not count.
_SYNONYMS = {
    "id": "站点编号 驿站编号 站点id 站id 編號 站編號 stationid code",
    "name": "站点名称 驿站名称 网点名称 名稱 站名 站點名稱 title label stationname 施設名 施設名称 "
    "시설명 명칭 nom nombre bezeichnung",
    "kind": "站点类型 驿站类型 类别 類型 類別 type category",
    "host": "依托单位 建设单位类型",
    "address": "详细地址 站点地址 驿站地址 地址描述 詳細地址 addr fulladdress 住所 所在地 주소 "
    "도로명주소 소재지도로명주소 adresse direccion dirección",
    "phone": "联系电话 联系方式 电话号码 電話 聯絡電話 tel telephone contact phonenumber 電話番号 "
    "전화번호 telefon téléphone teléfono",
    "services": "服务设施 服务内容 服务项目 设施 設施 服務 服務設施 facilities amenities",
    "opening_hours": "营业时间 开放时段 服务时间 開放時間 營業時間 hours openhours opentime "
    "businesshours 営業時間 利用時間 운영시간 이용시간 horaire horaires öffnungszeiten",
    "capacity": "座位数 可容纳人数 seatscount",
    "status": "运营状态 開放狀態",
    "demand_per_h": "每时单量 每小时单量 时均单量 小时单量 每小时订单 需求 demand ordersperh",
    "cost": "建设费用 建设成本 成本 造价 预算",
    "district": "区县名称 所属区县 行政区",
    "time": "下单时间 订单时间 创建时间 createdat ordertime",
    "end_time": "完成时间 送达时刻 finishedat",
    "weight": "单量 订单数 数量 count",
    # WKT and GeoJSON of one point, and pairs as map services and open-data portals name them.
    PAIR_FIELD: "geopoint2d geopoint wkt geometry geom thegeom coordinates lnglat latlng lng,lat "
    "lat,lng lon,lat lat,lon",
}
_SYNONYM_OF = {word: name for name, words in _SYNONYMS.items() for word in words.split()}
# Longitude and latitude are taken from two columns of one style, as a file may have two pairs.
_STYLES = (
    ("lon lng long", "lat"),
    ("经度", "纬度"),
    ("longitude", "latitude"),
    ("経度 經度", "緯度"),
    ("东经", "北纬"),
    ("坐标经度", "坐标纬度"),
    ("经度坐标", "纬度坐标"),
    ("gps经度", "gps纬度"),
    ("경도", "위도"),
    ("längengrad", "breitengrad"),
    ("longitud", "latitud"),
    ("keido", "ido"),
)
_PLANE_STYLES = (("x", "y"), ("x坐标", "y坐标"), ("px", "py"), ("pointx", "pointy"))
_UNIT = re.compile(r"[(（](?:°|度|도|deg|degrees?|wgs84)[)）]$")
# What programs write for an empty cell.
_NOTHING = frozenset({"null", "<null>", "nan", "n/a", "#n/a", "[]", "\\n"})
_AMOUNTS = frozenset({"cost", "demand_per_h", "weight"})  # nothing would count as one here


@dataclass(frozen=True)
class Mapping:
    """How a foreign file is to be read.

    Attributes
    ----------
    columns
        Our field to the file's column.
    values
        Our field to a table of the file's values and ours.
    fill
        Our field to the value that cells take which the file leaves empty.
    """

    columns: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    fill: dict[str, str] = field(default_factory=dict)


def station_fields() -> dict[str, str]:
    """Return the fields that a file of stations may have, and their Chinese names."""
    return {c.name: c.zh for c in LAYERS["stations"].given} | POSITION_FIELDS | _PAIR


def read_mapping(path: Path) -> Mapping:
    """Read a mapping from TOML with the tables ``[columns]``, ``[values.FIELD]``, ``[set]``.

    Raises
    ------
    RegisterError
        The file cannot be read or is not a mapping.
    """
    try:
        with path.open("rb") as stream:
            document = tomllib.load(stream)
    except OSError as error:
        raise RegisterError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:  # not TOML or UTF-8, too long, too deep
        raise RegisterError(f"{path.name} is not TOML: {error}.") from error
    unknown = sorted(set(document) - {"columns", "values", "set"})
    if unknown:
        raise RegisterError(
            f"{path.name}: there is no table [{unknown[0]}]; use [columns], [values.FIELD], [set]."
        )
    tables = [document.get(name, {}) for name in ("columns", "values", "set")]
    if not all(isinstance(table, dict) for table in tables):
        raise RegisterError(f"{path.name}: columns, values and set must be tables.")
    columns, values, fill = tables
    if not all(isinstance(table, dict) for table in values.values()):
        raise RegisterError(f"{path.name}: write the values of a field under [values.FIELD].")
    return Mapping(
        {k: str(v) for k, v in columns.items()},
        {k: {str(a): str(b) for a, b in v.items()} for k, v in values.items()},
        {k: str(v) for k, v in fill.items()},
    )


def check_fields(names: Sequence[str], fields: Collection[str], where: str) -> None:
    """Refuse names that are not fields.

    Raises
    ------
    RegisterError
        Names the first that is not, and lists what there is.
    """
    for name in names:
        if name not in fields:
            raise RegisterError(
                f"{where}: there is no field {name!r}; there are {', '.join(fields)}."
            )


def rename_columns(
    table: Table, mapping: Mapping, fields: dict[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the file's column for each of our fields, and the columns that nothing reads.

    A column is taken by its mapping first, else by our field's name or its Chinese name.

    Parameters
    ----------
    fields
        Our fields and their Chinese names.

    Raises
    ------
    RegisterError
        A mapped column is not in the file, or two columns mean the same field.
    """
    check_fields([*mapping.columns, *mapping.values, *mapping.fill], fields, "the mapping")
    found: dict[str, str] = {}
    for name, column in mapping.columns.items():
        if column not in table.header:
            raise RegisterError(
                f"{table.source} has no column {column!r} for {name}; "
                f"it has {', '.join(h for h in table.header if h)}."
            )
        found[name] = column
    ours = {name.casefold(): name for name in fields}
    ours |= {zh: name for name, zh in fields.items()}
    ours |= dict.fromkeys(PAIR_HEADERS, PAIR_FIELD)
    taken = set(found.values())
    for column in table.header:
        field_name = ours.get(column.casefold())
        if field_name is None or column in taken or field_name in mapping.columns:
            continue
        if field_name in found:
            raise RegisterError(
                f"{table.source}: the columns {found[field_name]!r} and {column!r} both mean "
                f"{field_name}; remove one."
            )
        found[field_name] = column
    if set(POSITION_FIELDS) <= set(fields):
        _take_position(found, table, mapping)
    _take_synonyms(found, table, mapping, fields)
    _take_feature_parts(found, table, mapping, fields)
    used = set(found.values())
    again = {h.split(AGAIN)[0] for h in table.header if AGAIN in h}
    if both := used & again:
        raise twice_in_header(table.source, min(both))
    unread = tuple(
        h
        for h in table.header
        if h and h not in used and h not in _NOT_MISSED and h[0] not in _NOTES
    )
    return found, unread


def _plain(header: str) -> str:
    """Return a header without what writers vary: case, spaces, ``_``, ``-`` and a unit."""
    return _UNIT.sub("", re.sub(r"[\s_-]+", "", header.casefold()))


def _take_position(found: dict[str, str], table: Table, mapping: Mapping) -> None:
    """Take longitude and latitude from columns that belong together; metres come last."""
    mapped = set(POSITION_FIELDS) & set(mapping.columns)
    if set(POSITION_FIELDS) <= set(found):
        return
    used = {column for name, column in found.items() if name not in POSITION_FIELDS}
    styles = _STYLES if PAIR_FIELD in found else _STYLES + _PLANE_STYLES
    pairs = [_columns_of(style, table, used) for style in styles]
    whole = next((pair for pair in pairs if len(pair) == len(POSITION_FIELDS)), None)
    if whole is not None and not mapped:
        found |= whole
        return
    for pair in pairs if mapped else pairs[: len(_STYLES)]:
        for name, column in pair.items():
            if column not in found.values():
                found.setdefault(name, column)
    if PAIR_FIELD in found and not set(POSITION_FIELDS) <= set(found):
        for name in set(POSITION_FIELDS) - mapped:
            found.pop(name, None)


def _columns_of(style: tuple[str, str], table: Table, used: set[str]) -> dict[str, str]:
    """Return the first column for each axis that is named in a style."""
    columns: dict[str, str] = {}
    for axis, words in zip(POSITION_FIELDS, style, strict=True):
        for column in table.header:
            if column not in used and _plain(column) in words.split():
                columns.setdefault(axis, column)
    return columns


def _take_synonyms(
    found: dict[str, str], table: Table, mapping: Mapping, fields: dict[str, str]
) -> None:
    """Take columns by what others call our fields, where nothing else gives them."""
    used = set(found.values())
    names = _SYNONYM_OF | dict.fromkeys(map(_plain, PAIR_HEADERS), PAIR_FIELD)
    names |= {_plain(word): name for name, zh in fields.items() for word in (name, zh)}
    placed = set(POSITION_FIELDS) <= set(found)
    for column in table.header:
        name = names.get(_plain(column))
        if name is None or name not in fields or column in used or name in mapping.columns:
            continue
        if name in POSITION_FIELDS or (name == PAIR_FIELD and placed):
            continue
        found.setdefault(name, column)


def _take_feature_parts(
    found: dict[str, str], table: Table, mapping: Mapping, fields: dict[str, str]
) -> None:
    """Let a GeoJSON geometry be the position, and a feature's id and name where no column is."""
    if FEATURE_ID in table.header and "id" in fields:
        found.setdefault("id", FEATURE_ID)
    if OWN_NAME in table.header and "name" in fields:
        found.setdefault("name", OWN_NAME)
    parts = zip(POSITION_FIELDS, FEATURE_POSITION, strict=True)
    found |= {n: p for n, p in parts if p in table.header and n not in mapping.columns}


def require_columns(
    table: Table, columns: Collection[str], required: Sequence[str], *, where: str = "--map"
) -> None:
    """Refuse a table that has no column for a field that is required.

    Parameters
    ----------
    columns
        The fields that the table, or the mapping, gives; a pair of coordinates is a position.

    Raises
    ------
    RegisterError
        Names what is missing and what there is.
    """
    placed = POSITION_FIELDS if PAIR_FIELD in columns else ()
    missing = [name for name in required if name not in columns and name not in placed]
    if missing:
        raise RegisterError(
            f"{table.source} has no column for {', '.join(missing)}; it has "
            f"{', '.join(h for h in table.header if h)}. Name it with {where}."
        )


def field_cells(row: Row, columns: dict[str, str], mapping: Mapping) -> dict[str, str]:
    """Return one row's cells by our fields, foreign values translated, empty ones filled."""
    cells = {}
    for name in (*columns, *(f for f in mapping.fill if f not in columns)):
        value = row.cells.get(columns.get(name, ""), "")
        meanings = mapping.values.get(name)
        none = value.casefold() in _NOTHING and name not in POSITION_FIELDS.keys() | _AMOUNTS
        if none and value not in (meanings or {}):
            value = ""
        value = _translate(value, name, meanings) or mapping.fill.get(name, "")
        if value:
            cells[name] = value
    return cells


def _translate(value: str, name: str, meanings: dict[str, str] | None) -> str:
    """Return a value, or each member of a set, as a mapping says; the whole cell comes first."""
    if not meanings or value in meanings:
        return (meanings or {}).get(value, value)
    column = LAYERS["stations"].column(name)
    if column is None or column.operand != "set":
        return value
    members = (member.strip() for member in SEPARATORS.split(value))
    return ";".join(meanings.get(member, member) for member in members if member)

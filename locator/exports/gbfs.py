"""The battery-swap cabinets in the form of a GBFS 3.0 feed.

GBFS describes shared vehicles at docks (https://github.com/MobilityData/gbfs/blob/v3.0/gbfs.md).
A cabinet lends batteries, not vehicles, and nobody tells this program how many it holds: so
``station_information`` says what the register knows, and ``station_status`` lists no station.
Its required fields ``num_vehicles_available``, ``is_renting`` and ``last_reported`` are known of
none, and a made-up number would send a rider to an empty cabinet.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import geopandas as gpd
import pandas as pd

from locator.schema import Amenity, Kind, Provenance, Status, is_illustrative, split_set
from locator.settings import Settings

FEEDS = ("gbfs", "system_information", "station_information", "station_status")
_VERSION = "3.0"
_TTL_S = 300
_LANGUAGE = "zh-CN"  # the register's texts have no other
# OpenStreetMap's opening_hours has a state for it; each cabinet's own hours override the system's.
_HOURS_UNKNOWN = "24/7 unknown"
_E164 = re.compile(r"\+[1-9]\d{1,14}")
_DECIMALS = 6  # "Coordinate Precision" of the specification
Document = dict[str, object]


@dataclass(frozen=True)
class Addresses:
    """Where the feeds and the stations' pages are, whole addresses."""

    feeds: Mapping[str, str]
    station: Callable[[str], str]


def gbfs_document(
    name: str,
    stations: gpd.GeoDataFrame,
    settings: Settings,
    addresses: Addresses,
    *,
    system_id: str,
    changed_at: datetime,
) -> Document:
    """Return one of :data:`FEEDS` as a JSON object.

    Parameters
    ----------
    stations
        The register; cabinets that are not closed for good are listed.
    system_id
        Stays the same as long as the store is the same.
    changed_at
        When the store changed last.
    """
    chosen = (stations["kind"] == Kind.SWAP_CABINET) & (stations["status"] != Status.CLOSED)
    cabinets = stations[chosen]
    data: Document
    if name == "gbfs":
        data = {"feeds": [{"name": own, "url": url} for own, url in addresses.feeds.items()]}
    elif name == "system_information":
        data = _system(cabinets, settings, system_id)
    elif name == "station_information":
        data = {"stations": [_station(row, addresses) for row in _rows(cabinets)]}
    else:
        data = {"stations": []}
    moment = changed_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"last_updated": moment, "ttl": _TTL_S, "version": _VERSION, "data": data}


def _rows(cabinets: gpd.GeoDataFrame) -> list[dict[str, object]]:
    table = pd.DataFrame(cabinets.drop(columns="geometry"), dtype=object)
    table["lon"], table["lat"] = cabinets.geometry.x, cabinets.geometry.y
    return [
        {str(key): None if pd.isna(value) else value for key, value in row.items()}
        for row in table.to_dict("records")
    ]


def _said(text: str) -> list[dict[str, str]]:
    return [{"text": text, "language": _LANGUAGE}]


def _system(cabinets: gpd.GeoDataFrame, settings: Settings, system_id: str) -> Document:
    hours = set(cabinets["opening_hours"].dropna())
    shared = len(hours) == 1 and not cabinets["opening_hours"].isna().any()
    title = "骑手换电柜（示例数据，不是真实站点）" if is_illustrative(cabinets) else "骑手换电柜"
    data: Document = {
        "system_id": system_id,
        "languages": [_LANGUAGE],
        "name": _said(title),
        "opening_hours": hours.pop() if shared else _HOURS_UNKNOWN,
        "timezone": settings.timezone,
    }
    if settings.contact_email:
        data["feed_contact_email"] = settings.contact_email
    if settings.data_licence:
        data["license_id"] = settings.data_licence
    return data


def _station(row: Mapping[str, object], addresses: Addresses) -> Document:
    own: Document = {
        "station_id": str(row["id"]),
        "name": _said(str(row["name"])),
        "lat": round(float(str(row["lat"])), _DECIMALS),
        "lon": round(float(str(row["lon"])), _DECIMALS),
        "rental_uris": {"web": addresses.station(str(row["id"]))},
    }
    copied = {"address": "address", "station_opening_hours": "opening_hours"}
    own |= {field: str(row[name]) for field, name in copied.items() if row[name] is not None}
    if row["capacity"] is not None:
        own["capacity"] = int(str(row["capacity"]))
    if row["services"] is not None:
        own["is_charging_station"] = Amenity.VEHICLE_CHARGING in split_set(row["services"])
    phone = re.sub(r"[ ()-]", "", str(row["phone"] or ""))
    if _E164.fullmatch(phone):
        own["contact_phone"] = phone
    # The specification has no such fields; names with an underscore are an extension's.
    if row["platforms"]:
        own["_platforms"] = sorted(split_set(row["platforms"]))
    if row["provenance"] == Provenance.ILLUSTRATIVE:
        own["_provenance"] = Provenance.ILLUSTRATIVE.value
    return own

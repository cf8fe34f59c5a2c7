"""Stations as OpenStreetMap would tag them, for people who map on the ground.

``docs/osm-tags.md`` gives each tag's page of the wiki and what has no agreed tag. A feature's
properties are tags and nothing else, so that an editor such as JOSM takes the file as it is. Rows
that are made up for illustration are left out: OpenStreetMap is for what stands there.
"""

import geopandas as gpd

from locator.schema import POSITION_DECIMALS, Amenity, Host, Kind, Provenance, Status, split_set

Tags = dict[str, str]

# No tag is agreed for a couriers' rest post or a cabinet of batteries: the mapper chooses.
OSM_KINDS: dict[Kind, Tags] = {kind: {} for kind in Kind}
OSM_HOSTS: dict[Host, Tags] = {
    Host.COMMUNITY_CENTRE: {"amenity": "community_centre"},
    Host.CITY_STATION: {},
    Host.CARING_ENTERPRISE: {},
    Host.OTHER: {},
}
OSM_SERVICES: dict[Amenity, Tags] = {
    Amenity.DRINKING_WATER: {"drinking_water": "yes"},
    Amenity.PHONE_CHARGING: {"power_supply": "yes"},
    Amenity.TOILET: {"toilets": "yes"},
    Amenity.COOLING: {"air_conditioning": "yes"},
    Amenity.WIFI: {"internet_access": "wlan"},
    Amenity.TOOLS: {"service:bicycle:diy": "yes"},
}
_CABINET = "no agreed main tag for a battery-swap cabinet: choose one"
_FIXME = "add these tags to the place that hosts the station, or choose a main tag"
_AS_THEY_ARE = ("name", "opening_hours", "phone")
_LONGEST = 255  # characters of a value in OpenStreetMap's API


def osm_tags(row: dict[str, object]) -> Tags:
    """Return a station's tags; what is unknown, or has no agreed tag, is left out.

    Parameters
    ----------
    row
        A station's columns; None is unknown.
    """
    tags: Tags = {}
    for name in _AS_THEY_ARE:
        if isinstance(row.get(name), str) and row[name]:
            tags[name] = str(row[name])[:_LONGEST]
    if isinstance(row.get("last_verified"), str) and row["last_verified"]:
        tags["check_date"] = str(row["last_verified"])
    tags |= next((own for kind, own in OSM_KINDS.items() if kind == row.get("kind")), {})
    cabinet = row.get("kind") == Kind.SWAP_CABINET
    if not cabinet:  # which stands at its host and is not it
        tags |= next((own for host, own in OSM_HOSTS.items() if host == row.get("host")), {})
    offered = split_set(row.get("services"))
    for service, own in OSM_SERVICES.items():
        tags |= own if service.value in offered else {}
    if "amenity" not in tags:
        tags["fixme"] = _CABINET if cabinet else _FIXME
    return tags


def osm_collection(stations: gpd.GeoDataFrame) -> dict[str, object]:
    """Return a GeoJSON object whose features' properties are tags."""
    known = stations["provenance"].isin(
        [own.value for own in Provenance if own is not Provenance.ILLUSTRATIVE]
    )
    chosen = stations[known & (stations["status"] == Status.ACTIVE)]
    records = chosen.drop(columns="geometry").astype(object)
    rows = records.where(records.notna(), None).to_dict("records")
    features = [
        {
            "type": "Feature",
            "properties": osm_tags({str(name): value for name, value in row.items()}),
            "geometry": {
                "type": "Point",
                "coordinates": [round(axis, POSITION_DECIMALS) for axis in (point.x, point.y)],
            },
        }
        for row, point in zip(rows, chosen.geometry, strict=True)
    ]
    return {"type": "FeatureCollection", "features": features}

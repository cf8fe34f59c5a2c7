"""The public layers as files to fetch, a GBFS feed of the cabinets, and tags for OpenStreetMap.

What is public is decided in ``features/``, how a format is written in ``register/formats.py``.
"""

from locator.exports.files import (
    FORMATS,
    LABELLED,
    CachedFile,
    Export,
    cached_file,
    find_export,
    write_export,
)
from locator.exports.gbfs import FEEDS, Addresses, gbfs_document
from locator.exports.osm import OSM_HOSTS, OSM_KINDS, OSM_SERVICES, osm_collection, osm_tags

__all__ = [
    "FEEDS",
    "FORMATS",
    "LABELLED",
    "OSM_HOSTS",
    "OSM_KINDS",
    "OSM_SERVICES",
    "Addresses",
    "CachedFile",
    "Export",
    "cached_file",
    "find_export",
    "gbfs_document",
    "osm_collection",
    "osm_tags",
    "write_export",
]

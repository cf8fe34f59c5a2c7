"""The store's layers as collections that other programs read: what is public, and how it is asked.

It knows no HTTP: ``web/ogc`` parses requests, links answers and sends what this package finds.
"""

from locator.features.collections import (
    COLLECTIONS,
    Collection,
    Words,
    collections_offered,
    find_collection,
)
from locator.features.crs import CRS84, CRS_TABLE, Crs, parse_crs
from locator.features.encode import Shape, encode_rows
from locator.features.moments import parse_period
from locator.features.order import parse_sort
from locator.features.query import MAX_LIMIT, Page, Query, find_page, find_row, read_bbox
from locator.features.view import View, Views

__all__ = [
    "COLLECTIONS",
    "CRS84",
    "CRS_TABLE",
    "MAX_LIMIT",
    "Collection",
    "Crs",
    "Page",
    "Query",
    "Shape",
    "View",
    "Views",
    "Words",
    "collections_offered",
    "encode_rows",
    "find_collection",
    "find_page",
    "find_row",
    "parse_crs",
    "parse_period",
    "parse_sort",
    "read_bbox",
]

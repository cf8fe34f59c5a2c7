"""The nearest stations: k of them, filtered, in order, and whether they will be open on arrival.

The phone ranks by the same rules (``templates/static/rank.js``); ``tests/vectors/ranking.json``
holds both to one table of answers.
"""

from locator.nearest.found import Found, NearestStations
from locator.nearest.index import StationIndex, check_positions, possible_mask, station_mask
from locator.nearest.question import (
    HELP_S,
    HELPS,
    OpenRule,
    StationFilter,
    Wishes,
    filter_words,
    read_filter,
    read_wishes,
)

__all__ = [
    "HELPS",
    "HELP_S",
    "Found",
    "NearestStations",
    "OpenRule",
    "StationFilter",
    "StationIndex",
    "Wishes",
    "check_positions",
    "filter_words",
    "possible_mask",
    "read_filter",
    "read_wishes",
    "station_mask",
]

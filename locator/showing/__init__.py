"""What others are shown of the store: maps and coverage for their pages, pictures and files.

One question (:class:`MapView`), read from plain texts, whichever way it came: an address, a form,
or the options of a command.
"""

from locator.showing.compose import Shown, map_words, show_view
from locator.showing.frozen import Frozen, citation, freeze, open_frozen
from locator.showing.pictures import (
    PICTURE_NAMES,
    PictureOptions,
    check_map_file,
    picture_bytes,
    read_picture,
    write_map,
)
from locator.showing.view import LAYERS, MAP_NAMES, MapView, read_map_view
from locator.study.drawing import PictureFormat

__all__ = [
    "LAYERS",
    "MAP_NAMES",
    "PICTURE_NAMES",
    "Frozen",
    "MapView",
    "PictureFormat",
    "PictureOptions",
    "Shown",
    "check_map_file",
    "citation",
    "freeze",
    "map_words",
    "open_frozen",
    "picture_bytes",
    "read_map_view",
    "read_picture",
    "show_view",
    "write_map",
]

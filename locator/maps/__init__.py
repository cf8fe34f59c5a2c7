"""Maps: frames in, a folium map out, and the pages and files it is shown in.

The only package that imports folium. What people wrote (names, addresses, notices, titles) is data
here: it travels as JSON that no template engine compiles, and the browser shows it as text.
"""

from locator.maps.basemaps import tile_origins
from locator.maps.build import build_map
from locator.maps.model import CLUSTER_ABOVE, MAX_STATIONS, MapLayers, MapOptions, MapParts
from locator.maps.page import (
    asset_files,
    frame_files,
    render_drawing,
    render_file,
    render_frame,
    render_parts,
)

__all__ = [
    "CLUSTER_ABOVE",
    "MAX_STATIONS",
    "MapLayers",
    "MapOptions",
    "MapParts",
    "asset_files",
    "build_map",
    "frame_files",
    "render_drawing",
    "render_file",
    "render_frame",
    "render_parts",
    "tile_origins",
]

"""Layers out of files of other programs: nothing is opened but the file, and what belongs to it.

A file's format is told by its content, and must be the one that its ending says. GDAL is asked for
Shapefiles alone, whose first bytes no other of its drivers takes for its own; left to choose, it
takes a text for whatever it looks like, a VRT for example, which reads other files and addresses.
"""

from locator.files.layers import (
    ENDINGS,
    LayerFile,
    LayerInfo,
    open_layers,
    read_layer,
    read_layers,
    short_reason,
)

__all__ = [
    "ENDINGS",
    "LayerFile",
    "LayerInfo",
    "open_layers",
    "read_layer",
    "read_layers",
    "short_reason",
]

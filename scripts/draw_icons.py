"""Draw the site's icons into templates/static/icons: a cup under a roof, white on the accent.

One set of shapes makes the SVG and the PNGs, so they cannot differ. Run it again after a change
of the accent in locator/theme.py:

    python scripts/draw_icons.py
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import shapely
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline
from PIL import Image
from shapely.geometry import LineString, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from locator.paths import static_dir
from locator.theme import PALETTE

SIZE = 512.0  # the canvas, y downwards as in SVG
MIDDLE = SIZE / 2
# Phones cut a maskable icon to any shape that holds the middle 80 %.
SAFE_RADIUS = 0.4 * SIZE
INK = PALETTE["accent"]
PAPER = PALETTE["accent-ink"]
COLOURS = 32
# Name to size in pixels, and whether the ground fills the square.
FILES = {
    "icon-192.png": (192, False),
    "icon-512.png": (512, False),
    "maskable-192.png": (192, True),
    "maskable-512.png": (512, True),
    "touch-180.png": (180, True),  # iOS rounds the corners and fills what is transparent
}


def draw_mark() -> BaseGeometry:
    """Return the cup and the roof, about the middle of the canvas."""
    roof = LineString([(98, 226), (256, 100), (414, 226)]).buffer(25)
    body = shapely.union_all([box(150, 250, 322, 330), _rounded(box(150, 260, 322, 408), 44)])
    ring = Point(324, 310).buffer(60).difference(Point(324, 310).buffer(29))
    handle = ring.difference(box(0, 0, 310, SIZE))
    bolt = Polygon([(254, 266), (194, 340), (232, 340), (220, 394), (280, 316), (241, 316)])
    return shapely.union_all([roof, body, handle]).difference(bolt)


def _rounded(shape: BaseGeometry, radius: float) -> BaseGeometry:
    return shape.buffer(-radius).buffer(radius)


def ground(*, fills: bool) -> BaseGeometry:
    """Return what lies below the mark: a disc, or the whole canvas."""
    return box(0, 0, SIZE, SIZE) if fills else Point(MIDDLE, MIDDLE).buffer(MIDDLE, quad_segs=32)


def rings(shape: BaseGeometry) -> list[npt.NDArray[np.float64]]:
    """Return all rings of a shape; where they overlap an odd number of times, there is ink."""
    found = []
    for part in shapely.get_parts(shape):
        found += [shapely.get_coordinates(ring) for ring in shapely.get_rings(part)]
    return found


def write_svg(file: Path) -> None:
    """Write the icon as SVG, for the tab of a browser."""
    parts = []
    for ring in rings(shapely.simplify(draw_mark(), 0.3)):
        corners = " ".join(f"{x:.0f} {y:.0f}" for x, y in ring[:-1])
        parts.append(f"M{corners}z")
    file.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512">'
        f'<circle cx="256" cy="256" r="256" fill="{INK}"/>'
        f'<path fill="{PAPER}" fill-rule="evenodd" d="{"".join(parts)}"/></svg>\n',
        encoding="utf-8",
    )


def write_png(file: Path, pixels: int, *, fills: bool) -> None:
    """Write the icon as PNG."""
    figure = Figure(figsize=(1, 1), dpi=pixels)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, SIZE), ylim=(SIZE, 0))
    axes.set_axis_off()
    for shape, colour in ((ground(fills=fills), INK), (draw_mark(), PAPER)):
        outline = Outline.make_compound_path(
            *(Outline(ring, closed=True) for ring in rings(shapely.orient_polygons(shape)))
        )
        axes.add_patch(PathPatch(outline, facecolor=colour, linewidth=0))
    figure.patch.set_alpha(0)
    canvas.draw()  # type: ignore[no-untyped-call]
    # Two colours and their edges: a palette is a third of the bytes.
    pixel_rows = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    picture = Image.fromarray(pixel_rows)
    picture.quantize(COLOURS, Image.Quantize.FASTOCTREE).save(file, optimize=True)


def main() -> None:
    """Write all icons and say how large they are."""
    folder = static_dir() / "icons"
    folder.mkdir(exist_ok=True)
    reach = shapely.hausdorff_distance(Point(MIDDLE, MIDDLE), draw_mark())
    if reach > SAFE_RADIUS:
        raise SystemExit(f"The mark reaches {reach:.0f} from the middle; at most {SAFE_RADIUS}.")
    write_svg(folder / "favicon.svg")
    for name, (pixels, fills) in FILES.items():
        write_png(folder / name, pixels, fills=fills)
    for file in sorted(folder.iterdir()):
        print(f"{file.name}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

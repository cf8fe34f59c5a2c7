"""Ready layers and words to a map's file: a page for a browser, a picture for a report."""

from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple

from locator.errors import InputError, StudyError
from locator.figures import FigureOptions, draw_map, render_figure
from locator.maps import MapLayers, MapOptions, build_map, render_file
from locator.paths import written_whole

PictureFormat = Literal["png", "svg"]


class Paper(NamedTuple):
    """How large a picture is on paper, in millimetres, and its dots an inch.

    Without a height it is as high as the contents need.
    """

    width_mm: float
    height_mm: float | None
    dpi: int


def map_ending(path: Path) -> str:
    """Return a map's ending, before anything is worked out for it.

    Raises
    ------
    InputError
        It is none of .html, .png, .svg.
    """
    ending = path.suffix.lower()
    if ending not in {".html", ".png", ".svg"}:
        raise InputError(f"{path.name}: a map is written as .html, .png or .svg.")
    return ending


def page(layers: MapLayers, options: MapOptions) -> bytes:
    """Return a map as a page that is read from a disk."""
    return render_file(build_map(layers, options)).encode()


def picture(
    layers: MapLayers,
    options: MapOptions,
    file_format: PictureFormat,
    *,
    caption: str | None = None,
    paper: Paper | None = None,
) -> bytes:
    """Return a map as a picture: the same layers and options give the same bytes.

    Parameters
    ----------
    caption
        Instead of the options'.
    paper
        None is as wide as a page's text, for print.

    Raises
    ------
    InputError
        The height leaves no room for the map, or the area is too large for one map.
    """
    words = FigureOptions(
        title=options.title,
        caption=options.caption if caption is None else caption,
        language=options.language,
        map_approval=options.map_approval,
        illustrative=options.illustrative,
        show_districts=options.show_districts,
        extent=options.extent,
    )
    with_sites = layers.sites is not None
    changes = {"sites": layers.sites, "gained": layers.reach, "uncovered": layers.gaps}
    there = {name: frame for name, frame in changes.items() if frame is not None}
    figure = draw_map(
        stations=layers.stations,
        hot_zones=layers.hot_zones,
        districts=layers.districts,
        places=layers.places,
        gaps=None if with_sites else layers.gaps,
        reach=None if with_sites else layers.reach,
        changes=there if with_sites else None,
        options=words if paper is None else replace(words, **paper._asdict()),
    )
    return render_figure(figure, file_format)


def draw(layers: MapLayers, options: MapOptions, path: Path) -> None:
    """Draw layers into a file by its ending.

    Raises
    ------
    InputError
        The ending is none of .html, .png, .svg.
    StudyError
        The file cannot be written.
    """
    if map_ending(path) == ".html":
        content = page(layers, options)
    else:
        content = picture(layers, options, "png" if path.suffix.lower() == ".png" else "svg")
    write_file(path, content)


def write_file(path: Path, content: bytes) -> None:
    """Write a map's file whole or not at all.

    Raises
    ------
    StudyError
        It cannot be written.
    """
    try:
        with written_whole(path) as draft:
            draft.write_bytes(content)
    except OSError as error:
        raise StudyError(f"{path} cannot be written: {error.strerror or error}.") from error

"""What is shown, as a file: .html for a browser, .png or .svg for a report."""

from datetime import datetime
from pathlib import Path

from locator.errors import InputError, StudyError
from locator.maps import build_map, render_file
from locator.paths import refuse_store, written_whole
from locator.service import Service
from locator.showing.compose import show_view
from locator.showing.pictures import PictureOptions, picture_bytes
from locator.showing.view import MapView
from locator.study.drawing import read_snapshot, settings_language

__all__ = ["check_map_file", "write_map"]

_PRINT_DPI = 300


def check_map_file(path: Path, *, sized: bool) -> str:
    """Return a map's ending, before anything is worked out for it.

    Raises
    ------
    InputError
        It is another one, or a page's although a picture's options (``sized``) are given.
    """
    ending = path.suffix.lower()
    if ending not in {".html", ".png", ".svg"}:
        raise InputError(f"{path.name}: a map is written as .html, .png or .svg.")
    if ending == ".html" and sized:
        raise InputError("width, height, dpi and caption are a picture's: write .png or .svg.")
    return ending


def write_map(
    service: Service,
    path: Path,
    *,
    view: MapView | None = None,
    picture: PictureOptions | None = None,
    as_of: datetime | None = None,
) -> None:
    """Write the city's map to a file by its ending.

    Parameters
    ----------
    view
        What it shows; the whole city in the settings' language by default.
    picture
        Size and caption of a .png or .svg; 170 mm at 300 dpi by default.
    as_of
        Stations and hot zones as they were at this moment; None is as they are.

    Raises
    ------
    InputError
        The ending is another one, a page is given a picture's options, or the history does not
        reach back to the moment.
    StudyError
        The file cannot be written.
    """
    ending = check_map_file(path, sized=picture is not None)
    refuse_store(path)
    if view is None:
        view = MapView(language=settings_language(service.settings))
    if ending != ".html" and view.theme == "dark":
        raise InputError("A picture is always light, as paper is: leave theme=dark out.")
    shown = show_view(service, "map", view, snapshot=read_snapshot(service, as_of))
    if ending == ".html":
        content = render_file(build_map(shown.layers, shown.options)).encode()
    else:
        size = picture or PictureOptions(dpi=_PRINT_DPI)
        content = picture_bytes(shown, size, "png" if ending == ".png" else "svg")
    try:
        with written_whole(path) as draft:
            draft.write_bytes(content)
    except OSError as error:
        raise StudyError(f"{path} cannot be written: {error.strerror or error}.") from error

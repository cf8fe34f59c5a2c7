"""What is shown as a picture, with its size and its caption's languages, or as a file."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

from locator import questions
from locator.errors import InputError
from locator.paths import refuse_store
from locator.questions import Given
from locator.schema import Language
from locator.service import Service
from locator.showing.compose import Shown, show_view
from locator.showing.view import MapView
from locator.study.drawing import Paper, PictureFormat, map_ending, page, picture, write_file
from locator.study.maps import settings_language
from locator.study.measure import read_snapshot

CaptionLanguage = Literal["zh", "en", "both"]
_CAPTIONS: tuple[CaptionLanguage, ...] = get_args(CaptionLanguage)
PICTURE_NAMES = ("width", "height", "dpi", "caption")

_MM_PER_INCH = 25.4
_PRINT_DPI = 300
_WIDTH_MM = 170.0  # the text of a page of A4
_NARROWEST_MM, _WIDEST_MM = 120.0, 1200.0
_LOWEST_MM = 60.0
_PIXELS, _DPI = (300, 4096), (50, 600)


@dataclass(frozen=True)
class PictureOptions:
    """How large a picture is and which languages its caption has.

    Attributes
    ----------
    width, height
        Pixels; None is 170 mm of paper, and as high as the contents need.
    dpi
        Pixels an inch of paper: more of them make letters of the same size sharper, and of the
        same pixels smaller.
    caption
        ``zh``, ``en`` or ``both``; None is the language of the picture.
    """

    width: int | None = None
    height: int | None = None
    dpi: int = 150
    caption: CaptionLanguage | None = None

    def __post_init__(self) -> None:
        """Check that the letters fit the width."""
        wide_mm, high_mm, _ = self.paper
        if not _NARROWEST_MM <= wide_mm <= _WIDEST_MM:
            least, most = (edge / _MM_PER_INCH * self.dpi for edge in (_NARROWEST_MM, _WIDEST_MM))
            raise InputError(
                f"width={self.width} at dpi={self.dpi} is {wide_mm:.0f} mm of paper; at this dpi "
                f"give {least + 0.5:.0f} to {min(most, _PIXELS[1]):.0f} pixels, or change the dpi."
            )
        if high_mm is not None and high_mm < _LOWEST_MM:
            raise InputError(
                f"height={self.height} at dpi={self.dpi} is less than {_LOWEST_MM:.0f} mm; "
                f"give at least {_LOWEST_MM / _MM_PER_INCH * self.dpi + 0.5:.0f} pixels."
            )

    @property
    def paper(self) -> Paper:
        """Return the size on paper."""
        height = None if self.height is None else self.height / self.dpi * _MM_PER_INCH
        width = _WIDTH_MM if self.width is None else self.width / self.dpi * _MM_PER_INCH
        return Paper(width, height, self.dpi)


def read_picture(given: Given, *, dpi: int = 150) -> PictureOptions:
    """Read ``width``, ``height``, ``dpi`` and ``caption``.

    Without a ``dpi`` a picture too narrow for its letters is taken to be as wide as a page's
    text: fewer pixels an inch.

    Raises
    ------
    InputError
        One of them is no number, or too small or large, or no language.
    """
    width = given.read("width", questions.whole(*_PIXELS))
    fallback = dpi
    if width is not None and width / dpi * _MM_PER_INCH < _NARROWEST_MM:
        fallback = max(_DPI[0], int(width / _WIDTH_MM * _MM_PER_INCH))
    return PictureOptions(
        width=width,
        height=given.read("height", questions.whole(*_PIXELS)),
        dpi=given.read("dpi", questions.whole(*_DPI), fallback),
        caption=given.read("caption", questions.choice(*_CAPTIONS)),
    )


def picture_bytes(shown: Shown, size: PictureOptions, file_format: PictureFormat) -> bytes:
    """Draw what is shown: the same layers and options give the same bytes.

    Raises
    ------
    InputError
        The height leaves no room for the map, or the area is too large for one map.
    """
    own = shown.language
    other: Language = "en" if own == "zh" else "zh"
    if size.caption == "both":
        caption = f"{shown.words[own].caption}\n{shown.words[other].caption}"
    else:
        caption = shown.words[size.caption or own].caption
    return picture(shown.layers, shown.options, file_format, caption=caption, paper=size.paper)


def check_map_file(path: Path, *, sized: bool) -> str:
    """Return a map's ending, before anything is worked out for it.

    Raises
    ------
    InputError
        It is another one, or a page's although a picture's options (``sized``) are given.
    """
    ending = map_ending(path)
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
        content = page(shown.layers, shown.options)
    else:
        size = picture or PictureOptions(dpi=_PRINT_DPI)
        content = picture_bytes(shown, size, "png" if ending == ".png" else "svg")
    write_file(path, content)

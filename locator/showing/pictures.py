"""Pictures of what is shown: their size in pixels, their caption's languages, their bytes."""

from dataclasses import dataclass
from typing import Literal, get_args

from locator import questions
from locator.errors import InputError
from locator.figures import FigureOptions, draw_map, render_figure
from locator.questions import Given
from locator.schema import Language
from locator.showing.compose import Shown

__all__ = [
    "PICTURE_NAMES",
    "CaptionLanguage",
    "PictureFormat",
    "PictureOptions",
    "picture_bytes",
    "read_picture",
]

CaptionLanguage = Literal["zh", "en", "both"]
_CAPTIONS: tuple[CaptionLanguage, ...] = get_args(CaptionLanguage)
PictureFormat = Literal["png", "svg"]
PICTURE_NAMES = ("width", "height", "dpi", "caption")

_MM_PER_INCH = 25.4
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
        wide_mm = _WIDTH_MM if self.width is None else self.width / self.dpi * _MM_PER_INCH
        if not _NARROWEST_MM <= wide_mm <= _WIDEST_MM:
            least, most = (edge / _MM_PER_INCH * self.dpi for edge in (_NARROWEST_MM, _WIDEST_MM))
            raise InputError(
                f"width={self.width} at dpi={self.dpi} is {wide_mm:.0f} mm of paper; at this dpi "
                f"give {least + 0.5:.0f} to {min(most, _PIXELS[1]):.0f} pixels, or change the dpi."
            )
        if self.height is not None and self.height / self.dpi * _MM_PER_INCH < _LOWEST_MM:
            raise InputError(
                f"height={self.height} at dpi={self.dpi} is less than {_LOWEST_MM:.0f} mm; "
                f"give at least {_LOWEST_MM / _MM_PER_INCH * self.dpi + 0.5:.0f} pixels."
            )

    @property
    def width_mm(self) -> float:
        """Return the width on paper."""
        return _WIDTH_MM if self.width is None else self.width / self.dpi * _MM_PER_INCH

    @property
    def height_mm(self) -> float | None:
        """Return the height on paper, or None for what the contents need."""
        return None if self.height is None else self.height / self.dpi * _MM_PER_INCH


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


def picture_bytes(shown: Shown, picture: PictureOptions, file_format: PictureFormat) -> bytes:
    """Draw what is shown: the same layers and options give the same bytes.

    Raises
    ------
    InputError
        The height leaves no room for the map, or the area is too large for one map.
    """
    layers, options = shown.layers, shown.options
    figure = draw_map(
        stations=layers.stations,
        hot_zones=layers.hot_zones,
        districts=layers.districts,
        places=layers.places,
        gaps=layers.gaps,
        reach=layers.reach,
        options=FigureOptions(
            title=options.title,
            caption=_caption(shown, picture),
            language=options.language,
            map_approval=options.map_approval,
            illustrative=options.illustrative,
            show_districts=options.show_districts,
            width_mm=picture.width_mm,
            height_mm=picture.height_mm,
            dpi=picture.dpi,
            extent=options.extent,
        ),
    )
    return render_figure(figure, file_format)


def _caption(shown: Shown, picture: PictureOptions) -> str:
    own = shown.options.language
    if picture.caption == "both":
        other: Language = "en" if own == "zh" else "zh"
        return f"{shown.captions[own]}\n{shown.captions[other]}"
    return shown.captions[picture.caption or own]

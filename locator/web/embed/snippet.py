"""The snippet: the few lines that an official pastes into a page."""

import hashlib
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

# Of a frame before it has said how high it would like to be.
HEIGHTS = {"map": 480, "nearest": 560, "coverage": 720}
_LEAST, _MOST = 200, 2000


@dataclass(frozen=True)
class Frame:
    """A frame: what it shows, where from, how large.

    Attributes
    ----------
    url
        Whole address of the embed.
    title
        What screen readers say it is.
    asks_position
        The embed has a button that asks the browser for the reader's position; a frame of another
        site may do so only if the page around it allows it.
    """

    url: str
    title: str
    height: int
    width: str = "100%"
    asks_position: bool = False


def frame_html(frame: Frame, *, name: str = "") -> str:
    """Return a frame as HTML; nothing of the page around it is sent along."""
    allow = ' allow="geolocation"' if frame.asks_position else ""
    identity = f' id="{name}"' if name else ""
    return (
        f'<iframe{identity} src="{escape(frame.url)}" title="{escape(frame.title)}"'
        f' width="{escape(frame.width)}" height="{frame.height}" style="border:0"'
        f' loading="lazy" referrerpolicy="no-referrer"{allow}></iframe>'
    )


def snippet_html(frame: Frame) -> str:
    """Return a frame and the script that gives it the height it asks for.

    The script believes messages of this frame and of our origin only, and takes a number from them
    and nothing else. Without it (many editors drop scripts) the frame keeps its height.
    """
    name = "locator-" + hashlib.sha256(frame.url.encode()).hexdigest()[:8]
    parts = urlsplit(frame.url)
    return (
        f"{frame_html(frame, name=name)}\n"
        "<script>\n"
        'addEventListener("message", function (event) {\n'
        f'  var frame = document.getElementById("{name}"), said = event.data;\n'
        f'  if (event.origin !== "{parts.scheme}://{parts.netloc}" ||'
        " event.source !== frame.contentWindow) { return; }\n"
        '  if (said && said.type === "locator:height" && said.height > 0) {\n'
        f"    frame.height = Math.min(Math.max(Math.ceil(said.height), {_LEAST}), {_MOST});\n"
        "  }\n"
        "});\n"
        "</script>"
    )

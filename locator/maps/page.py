"""A map as parts of a page or as one file, with every script, style and image local."""

import base64
import hashlib
import re
from collections.abc import Callable
from html import escape
from importlib import import_module
from pathlib import Path

import folium
from branca.element import Element, Figure

from locator.errors import InputError
from locator.maps.model import MapOptions, MapParts
from locator.maps.words import LABELS, say
from locator.paths import static_dir
from locator.theme import css_variables

_LEAFLET_IMAGES = ("layers.png", "layers-2x.png", "marker-icon.png")
_OWN_STYLE, _LIST_STYLE = "map.css", "map-list.css"
# In the order they build on; a map has a search or follows a list.
_DRAWING_SCRIPTS = ("map-drawing.js", "map-controls.js")
_SEARCH_SCRIPT, _LIST_SCRIPT, _LAST_SCRIPT = "map-search.js", "map-list.js", "map.js"
_CLUSTER_SCRIPT = "markercluster/leaflet.markercluster.js"
_FOREIGN = re.compile(
    r"<(?:script|link|img|iframe|style)\b[^>]*\b(?:src|href)\s*=\s*[\"']?\s*(?:https?:)?//([^/\"'\s>]+)",
    re.IGNORECASE,
)
_VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1">'
_FILE_STYLE = (
    "html,body,main{height:100%;margin:0}"
    ".lmap-unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}"
)


class MapFigure(Figure):
    """The root of a map's tree: remembers its options and renders as one file.

    Saving a map and showing it in a notebook go through :meth:`render`, so both give the
    self-contained page.
    """

    def __init__(self, options: MapOptions, *, clustered: bool) -> None:
        super().__init__(height="600px", title=None)
        self.options = options
        self.clustered = clustered
        self.header._children.clear()  # noqa: SLF001 - branca's own meta tag; we write ours

    def render(self, **_kwargs: object) -> str:
        """Return one self-contained page."""
        return _file(self)


def asset_files() -> dict[str, Path]:
    """Return the files a map page needs, by the name they are served under, and no others."""
    leaflet = _package_dir("leaflet")
    cluster = _package_dir("leaflet_markercluster")
    files = {
        "leaflet/leaflet.css": leaflet / "leaflet.css",
        "leaflet/leaflet.js": leaflet / "leaflet.js",
        _CLUSTER_SCRIPT: cluster / "leaflet.markercluster.js",
    }
    scripts = (*_DRAWING_SCRIPTS, _SEARCH_SCRIPT, _LIST_SCRIPT, _LAST_SCRIPT)
    own = {name: static_dir() / name for name in (_OWN_STYLE, _LIST_STYLE, *scripts)}
    images = {f"leaflet/images/{name}": leaflet / "images" / name for name in _LEAFLET_IMAGES}
    return files | own | images


def render_parts(drawn: folium.Map, *, nonce: str, asset_url: Callable[[str], str]) -> MapParts:
    """Render a map for a page under ``script-src 'nonce-…'; style-src 'nonce-…'``.

    Parameters
    ----------
    drawn
        What :func:`build_map` returned.
    nonce
        The page's nonce; it stands on every script, style and link.
    asset_url
        Turns a name of :func:`asset_files` into the address it is served at. Leaflet's images
        must lie beside its style sheet as their names say.

    Raises
    ------
    InputError
        The nonce is not one, or something was added to the map that loads from another host.
    """
    if not re.fullmatch(r"[A-Za-z0-9+/_=-]+", nonce):
        raise InputError("A nonce is made of letters, digits and + / _ - = only.")
    page = _figure(drawn)
    header, body, script = _pieces(page)
    links = [
        f'<link rel="stylesheet" nonce="{nonce}" href="{escape(asset_url(name))}">'
        for name in _styles(page)
    ]
    scripts = [
        f'<script nonce="{nonce}" src="{escape(asset_url(name))}"></script>'
        for name in _scripts(page)
    ]
    head = [*links, f'<style nonce="{nonce}">{css_variables()}</style>', _signed(header, nonce)]
    script = f'<script nonce="{nonce}">\n{script}</script>'
    return MapParts("\n".join(head), _signed(body, nonce), "\n".join([*scripts, script]))


def render_frame(options: MapOptions) -> str:
    """Return the figure a map will stand in, without the map: it is there at once.

    The map comes with :func:`render_drawing`. The figure fills its parent; give that a height.
    """
    return _body(options, f"map_{1:032x}")  # as _number names the only map of a page


def frame_files(*, clustered: bool, for_list: bool = False) -> tuple[list[str], list[str]]:
    """Return the styles and scripts a map needs, names of :func:`asset_files` in their order."""
    cluster = [_CLUSTER_SCRIPT] if clustered else []
    way_in = _LIST_SCRIPT if for_list else _SEARCH_SCRIPT
    styles = ["leaflet/leaflet.css", _OWN_STYLE, *([_LIST_STYLE] if for_list else [])]
    return styles, ["leaflet/leaflet.js", *cluster, *_DRAWING_SCRIPTS, way_in, _LAST_SCRIPT]


def render_drawing(drawn: folium.Map) -> str:
    """Return the script that draws a map into :func:`render_frame` of the same options.

    It runs once the files of :func:`frame_files` are there. The same map gives the same text.

    Raises
    ------
    InputError
        Something was added to the map that loads from another host.
    """
    page = _figure(drawn)
    _number(page)
    return _pieces(page)[2]


def render_file(drawn: folium.Map) -> str:
    """Render a map as one page that opens from a disk, without a server or a network.

    Raises
    ------
    InputError
        Something was added to the map that loads from another host.
    """
    return _file(_figure(drawn))


def _file(page: MapFigure) -> str:
    options = page.options
    files = asset_files()
    _number(page)
    header, body, script = _pieces(page)
    # A text in the page cannot know a nonce that follows from the whole page, itself included;
    # and the same map gives the same bytes.
    whole = f"{options.title}\0{header}\0{body}\0{script}"
    nonce = hashlib.sha256(whole.encode()).hexdigest()[:32]
    styles = [_inlined_style(files, name) for name in _styles(page)]
    theme = "" if options.theme == "auto" else f' class="theme-{options.theme}"'
    scripts = [_inlined_script(files[name]) for name in _scripts(page)]
    language = "zh-CN" if options.language == "zh" else "en"
    # The policy makes the promise hold: scripts are these, and only images may be fetched.
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; "
        "img-src data: http: https:"
    )
    lines = [
        "<!DOCTYPE html>",
        f'<html lang="{language}"{theme}>',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        _VIEWPORT,
        f"<title>{escape(options.title)}</title>",
        *(
            f"<style>{text}</style>"
            for text in [_FILE_STYLE, css_variables(options.theme), *styles]
        ),
        _signed(header, nonce),
        "</head>",
        "<body>",
        f'<main class="lmap-main"><h1 class="lmap-unseen">{escape(options.title)}</h1>',
        _signed(body, nonce),
        "</main>",
        *(f'<script nonce="{nonce}">{text}</script>' for text in [*scripts, script]),
        "</body>",
        "</html>",
    ]
    return "\n".join(lines) + "\n"


def _number(page: MapFigure) -> None:
    """Give the elements running numbers for branca's random ids: a file holds one map alone."""
    waiting: list[Element] = [page]
    for number, element in enumerate(waiting):
        element._id = f"{number:032x}"  # noqa: SLF001 - branca offers no other way
        waiting.extend(element._children.values())  # noqa: SLF001


def _figure(drawn: folium.Map) -> MapFigure:
    page = drawn.get_root()
    if not isinstance(page, MapFigure):
        raise InputError("This map was not made by build_map.")
    return page


def _pieces(page: MapFigure) -> tuple[str, str, str]:
    """Return what stands in the head, the figure with its caption, and the script."""
    children = list(page._children.values())  # noqa: SLF001 - branca offers no other way
    for child in children:
        child.render()
    header, additions, script = (part.render() for part in (page.header, page.html, page.script))
    foreign = _FOREIGN.search(header + additions)
    if foreign:
        raise InputError(
            f"Something added to the map loads from {foreign[1]}; a map is shown where other "
            "hosts are out of reach, so add it from a local file."
        )
    name = children[0].get_name()
    return header, f"{_body(page.options, name)}\n{additions}", script


def _body(options: MapOptions, name: str) -> str:
    title = escape(options.title)
    # In the rider's own page the title and the source would only say again what stands there.
    lines = [] if options.for_list else [f'<strong class="lmap-title">{title}</strong>']
    if options.illustrative:
        note = say(LABELS["illustrative"], options.language)
        lines.append(f'<span class="lmap-illustrative">{escape(note)}</span>')
    if options.caption and not options.for_list:
        lines.append(f'<span class="lmap-source">{escape(options.caption)}</span>')
    if options.map_approval:
        approval = say(LABELS["approval"], options.language) + options.map_approval
        lines.append(f'<span class="lmap-approval">{escape(approval)}</span>')
    elif options.show_districts:
        missing = escape(say(LABELS["no_approval"], options.language))
        lines.append(f'<span class="lmap-approval">{missing}</span>')
    without = escape(say(LABELS["script"], options.language))
    below = f'<figcaption class="lmap-caption">{" ".join(lines)}</figcaption>\n' if lines else ""
    return (
        '<figure class="lmap">\n'
        f'<div class="lmap-canvas" id="{name}" role="region" aria-label="{title}">'
        f"<noscript>{without}</noscript></div>\n"
        f"{below}</figure>"
    )


def _styles(page: MapFigure) -> list[str]:
    return frame_files(clustered=page.clustered, for_list=page.options.for_list)[0]


def _scripts(page: MapFigure) -> list[str]:
    return frame_files(clustered=page.clustered, for_list=page.options.for_list)[1]


def _signed(html: str, nonce: str) -> str:
    return re.sub(r"<(script|style|link)\b(?![^>]*\bnonce=)", rf'<\1 nonce="{nonce}"', html)


def _inlined_style(files: dict[str, Path], name: str) -> str:
    def inline(match: re.Match[str]) -> str:
        image = files[f"{name.rpartition('/')[0]}/{match[1]}"]
        return f"url(data:image/png;base64,{base64.b64encode(image.read_bytes()).decode()})"

    text = files[name].read_text(encoding="utf-8")
    return re.sub(r"url\((images/[\w.-]+)\)", inline, text)


def _inlined_script(file: Path) -> str:
    text = file.read_text(encoding="utf-8")
    text = re.sub(r"^//# sourceMappingURL=.*$", "", text, flags=re.MULTILINE)
    return text.replace("</script", "<\\/script")


def _package_dir(name: str) -> Path:
    """Return the data folder of an XStatic package."""
    return Path(import_module(f"xstatic.pkg.{name}").BASE_DIR)

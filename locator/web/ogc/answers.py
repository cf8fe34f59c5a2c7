"""Formats, links and headers of ``/ogc``: what every answer there has in common."""

import hashlib
import json
import threading
import zlib
from collections.abc import Iterable, Iterator
from typing import Literal
from urllib.parse import urlencode

from flask import Response, g, make_response, render_template, request, stream_with_context, url_for

from locator import __version__
from locator.web.compress import takes_gzip
from locator.web.language import language
from locator.web.request import best_media, get_service

JSON, HTML, GEOJSON = "application/json", "text/html", "application/geo+json"
SCHEMA = "application/schema+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
Format = Literal["json", "html"]
Document = dict[str, object]
Link = dict[str, str]
GZIP = 31  # zlib's wbits for a gzip header around the largest window
_VARY = "Accept, Accept-Language, Cookie, Accept-Encoding"


def choose_format(media: str) -> Format:
    """Return the format asked for, by ``f`` or else by ``Accept``; JSON for who takes neither.

    Parameters
    ----------
    media
        The media type of the answer where it is JSON.
    """
    asked = request.args.get("f")
    if asked in {"json", "html"}:
        return "html" if asked == "html" else "json"
    offered = dict.fromkeys((media.split(";", maxsplit=1)[0], JSON, HTML))
    return "html" if best_media(tuple(offered)) == HTML else "json"


def link(rel: str, endpoint: str, media: str, title: str = "", **values: str) -> Link:
    """Return a link to one of our own addresses, whole, as the client sees them."""
    href = url_for(f"ogc.{endpoint}", _external=True, **values)
    return {"href": href, "rel": rel, "type": media} | ({"title": title} if title else {})


def here(media: str, **changed: str | None) -> list[Link]:
    """Return links to this very page, ``self`` and ``alternate``, in its two formats."""
    shown = choose_format(media)
    other: Format = "html" if shown == "json" else "json"
    types = {"json": media, "html": HTML}
    return [
        {"href": address(f=shown, **changed), "rel": "self", "type": types[shown]},
        {"href": address(f=other, **changed), "rel": "alternate", "type": types[other]},
    ]


def address(**changed: str | None) -> str:
    """Return this page's address with some parameters changed, or left out where None."""
    values = {**request.args.to_dict(), **changed}
    kept = {name: value for name, value in values.items() if value is not None}
    if "ogc_path" not in g:
        # What comes from the path is no parameter; url_for would mix the two.
        g.ogc_path = url_for(str(request.endpoint), _external=True, **(request.view_args or {}))
    return f"{g.ogc_path}?{urlencode(kept)}" if kept else str(g.ogc_path)


def tag(version: str) -> str:
    """Return the mark of this answer: the same while data, program and question are the same."""
    address = [request.scheme, request.host, request.root_path, request.path]
    parts = [version, __version__, *address, language(), str(g.local)]
    parts += [request.headers.get("Accept", ""), get_service().settings.map_approval]
    parts.append(request.query_string.decode("latin-1"))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


def not_modified(mark: str) -> Response | None:
    """Return 304 if the client has this answer already."""
    if not request.if_none_match.contains_weak(mark):
        return None
    return _headed(Response(status=304), mark)


def answer(document: Document, media: str, template: str, mark: str, **context: object) -> Response:
    """Return a document as JSON, or as the page that a template makes of it."""
    unchanged = not_modified(mark)
    if unchanged is not None:
        return unchanged
    if choose_format(media) == "html":
        page = render_template(f"ogc/{template}.html", document=document, **context)
        return _headed(make_response(page), mark)
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return _headed(Response(text, content_type=media), mark)


class CachedAnswer:
    """An answer but for its end, and the system of its coordinates."""

    def __init__(self, body: bytes, crs_uri: str) -> None:
        self.body = body
        self.crs_uri = crs_uri
        self._lock = threading.Lock()
        self._packed = b""
        self._packer = zlib.compressobj(level=6, wbits=GZIP)

    def packed(self, end: bytes) -> bytes:
        """Return the answer with an end as gzip; all but the end is packed only once."""
        with self._lock:
            if not self._packed:
                begun = self._packer.compress(self.body)
                self._packed = begun + self._packer.flush(zlib.Z_SYNC_FLUSH)
            packer = self._packer.copy()
        return self._packed + packer.compress(end) + packer.flush()


def plain(kept: CachedAnswer, end: bytes, media: str, mark: str) -> Response:
    """Return features that are whole already, not copied, or packed where the client takes it."""
    headers = [("Content-Type", media), ("Content-Crs", f"<{kept.crs_uri}>")]
    pieces: tuple[bytes, ...] = (kept.body, end)
    if takes_gzip():
        pieces = (kept.packed(end),)
        headers.append(("Content-Encoding", "gzip"))
    headers.append(("Content-Length", str(sum(map(len, pieces)))))
    return Response(pieces, headers=headers + _common(mark) + _spoken())


def stream(pieces: Iterable[bytes], media: str, mark: str) -> Response:
    """Return an answer that is sent while it is made, packed where the client takes it so."""
    packed = takes_gzip()
    body = _pack(pieces) if packed else iter(pieces)
    response = Response(stream_with_context(body), content_type=media)
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    return _headed(response, mark)


def _pack(pieces: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(level=4, wbits=GZIP)
    for piece in pieces:
        # Flushed, so that the client reads each piece when it was sent.
        yield packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH)
    yield packer.flush()


def _headed(response: Response, mark: str) -> Response:
    response.headers.update(_common(mark) + ([] if response.status_code == 304 else _spoken()))
    return response


def _common(mark: str) -> list[tuple[str, str]]:
    # Weak: the same features, packed or not, at another time stamp.
    return [("ETag", f'W/"{mark}"'), ("Vary", _VARY)]


def _spoken() -> list[tuple[str, str]]:
    return [("Content-Language", "zh-CN" if language() == "zh" else "en")]

"""Answers packed with gzip: a phone on a poor network waits for bytes, not for our processor."""

import gzip

from flask import Response, request

_WORTH_IT = 600  # bytes
_KINDS = ("text/", "application/json", "application/geo+json", "application/manifest+json")
_DOCUMENTS = ("application/schema+json", "application/vnd.oai.openapi+json")
_SCRIPTS = ("application/javascript", "image/svg+xml")


def takes_gzip() -> bool:
    """Tell whether the browser takes gzip."""
    return bool(request.accept_encodings["gzip"])


def compress(response: Response) -> Response:
    """Pack an answer if the browser takes it so, and it is text and worth it."""
    text = (response.mimetype or "").startswith((*_KINDS, *_DOCUMENTS, *_SCRIPTS))
    if not text or response.is_streamed:
        return response
    if "Accept-Encoding" not in response.headers.get("Vary", ""):
        response.vary.add("Accept-Encoding")
    plain = response.direct_passthrough or response.headers.get("Content-Encoding")
    if plain or request.method == "HEAD" or not takes_gzip():
        return response
    body = response.get_data()
    if len(body) < _WORTH_IT:
        return response
    response.set_data(gzip.compress(body, compresslevel=6, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    return response

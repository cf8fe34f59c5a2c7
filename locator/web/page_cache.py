"""Pages that are the same for everybody but for their nonce: made once, kept, packed once.

A page is rendered with a mark where its nonce stands; every answer gets a nonce of its own there.
The packed form is a gzip stream whose parts between the nonces were packed apart, so that only
the check sum at its end is worked out anew.
"""

import secrets
import struct
import zlib
from collections.abc import Callable, Hashable

from flask import Flask, Response, current_app, g, request

from locator.cache import Cache
from locator.web.compress import takes_gzip

_PAGES = 32
_BYTES = 8 * 2**20
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # RFC 1952: deflate, no name, no time


class NoncePage:
    """A page in parts, the nonce of an answer goes between them."""

    def __init__(self, text: str, mark: str) -> None:
        self._parts = [part.encode() for part in text.split(mark)]
        # Packed when somebody first takes it so; two threads would do the same.
        self._packed: list[bytes] = []
        self.size = 2 * sum(map(len, self._parts))

    def plain(self, nonce: str) -> bytes:
        """Return the page with a nonce."""
        return nonce.encode().join(self._parts)

    def packed(self, nonce: str) -> bytes:
        """Return the page with a nonce as gzip."""
        raw = nonce.encode()  # every nonce is as long: what lies before it stays as far behind
        if not self._packed:
            self._packed = _pack(self._parts, len(raw))
        stored = struct.pack("<BHH", 0, len(raw), len(raw) ^ 0xFFFF) + raw
        plain = self.plain(nonce)
        end = struct.pack("<II", zlib.crc32(plain), len(plain) & 0xFFFFFFFF)
        return b"".join([_GZIP_HEAD, stored.join(self._packed), b"\x03\x00", end])


def _pack(parts: list[bytes], between: int) -> list[bytes]:
    """Return deflate blocks that end at a byte and refer to what stands before, but to no nonce.

    Bytes that UTF-8 never has stand in the nonces' places, so that nothing is like them.
    """
    packed, before = [], b""
    for part in parts:
        packer = zlib.compressobj(level=9, wbits=-15, zdict=before[-(1 << 15) :])
        packed.append(packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH))
        before += part + b"\xff" * between
    return packed


class PageCache(Cache[NoncePage]):
    """A bounded number of pages.

    Parameters
    ----------
    most, most_bytes
        How many there are, and about how many bytes they take: a page counts for at least a share.
    """

    def __init__(self, *, most: int = _PAGES, most_bytes: int = _BYTES) -> None:
        super().__init__(most_bytes, lambda page: max(page.size, most_bytes / most))
        self.mark = secrets.token_urlsafe(32)  # stands in no page but for the nonce


def keep_pages(app: Flask) -> None:
    """Give an application the memory that kept pages use."""
    app.extensions["locator.pages"] = PageCache()


def send_cached(key: Hashable, make: Callable[[], str]) -> Response:
    """Send a page that is the same for everybody who asks with the same key."""
    pages: PageCache = current_app.extensions["locator.pages"]

    def render() -> str:
        own, g.nonce = g.nonce, pages.mark
        try:
            return make()
        finally:
            g.nonce = own

    page = pages.get(key, lambda: NoncePage(render(), pages.mark))
    response = Response(mimetype="text/html")
    response.vary.add("Accept-Encoding")
    if takes_gzip() and request.method != "HEAD":
        response.set_data(page.packed(g.nonce))
        response.headers["Content-Encoding"] = "gzip"
    else:
        response.set_data(page.plain(g.nonce))
    return response

"""Whom the server speaks to: by which name it was asked, and whether from this machine.

``Host`` is the client's word, and behind a proxy on this machine every peer is a loopback
address. So one function, :func:`judge`, decides once a request; nothing else reads either.
"""

import ipaddress
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from flask import Flask, Response, request

from locator.errors import SettingsError
from locator.settings import Settings, host_name

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_KEY = "locator.caller"
_PORT = re.compile(r":[0-9]{1,5}\Z")
_FORWARDING = re.compile(
    r"HTTP_(X_FORWARDED.*|X_ORIGINAL_.*|FORWARDED.*|VIA|(X_|TRUE_|CF_|FASTLY_)*(REAL|CLIENT|"
    r"CLUSTER_CLIENT|CONNECTING|REMOTE|PROXYUSER)_(IP|ADDR)|X_REMOTE_.*|X_PROXY.*|CDN_LOOP)\Z"
)
_QUIET_S = 60.0
_HEALTH = "/healthz"  # asked by whatever looks after the machine, under any name; it tells nothing


@dataclass(frozen=True)
class Caller:
    """What is known of who asks.

    Attributes
    ----------
    name
        The host name or address it asked for; empty if that was none.
    local
        Whether it sits at this machine and asks without a proxy between.
    refusal
        Why it is not answered, a sentence in Chinese and one in English; empty if it is.
    """

    name: str
    local: bool
    refusal: str


_NOT_SET = (
    "此服务器尚未设置对外域名：请把 LOCATOR_HOSTS 设为网站的域名后重新启动"
    "（经反向代理或从其他机器访问时必须设置）。\n"
    "This server was not told under which name it is served: set LOCATOR_HOSTS to the site's host "
    "name and start it again (required behind a proxy, and where it is reached from other "
    "machines; see docs/deployer.md).\n"
)
_OTHER = (
    "此服务器不以这个域名提供服务（设置 LOCATOR_HOSTS）。\n"
    "This server does not serve the host name that was asked for (LOCATOR_HOSTS names those it "
    "serves).\n"
)
_BROKEN = "请求的 Host 有误。\nThe Host of the request is not a host name.\n"


def is_loopback(address: str) -> bool:
    """Tell whether an IP address, also an IPv4 one written as IPv6, is this machine's own."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if found.version == 6 else None
    return (mapped or found).is_loopback


def judge(environ: Mapping[str, object], settings: Settings, *, listens_here: bool) -> Caller:
    """Decide whether a request is answered, and whether it comes from this machine.

    From this machine is what reaches a server that listens on a loopback address and was told
    neither hosts nor proxies, over loopback, under a name of loopback, with no sign of a proxy.
    Of an old version of HTTP no browser makes use, but proxies do.

    Parameters
    ----------
    environ
        The WSGI environment, before anything was changed in it but by proxies that are believed.
    listens_here
        Whether the server listens on a loopback address only.
    """
    name = _asked_name(str(environ.get("HTTP_HOST", "")))
    if not name:
        return Caller("", False, _BROKEN)
    if settings.host_names:
        return Caller(name, False, "" if name in settings.host_names else _OTHER)
    direct = (
        listens_here
        and settings.proxies == 0
        and is_loopback(str(environ.get("REMOTE_ADDR", "")))
        and (name == "localhost" or is_loopback(name))
        and environ.get("SERVER_PROTOCOL") != "HTTP/1.0"
        and not any(_FORWARDING.match(key) for key in environ)
    )
    return Caller(name, direct, "" if direct else _NOT_SET)


def _asked_name(text: str) -> str:
    if not text.isascii():
        return ""
    try:
        return host_name(_PORT.sub("", text))
    except ValueError:
        return ""


class HostCheck:
    """The WSGI layer that refuses foreign hosts and tells the application its public address."""

    def __init__(
        self,
        app: "Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]",
        settings: Settings,
        *,
        listens_here: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app, self._settings, self._listens_here = app, settings, listens_here
        self._clock, self._lock = clock, threading.Lock()
        self._said_at: float | None = None
        self._unsaid = 0

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer 400, or hand on."""
        found = judge(environ, self._settings, listens_here=self._listens_here)
        environ[_KEY] = found
        if found.refusal:
            if environ.get("PATH_INFO") != _HEALTH:
                self._say(str(environ.get("HTTP_HOST", "")), found)
                return _refuse(found.refusal)(environ, start_response)
            environ["HTTP_HOST"] = "localhost"  # a broken name would trip whoever reads it
        if self._settings.public_url:
            _speak_as(environ, self._settings.public_url)
        return self._app(environ, start_response)

    def _say(self, host: str, found: Caller) -> None:
        """Log one line, and at most one a minute."""
        now = self._clock()
        with self._lock:
            self._unsaid += 1
            if self._said_at is not None and now - self._said_at < _QUIET_S:
                return
            count, self._unsaid, self._said_at = self._unsaid, 0, now
        reason = found.refusal.splitlines()[-1]
        logging.getLogger("locator").warning(
            "%d request(s) refused, the last for the host %s: %s", count, ascii(host[:80]), reason
        )


def _refuse(reason: str) -> Response:
    response = Response(reason, 400, content_type="text/plain; charset=utf-8")
    response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


def _speak_as(environ: "WSGIEnvironment", public_url: str) -> None:
    """Let every whole link be made of the public address, whatever the request said."""
    parts = urlsplit(public_url)
    environ["wsgi.url_scheme"], environ["HTTP_HOST"] = parts.scheme, parts.netloc
    environ["SCRIPT_NAME"] = parts.path
    path = str(environ.get("PATH_INFO", ""))
    if parts.path and f"{path}/".startswith(f"{parts.path}/"):  # the proxy left the folder on
        environ["PATH_INFO"] = path.removeprefix(parts.path)


def use_hosts(app: Flask, settings: Settings, *, listens_here: bool) -> None:
    """Put the check before an application.

    Raises
    ------
    SettingsError
        The server is reached from elsewhere, and no host is named.
    """
    if not settings.host_names and (settings.proxies or not listens_here):
        where = "LOCATOR_PROXIES is set" if settings.proxies else "the server listens beyond it"
        raise SettingsError(
            f"LOCATOR_HOSTS must name the hosts that the site is served under, such as "
            f"rest.example.gov.cn or 192.168.1.5, because {where}; every other host gets 400."
        )
    app.wsgi_app = HostCheck(  # type: ignore[method-assign]
        app.wsgi_app, settings, listens_here=listens_here
    )


def caller() -> Caller:
    """Return who makes the present request."""
    return cast("Caller", request.environ[_KEY])


def names_us(netloc: str, settings: Settings) -> bool:
    """Tell whether the host and port of an address are ours, by the public name or another."""
    return netloc == request.host or _asked_name(netloc) in settings.host_names

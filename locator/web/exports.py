"""``/exports``: the public layers as files by link, and a GBFS feed of the cabinets."""

import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import cast

from flask import Blueprint, Flask, Response, abort, current_app, render_template, request, url_for

from locator import __version__, questions
from locator.cache import Cache
from locator.errors import InputError
from locator.exports import (
    FEEDS,
    FORMATS,
    LABELLED,
    Addresses,
    CachedFile,
    Export,
    cached_file,
    find_export,
    gbfs_document,
    osm_collection,
    write_export,
)
from locator.features import View, Views
from locator.schema import Language, Provenance
from locator.service import Snapshot
from locator.web.admission import admission_of, dear
from locator.web.compress import takes_gzip
from locator.web.language import gettext as _
from locator.web.language import language
from locator.web.request import get_service, given_address

blueprint = Blueprint("exports", __name__)

_KEPT_BYTES = 2**30  # on the disk, where temporary files are
_WAIT_S = 30.0
_SIZES_UP_TO = 5_000  # rows; the sizes of larger files are not known before somebody wants one
_NAMES = ("stations", "hot_zones", "gaps")
_OSM = "stations_osm"


def keep_exports(app: Flask) -> None:
    """Give an application the memory that this blueprint uses."""
    turn = partial(admission_of(app).turn, wait_s=_WAIT_S)
    app.extensions["locator.exports"] = Cache[CachedFile](
        _KEPT_BYTES, lambda file: file.size_bytes, turn=turn
    )


@dataclass(frozen=True)
class _Offer:
    """One format on the page; the size is None where nobody knows it yet."""

    name: str
    href: str
    words: str
    size: str | None


@dataclass(frozen=True)
class _Listed:
    """One collection on the page."""

    id: str
    title: str
    description: str
    rows: int
    illustrative: bool
    provenance: list[str]
    sources: list[str]
    offers: list[_Offer]


@blueprint.get("/exports")
def page() -> str:
    """List what there is, with size, date, licence, source and datum."""
    given_address(("lang",))
    snapshot = get_service().snapshot()
    found = [find_export(name) for name in _NAMES]
    listed = [_listed(export, snapshot) for export in found if export is not None]
    changed = snapshot.changed_at
    return render_template(
        "exports.html",
        listed=listed,
        changed_at=changed.astimezone(get_service().rules.timezone) if changed else None,
        licence=get_service().settings.data_licence,
        cabinets=int((snapshot.stations["kind"] == "swap_cabinet").sum()),
        osm=url_for("exports.tagged"),
    )


@blueprint.get("/exports/<name>.<ending>")
def layer(name: str, ending: str) -> Response:
    """Send a collection as a file; ``?labels=zh`` or ``en`` for headers and labels in words."""
    export = find_export(name)
    if export is None or ending not in FORMATS:
        known = f"{', '.join(_NAMES)}; {', '.join(FORMATS)}"
        abort(404, _("没有这个文件；有 %(known)s。", known=known))
    labels = given_address(("labels",)).read("labels", questions.language)
    if labels is not None and ending not in LABELLED:
        raise InputError("A GeoJSON file holds codes, for programs; leave labels out.")
    snapshot = get_service().snapshot()
    return _send(snapshot, export, ending, labels)


@blueprint.get("/exports/stations-osm.geojson")
def tagged() -> Response:
    """Send the stations with the tags that OpenStreetMap would give them."""
    given_address(())
    snapshot = get_service().snapshot()
    with dear():
        body = json.dumps(osm_collection(snapshot.stations), ensure_ascii=False, allow_nan=False)
    response = Response(body.encode("utf-8", "replace"), content_type=FORMATS["geojson"].media_type)
    _name(response, "stations-osm", "geojson")
    return _marked(response, snapshot, "osm")


@blueprint.get("/exports/gbfs/<name>.json")
def feed(name: str) -> Response:
    """Send one of the feeds of the cabinets."""
    if name not in FEEDS:
        abort(404, _("没有这个文件；有 %(known)s。", known=", ".join(FEEDS)))
    given_address(())
    service, snapshot = get_service(), get_service().snapshot()
    with dear():
        document = gbfs_document(
            name,
            snapshot.stations,
            service.settings,
            Addresses(
                {own: url_for("exports.feed", name=own, _external=True) for own in FEEDS},
                lambda station: url_for("rider.station", station_id=station, _external=True),
            ),
            system_id=f"locator-{snapshot.version.rsplit('-', 1)[0]}",
            changed_at=snapshot.changed_at or service.now(),
        )
        body = json.dumps(document, ensure_ascii=False, allow_nan=False)
    response = Response(body.encode("utf-8", "replace"), content_type="application/json")
    return _marked(response, snapshot, request.url)


def _view(export: Export, snapshot: Snapshot) -> View:
    views = cast("Views", current_app.extensions["locator.views"])
    return views.view(snapshot, export.collection)


def _file(snapshot: Snapshot, export: Export, ending: str, labels: Language | None) -> CachedFile:
    view = _view(export, snapshot)
    said: dict[str, object] = {"datum": "WGS-84", "illustrative": view.illustrative}
    if get_service().settings.data_licence:
        said["license"] = get_service().settings.data_licence
    if view.about is not None and view.about.facts:
        said["published"] = dict(view.about.facts)

    def make(path: Path) -> None:
        write_export(export, view, path, language=labels, said=said)

    name = f"{export.collection.id}-{labels or 'codes'}.{ending}"
    return _kept_file(snapshot, name, make)


def _packed(snapshot: Snapshot, plain: CachedFile, name: str) -> CachedFile:
    def make(path: Path) -> None:
        with path.open("wb") as stream, gzip.GzipFile("", "wb", 6, stream, 0) as packer:
            for piece in plain.pieces():
                packer.write(piece)

    return _kept_file(snapshot, name, make)


def _send(snapshot: Snapshot, export: Export, ending: str, labels: Language | None) -> Response:
    response = Response(content_type=FORMATS[ending].media_type)
    _name(response, export.collection.id.replace("_", "-"), ending)
    response = _marked(response, snapshot, f"{export.collection.id} {ending} {labels}")
    if response.status_code == 304:
        return response
    kept = _file(snapshot, export, ending, labels)
    if FORMATS[ending].is_text:
        response.vary.add("Accept-Encoding")
        if takes_gzip():
            name = f"{export.collection.id}-{labels or 'codes'}.{ending}.gz"
            kept = _packed(snapshot, kept, name)
            response.headers["Content-Encoding"] = "gzip"
    response.response = kept.pieces()
    response.content_length = kept.size_bytes
    return response


def _marked(response: Response, snapshot: Snapshot, what: str) -> Response:
    """Give an answer its mark and date, and return 304 where the client has it already.

    The mark is weak: files written twice from the same data differ in a time stamp inside.
    """
    settings = get_service().settings
    parts = [snapshot.version, __version__, settings.data_licence, settings.contact_email, what]
    mark = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]
    response.set_etag(mark, weak=True)
    if snapshot.changed_at is not None:
        response.last_modified = snapshot.changed_at.astimezone(UTC)
    return cast("Response", response.make_conditional(request))


def _name(response: Response, stem: str, ending: str) -> None:
    day = get_service().now().date().isoformat()
    response.headers["Content-Disposition"] = f'attachment; filename="{stem}-{day}.{ending}"'


def _kept_file(snapshot: Snapshot, name: str, make: Callable[[Path], None]) -> CachedFile:
    kept = cast("Cache[CachedFile]", current_app.extensions["locator.exports"])
    return kept.get(name, lambda: cached_file(name, make), version=snapshot.version)


def _listed(export: Export, snapshot: Snapshot) -> _Listed:
    view = _view(export, snapshot)
    spoken = language()
    codes = view.frame["provenance"].dropna().unique()
    known = {own.value: own.label(spoken) for own in Provenance}
    sources = view.frame["source"].dropna()
    said = [export.collection.description, *([view.about.sentence] if view.about else [])]
    return _Listed(
        export.collection.id,
        export.collection.title.say(spoken),
        " ".join(own.say(spoken) for own in said),
        len(view),
        view.illustrative,
        [known[code] for code in known if code in codes],
        [str(text) for text in sources[sources != ""].value_counts().index[:3]],
        [_offer(export, snapshot, ending) for ending in FORMATS],
    )


def _offer(export: Export, snapshot: Snapshot, ending: str) -> _Offer:
    # For people, who read tables: words in their language. Programs read codes.
    labels = language() if ending in {"csv", "xlsx"} else None
    # An argument that is None is left out of the address.
    href = url_for("exports.layer", name=export.collection.id, ending=ending, labels=labels)
    size = None
    if len(_view(export, snapshot)) <= _SIZES_UP_TO:
        size = _size_words(_file(snapshot, export, ending, labels).size_bytes)
    known = FORMATS[ending]
    return _Offer(ending, href, known.zh if language() == "zh" else known.en, size)


def _size_words(size_bytes: int) -> str:
    if size_bytes < 1024 * 1024:
        return f"{max(1, round(size_bytes / 1024))} kB"
    return f"{size_bytes / 1024 / 1024:.1f} MB"

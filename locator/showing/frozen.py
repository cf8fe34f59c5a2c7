"""Frozen copies: what was shown on a day, its data and its pictures in one file that never changes.

A copy is a zip file in the store: ``about.json`` says what it is, ``data/*.geojson`` are the very
rows that were drawn or measured, ``map.zh.svg`` and its like the pictures. The data's hash is
SHA-256 over the data files, so that whoever has the file can check it.
"""

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import TypedDict, cast

import geopandas as gpd
import pandas as pd

from locator import __version__
from locator.errors import InputError, StoreError
from locator.maps import MapLayers
from locator.report.folder import Result
from locator.schema import Language
from locator.service import Service, Snapshot
from locator.showing.compose import LANGUAGES, Shown, show_view
from locator.showing.pictures import PictureOptions, picture_bytes
from locator.showing.view import NOW, MapView
from locator.store import Document
from locator.study.drawing import PictureFormat
from locator.study.measure import read_snapshot

FROZEN_KIND = "embed"
_ABOUT = "about.json"
_DPI = 200
_HASH_LETTERS = 16
_FORMATS: tuple[PictureFormat, ...] = ("svg", "png")
_DAY_ONE = (1980, 1, 1, 0, 0, 0)  # of a zip file: the same content shall give the same bytes


class About(TypedDict):
    """What a copy says of itself."""

    format: int
    what: str
    query: dict[str, str]
    title: dict[str, str]
    caption: dict[str, str]
    as_of: str | None
    data_sha256: str
    illustrative: bool
    map_approval: str
    coverage: Result | None
    program: str


@dataclass(frozen=True)
class Frozen:
    """A frozen copy, opened."""

    kept: Document
    about: About
    files: frozenset[str]

    def read(self, name: str) -> bytes:
        """Return one of its files."""
        with zipfile.ZipFile(io.BytesIO(self.kept.body)) as packed:
            return packed.read(name)

    def picture(self, language: Language, ending: str) -> bytes:
        """Return its picture in a language, ``png`` or ``svg``."""
        return self.read(f"map.{language}.{ending}")


def freeze(
    service: Service,
    what: str,
    view: MapView,
    *,
    picture: PictureOptions | None = None,
    as_of: datetime | None = None,
    actor: str = "locator",
) -> str:
    """Keep what a view shows now, or showed at a past moment, and return its digest.

    District lines are part of it only where the settings hold a map approval number: a copy is
    made to be shown to others. The same data and question on the same day are the same copy.

    Raises
    ------
    InputError
        The view cannot be drawn, or the copy is too large to keep.
    StoreVersionError
        The store was made by an older version; ``locator init`` brings it up.
    """
    if view.theme != "auto":
        raise InputError("A frozen copy is a picture, light as paper is: leave theme out.")
    now = service.now()
    if view.at == NOW:
        view = replace(view, at=now.replace(second=0, microsecond=0))
    snapshot = read_snapshot(service, as_of)
    borders = bool(service.settings.map_approval)
    shown = show_view(service, what, view, snapshot=snapshot, borders=borders)
    files = _data_files(shown.rests_on, borders=borders)
    about = _about(service, what, view, shown, snapshot=snapshot, data_sha256=hash_data(files))
    size = picture or PictureOptions(dpi=_DPI)
    for language in LANGUAGES:
        said = shown.said_in(language)
        for ending in _FORMATS:
            files[f"map.{language}.{ending}"] = picture_bytes(said, size, ending)
    files[_ABOUT] = json.dumps(about, ensure_ascii=False, indent=1, allow_nan=False).encode()
    past = {"as_of": about["as_of"]} if as_of else {}
    question = {"what": what, **about["query"], **past}
    return service.store.keep_document(
        FROZEN_KIND,
        " / ".join(about["title"][language] for language in LANGUAGES),
        json.dumps(question, ensure_ascii=False),
        _pack(files),
        made_at=now,
        data_version=snapshot.version,
        actor=actor,
    )


def open_frozen(kept: Document) -> Frozen:
    """Open a copy that the store kept.

    Raises
    ------
    StoreError
        It is none, or not whole.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(kept.body)) as packed:
            about = cast("About", json.loads(packed.read(_ABOUT)))
            return Frozen(kept, about, frozenset(packed.namelist()))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise StoreError(f"The kept document {kept.digest} is no frozen copy: {error}.") from error


def hash_data(files: dict[str, bytes]) -> str:
    """Return SHA-256 over the data files in the order of their names: name, line feed, content."""
    digest = hashlib.sha256()
    for name in sorted(name for name in files if name.startswith("data/")):
        digest.update(name.encode() + b"\n" + files[name])
    return digest.hexdigest()


def _about(
    service: Service,
    what: str,
    view: MapView,
    shown: Shown,
    *,
    snapshot: Snapshot,
    data_sha256: str,
) -> About:
    return About(
        format=1,
        what=what,
        query=view.query(),
        title={language: options.title for language, options in shown.words.items()},
        caption={language: options.caption for language, options in shown.words.items()},
        as_of=None if snapshot.as_of is None else snapshot.as_of.isoformat(timespec="minutes"),
        data_sha256=data_sha256,
        illustrative=shown.options.illustrative,
        map_approval=service.settings.map_approval,
        coverage=shown.coverage,
        program=f"locator {__version__}",
    )


def _data_files(layers: MapLayers, *, borders: bool) -> dict[str, bytes]:
    files = {}
    for layer in (field.name for field in fields(MapLayers)):
        frame: gpd.GeoDataFrame | None = getattr(layers, layer)
        if frame is not None and (borders or layer != "districts"):
            files[f"data/{layer}.geojson"] = _geojson(frame)
    return files


def _geojson(frame: gpd.GeoDataFrame) -> bytes:
    """Return a layer as GeoJSON; unknown is null, moments are ISO texts."""
    plain = frame.copy()
    for name in plain.columns.drop(plain.geometry.name):
        if not pd.api.types.is_numeric_dtype(plain[name]):
            plain[name] = [None if pd.isna(value) else str(value) for value in plain[name]]
    body = json.loads(plain.to_json(na="null", drop_id=True))
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode()


def _pack(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=_DAY_ONE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, files[name])
    return buffer.getvalue()


def citation(frozen: Frozen, url: str, language: Language, *, made_at: datetime) -> str:
    """Return the line for a report: what, of when, which data, where.

    Parameters
    ----------
    made_at
        When the copy was made, in the stations' own time zone.
    """
    about = frozen.about
    title = about["title"][language]
    moment = datetime.fromisoformat(about["as_of"]) if about["as_of"] else made_at
    data = about["data_sha256"][:_HASH_LETTERS]
    if language == "zh":
        made_up = "（示例数据）" if about["illustrative"] else ""
        return (
            f"《{title}》{made_up}，骑手驿站定位系统，数据截至 {moment:%Y-%m-%d %H:%M}，"
            f"数据哈希 SHA-256 {data}…，固定版：{url}"
        )
    made_up = " (illustrative data)" if about["illustrative"] else ""
    return (
        f"“{title}”{made_up}. Rider station locator, data as of {moment:%Y-%m-%d %H:%M}, "
        f"data hash SHA-256 {data}…, frozen copy: {url}"
    )

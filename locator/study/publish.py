"""A finished study into the store, for everybody to see: the steward's act."""

import json
import math
from datetime import datetime
from pathlib import Path

import pandas as pd
import shapely

from locator.errors import InputError
from locator.published import GAPS, KIND, About, Said, pack_gaps, unpack_gaps
from locator.report.folder import Summary
from locator.report.labels import standard_label
from locator.report.reading import GapsFolder, read_gaps
from locator.report.sentences import translate
from locator.schema import Language
from locator.store import DocumentFacts, Store

# Of the settings, those that the figures depend on; where the store lies is nobody's business.
_MODEL_SETTINGS = (
    *("timezone", "country", "min_minutes_left", "ride_speed_kmh", "detour_factor", "max_snap_m"),
    *("profile", "push_speed_kmh", "trunk_roads", "private_ways", "ferry_wait_minutes"),
)
_SHORTEST = 8  # characters of a digest that name it


def publish_study(store: Store, folder: Path, *, made_at: datetime, actor: str) -> str:
    """Publish the gap areas of a study's first standard and return the publication's digest.

    The same study again is the same publication; it is the last one again, too.

    Parameters
    ----------
    folder
        As ``locator gaps --out DIR`` wrote it.
    made_at
        The moment of publication.

    Raises
    ------
    InputError
        The folder is none of a finished study, is a scenario's, or is too large to be kept.
    """
    study = read_gaps(folder)
    if study.summary["scenario"] is not None:
        raise InputError(
            f"{folder} is a study of a scenario, and what is published counts as what is; run "
            "'locator gaps' on the register as it stands."
        )
    about = _about(study.summary)
    body = pack_gaps(about, *_rows(study))
    try:
        unpack_gaps(body)  # what the pages will do with it
    except ValueError as error:
        raise InputError(f"{folder} was changed by hand: {error}.") from error
    question = {"standard": about["standard"], "data_hash": about["data_hash"]}
    texts = (KIND, about["title"], json.dumps(question, ensure_ascii=False))
    version = study.summary["data_version"]
    digest = store.keep_document(*texts, body, made_at=made_at, data_version=version, actor=actor)
    if store.list_documents(KIND)[0].digest != digest:  # published before, and another after it
        store.discard_document(digest, actor=actor)
        store.keep_document(*texts, body, made_at=made_at, data_version=version, actor=actor)
    return digest


def _rows(study: GapsFolder) -> tuple[list[dict[str, object]], list[bytes]]:
    """Return the areas' rows and their polygons as WKB."""
    areas = study.layers["gap_areas"]
    areas = areas if areas.crs is None else areas.to_crs(4326)
    if not areas.geometry.geom_type.isin(["Polygon", "MultiPolygon"]).all():
        raise InputError("The layer gap_areas of the study holds a row that is no polygon.")
    names = [name for name in GAPS.column_names if name in areas]
    records = pd.DataFrame(areas[names]).astype(object).to_dict("records")
    rows = [{str(name): _plain(value) for name, value in row.items()} for row in records]
    return rows, [shapely.to_wkb(shape) for shape in areas.geometry]


def withdraw_study(store: Store, digest: str, *, actor: str) -> DocumentFacts:
    """Take a publication back; what was published before it is the last one again.

    Parameters
    ----------
    digest
        Its first eight characters or more.

    Raises
    ------
    InputError
        No publication, or several, begin so.
    """
    wanted = digest.strip().lower()
    found = [facts for facts in store.list_documents(KIND) if facts.digest.startswith(wanted)]
    if len(wanted) < _SHORTEST or len(found) != 1:
        raise InputError(
            f"{digest[:64]!r} names {len(found) if len(wanted) >= _SHORTEST else 'no'} "
            f"publication{'s' if len(found) > 1 else ''}; give {_SHORTEST} or more characters of "
            "one that 'locator publish --list' shows."
        )
    store.discard_document(found[0].digest, actor=actor)
    return found[0]


def _about(summary: Summary) -> About:
    first = summary["results"][0]
    return {
        "title": summary["title"],
        "studied_at": summary["made_at"],
        "program": summary["program"],
        "illustrative": summary["illustrative"],
        "data_hash": summary["data_hash"],
        "data_version": summary["data_version"],
        "as_of": summary["as_of"],
        "standard": first["standard"],
        "travel": summary["travel"],
        "network": summary["network"],
        "credit": summary["credit"],
        "hours": summary["hours"],
        "demand": summary["demand"],
        "filter": summary["filter"],
        "stations_counted": summary["stations_counted"],
        "stations_hours_unknown": summary["stations_hours_unknown"],
        "stations_services_unknown": summary["stations_services_unknown"],
        "covered_share_if_unknown_offered": first["covered_share_if_unknown_offered"],
        "covered_share": first["covered_share"],
        "demand_per_h": first["demand_per_h"],
        "unserved_demand_per_h": first["unserved_demand_per_h"],
        "said": {"zh": _said(summary, "zh"), "en": _said(summary, "en")},
        "settings": {n: v for n, v in summary["settings"].items() if n in _MODEL_SETTINGS},
    }


def _said(summary: Summary, language: Language) -> Said:
    return {
        "standard": standard_label(summary["results"][0]["standard"], language),
        "travel": translate(summary["travel"], language),
        "hours": translate(summary["hours"], language),
        "demand": translate(summary["demand"], language),
    }


def _plain(value: object) -> object:
    """Return a cell as JSON has it; what is unknown is None."""
    if value is None or value is pd.NA:
        return None
    if isinstance(value, bool | str):
        return value
    number = float(str(value))
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and not isinstance(value, float) else number

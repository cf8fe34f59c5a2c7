"""What a siting study leaves behind: tables, layers, manifest, certificate, map and figure."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import csr_array

from locator import __version__
from locator.errors import LocatorError, StudyError
from locator.hours import STATES
from locator.hours_words import week_words
from locator.register import write_rejected
from locator.report import FIGURE_FILES, write_report
from locator.report.folder import (
    CERTIFICATE,
    COMPARISON,
    COMPARISON_CSV,
    COMPARISON_FILES,
    FIGURES,
    FOLDER_VERSION,
    LAYERS_OF,
    REJECTED_CANDIDATES,
    SITES_CSV,
    SITES_FILES,
    SITES_GEOJSON,
    SITES_LAYERS,
    TABLES,
    TABLES_OF,
    Cell,
    Comparison,
    PlainTable,
    SiteSummary,
)
from locator.report.sentences import translate
from locator.schema import CRS, Language
from locator.service import Service
from locator.siting import Certificate, Effort
from locator.study.checkpoints import Checkpoints, to_frame, to_plain
from locator.study.folder import (
    Layer,
    background_layers,
    check_folder,
    replaced_folder,
    write_csv,
    write_json,
    write_results,
)
from locator.study.manifest import hash_frames, make_origin, shown_settings
from locator.study.maps import study_layers, write_study_map
from locator.study.sites import Keep, Made, SiteAnswer, solve_sites
from locator.study.sites_compare import compare_sites
from locator.study.sites_gains import Gains
from locator.study.sites_question import SiteQuestion
from locator.study.sites_setup import SiteInputs, SiteSetup
from locator.study.sites_table import UNITS_ZH
from locator.study.zone_source import demand_rests_on
from locator.travel import Routed

_POINT_M = 150.0  # the side of a point's square on a map, where points were given
_TOUCH = 1.1  # squares overlap a little, so that neighbours join


def run_sites(
    service: Service,
    inputs: SiteInputs,
    question: SiteQuestion,
    *,
    out: Path,
    effort: Effort | None = None,
    report: Language | None = None,
) -> SiteSummary:
    """Choose sites and write a folder of results, whole or not at all.

    What is in it stands in :mod:`locator.report.folder`. A search that was stopped leaves
    the best found, with its gap. A curve and varied runs that a run cut off had finished are taken
    up.

    Parameters
    ----------
    out
        The folder; an earlier run's is replaced, any other that is not empty is refused.
    effort
        As :func:`locator.study.sites.solve_sites`.
    report
        The language of the report; None writes none (:func:`locator.report.write_report` can
        do it later).

    Raises
    ------
    InputError, SitingError
        As :func:`locator.study.sites.solve_sites`.
    StudyError
        The folder cannot be written.
    """
    check_folder(out, SITES_FILES)
    out.parent.mkdir(parents=True, exist_ok=True)
    key = _key(service, inputs, question)
    with _checkpoints(out.parent / f".{out.name}-unfinished", key) as keep:
        answer = solve_sites(service, inputs, question, effort=effort, keep=keep)
        with replaced_folder(out) as draft:
            summary = _write_answer(draft, inputs, answer)
            if report is not None:
                write_report(draft, language=report)
                write_site_map(draft, service, answer, summary=summary, language=report)
            return summary


def _key(service: Service, inputs: SiteInputs, question: SiteQuestion) -> str:
    """Return what tells one question from another: what was asked, of which data."""
    measured = inputs.measured
    snapshot, travel = measured.snapshot, service.travel
    parts = {
        "program": __version__,
        "question": question.to_json(),
        "data": hash_frames(
            snapshot.stations, measured.hot_zones, measured.points, inputs.given, inputs.stored
        ),
        "places": hash_frames(snapshot.places, snapshot.districts),
        "travel": travel.describe(),
        "network": travel.digest if isinstance(travel, Routed) else "",
        "settings": asdict(service.settings),
        "week": str(service.now().date()) if question.hourly else "",
    }
    return json.dumps(parts, ensure_ascii=False, sort_keys=True)


class _Incomplete(Exception):  # noqa: N818 - no error: a table that must not be taken up
    def __init__(self, made: Made) -> None:
        super().__init__()
        self.made = made


@contextmanager
def _checkpoints(folder: Path, key: str) -> Iterator[Keep]:
    """Yield what keeps tables that are whole in a folder, until the block ends well or in error.

    A study that was refused leaves nothing; one that was cut off leaves its finished tables.
    """
    try:
        checkpoints = Checkpoints(folder, key)
    except OSError as error:
        raise StudyError(f"{folder} cannot be written: {error.strerror or error}.") from error

    def keep(name: str, make: Callable[[], Made]) -> Made:
        def whole() -> pd.DataFrame:
            made = make()
            if made[1]:
                raise _Incomplete(made)
            return made[0]

        try:
            return to_frame(checkpoints.take(name, whole)), []
        except _Incomplete as part:
            return part.made

    try:
        yield keep
    except LocatorError:
        checkpoints.clear()
        raise
    checkpoints.clear()


def run_comparison(
    service: Service,
    inputs: SiteInputs,
    question: SiteQuestion,
    moments: tuple[str, ...],
    *,
    out: Path,
    effort: Effort | None = None,
    report: Language | None = None,
) -> Comparison:
    """Answer one question at several moments, and write a folder each and what differs.

    ``report`` is the language of the report of all moments; None writes none.

    Raises
    ------
    InputError, SitingError
        As :func:`locator.study.sites_compare.compare_sites`.
    StudyError
        The folder cannot be written.
    """
    folders = tuple(f"at-{re.sub('[^0-9A-Za-z+-]', '', moment)}" for moment in moments)
    inside: dict[str, frozenset[str]] = {}
    for name in [*folders, *_earlier(out)]:
        inside |= {name: SITES_FILES, f"{name}/{FIGURES}": FIGURE_FILES}
    check_folder(out, COMPARISON_FILES, inside)
    compared = compare_sites(service, inputs, question, moments, effort=effort)
    with replaced_folder(out) as draft:
        summaries = []
        for name, answer in zip(folders, compared.answers, strict=True):
            (draft / name).mkdir()
            summaries.append(_write_answer(draft / name, inputs, answer))
        plain = to_plain(compared.table)
        whole = Comparison(
            folder_version=FOLDER_VERSION,
            moments=list(moments),
            folders=list(folders),
            table=plain,
            summaries=summaries,
        )
        write_json(draft / COMPARISON, whole)
        write_csv(draft / COMPARISON_CSV, compared.table)
        if report is not None:
            write_report(draft, language=report)
            for name, answer, summary in zip(folders, compared.answers, summaries, strict=True):
                write_site_map(draft / name, service, answer, summary=summary, language=report)
    return whole


def _earlier(out: Path) -> list[str]:
    """Return the folders of an earlier comparison, which are replaced."""
    return [p.name for p in out.glob("at-*") if p.is_dir()] if out.is_dir() else []


def _write_answer(draft: Path, inputs: SiteInputs, answer: SiteAnswer) -> SiteSummary:
    """Write one answer into an empty folder."""
    summary = make_site_summary(answer)
    table = pd.DataFrame(answer.sites.drop(columns="geometry"))
    table = table.assign(unit=answer.setup.unit, illustrative=summary["illustrative"])
    write_results(
        draft,
        inputs.measured,
        summary,
        _tables(answer),
        csv=(SITES_CSV, table),
        layers=(SITES_LAYERS, _layers(answer)),
        geojson=(SITES_GEOJSON, "sites", answer.sites),
    )
    if answer.siting.certificate is not None:
        baseline = float(answer.siting.baseline)
        write_certificate(draft / CERTIFICATE, answer.siting.certificate, baseline)
    if inputs.rejected:
        write_rejected(inputs.rejected, inputs.header, draft / REJECTED_CANDIDATES)
    return summary


def make_site_summary(answer: SiteAnswer) -> SiteSummary:
    """Return the manifest of an answer."""
    setup = answer.setup
    study = setup.basis.study
    snapshot, measured = study.inputs.snapshot, study.inputs
    demand = measured.hot_zones if measured.hot_zones is not None else measured.points
    used = [snapshot.stations[setup.counts], setup.candidates.frame]
    if measured.hot_zones is not None:
        used.append(measured.hot_zones)
    week = setup.basis.week
    weekly = f"every quarter-hour of the week of {week.monday}, hour by hour demand" if week else ""
    data = (snapshot.stations, demand, setup.candidates.frame)
    zones = measured.hot_zones is not None
    return {
        **make_origin(study, "Where next: rider stations", used=used, data=data, hours=weekly),
        "stations_counted": int(setup.open.any(axis=1).sum()),
        "stations_services_unknown": (
            int(setup.unrecorded.any(axis=1).sum()) if study.asks_what_may_be_unknown else None
        ),
        "stations_hours_unknown": int((setup.possible & ~setup.open).any(axis=1).sum()),
        "demand": "hot zones, spread evenly over each polygon" if zones else "points",
        "demand_rests_on": demand_rests_on(measured.hot_zones),
        "question": answer.question.to_json(),
        "figures": answer.figures,
        "rejected_points": len(measured.rejected),
        "rejected_candidates": answer.rejected_candidates,
        "notes": list(answer.notes),
        "settings": shown_settings(study.settings),
    }


def _tables(answer: SiteAnswer) -> dict[str, object]:
    sites = pd.DataFrame(answer.sites.drop(columns="geometry"))
    return {
        "sites": to_plain(sites),
        "curve": to_plain(answer.curve),
        "sensitivity": to_plain(answer.sensitivity),
        "hours": to_plain(_hours_table(sites, answer.gains)),
        "areas": to_plain(_area_table(answer.setup, answer.gains)),
    }


def _hours_table(sites: pd.DataFrame, gains: Gains) -> pd.DataFrame:
    """Return what each chosen one adds in each hour of the week, where it adds something."""
    columns = list(TABLES_OF["hours"])
    if gains.by_hour is None:
        return pd.DataFrame(columns=columns)
    row, hour = np.nonzero(gains.by_hour > 0)
    return pd.DataFrame(
        {
            "rank": row + 1,
            "id": sites["id"].to_numpy(dtype=object)[row],
            "hour": hour,
            "gain": np.round(gains.by_hour[row, hour], 6),
        }
    )


def _area_table(setup: SiteSetup, gains: Gains) -> pd.DataFrame:
    """Return demand and what of it is covered before and after, by district and by hot zone."""
    points = setup.basis.points
    parts = []
    for level in ("district", "zone"):
        ids = points.pieces[f"{level}_id"].to_numpy(dtype=object)[points.piece]
        names = points.pieces[f"{level}_name"].to_numpy(dtype=object)[points.piece]
        frame = pd.DataFrame(
            {
                "id": ids,
                "name": names,
                "demand": setup.demand.sum(axis=1),
                "covered_before": np.where(setup.served, setup.demand, 0.0).sum(axis=1),
                "covered_after": np.where(gains.covered, setup.demand, 0.0).sum(axis=1),
            }
        )
        if frame["id"].isna().all():
            continue
        grouped = frame.groupby(["id", "name"], dropna=False, as_index=False).sum()
        parts.append(grouped.assign(level=level))
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return table.reindex(columns=list(TABLES_OF["areas"])).round(6)


def _layers(answer: SiteAnswer) -> Iterator[Layer]:
    setup = answer.setup
    yield "chosen", answer.sites, "Point"
    frame = setup.candidates.frame
    chosen = frame.assign(chosen=frame["id"].isin(set(answer.sites["id"])))
    yield "candidates", chosen[[*LAYERS_OF["candidates"], "geometry"]], "Point"
    yield "demand", _demand_layer(answer), "Point"
    stations = _stations(answer, counted=setup.open.any(axis=1), eligible=setup.counts)
    yield from background_layers(setup.basis.study, stations)
    for name, shapes in covered_areas(answer).items():
        yield name, shapes, "MultiPolygon"


def _stations(answer: SiteAnswer, **columns: object) -> gpd.GeoDataFrame:
    """Return the stations, with their states at the moment that was asked for, if there is one."""
    study = answer.setup.basis.study
    snapshot = study.inputs.snapshot
    stations = snapshot.stations.assign(**columns)
    if study.at is None:
        return stations
    return stations.assign(state=[STATES[code].value for code in snapshot.index.states(study.at)])


def _demand_layer(answer: SiteAnswer) -> gpd.GeoDataFrame:
    """Return demand points and the share of each that is covered before and after."""
    setup = answer.setup
    points = setup.basis.points
    demand = setup.demand.sum(axis=1)
    shares = {}
    for name, covered in (("before", setup.served), ("after", answer.gains.covered)):
        part = np.where(covered, setup.demand, 0.0).sum(axis=1)
        shares[name] = np.divide(part, demand, out=np.zeros_like(part), where=demand > 0).round(6)
    pieces = points.pieces.iloc[points.piece].reset_index(drop=True)
    return gpd.GeoDataFrame(
        {
            "demand": demand.round(6),
            **shares,
            "zone_name": pieces["zone_name"],
            "district_name": pieces["district_name"],
        },
        geometry=shapely.points(points.lonlat),
        crs=CRS,
    )


def covered_areas(answer: SiteAnswer) -> dict[str, gpd.GeoDataFrame]:
    """Return what is newly covered and what stays uncovered, EPSG:4326.

    The layers ``newly_covered`` and ``uncovered`` of
    :data:`locator.report.folder.LAYERS_OF`.
    """
    setup = answer.setup
    demand = setup.demand
    total = demand.sum(axis=1)
    before = np.where(setup.served, demand, 0.0).sum(axis=1)
    after = np.where(answer.gains.covered, demand, 0.0).sum(axis=1)
    return {
        "newly_covered": _joined_squares(answer, after - before, after > before),
        "uncovered": _joined_squares(answer, total - after, (total > 0) & (after < 0.5 * total)),
    }


def _joined_squares(
    answer: SiteAnswer, amount: npt.NDArray[np.float64], chosen: npt.NDArray[np.bool_]
) -> gpd.GeoDataFrame:
    """Return the squares of some demand points, joined where they touch, with their demand."""
    basis = answer.setup.basis
    study, points = basis.study, basis.points
    zones = study.inputs.points is None
    half = 0.5 * (_TOUCH * points.side_m[chosen] if zones else _POINT_M)
    at = gpd.GeoSeries(shapely.points(points.lonlat[chosen]), crs=CRS).to_crs(study.crs)
    squares = shapely.box(at.x - half, at.y - half, at.x + half, at.y + half)
    joined = shapely.union_all(squares)
    if zones and len(squares):
        joined = shapely.intersection(joined, shapely.union_all(study.pieces.geometry.to_numpy()))
    parts = shapely.get_parts(joined)
    parts = parts[(shapely.get_type_id(parts) == 3) & ~shapely.is_empty(parts)]  # 3: polygons
    sums = np.zeros(len(parts))
    if len(parts):
        where = shapely.STRtree(parts).nearest(shapely.points(at.x, at.y))
        sums += np.bincount(where, weights=amount[chosen], minlength=len(parts))
    frame = gpd.GeoDataFrame(
        {"demand": pd.Series(sums, dtype=np.float64).round(6)}, geometry=parts, crs=study.crs
    )
    return frame.to_crs(CRS)


def write_certificate(path: Path, certificate: Certificate, baseline: float) -> None:
    """Write the dual numbers and the model as plain arrays, from which the bound is recomputed.

    With ``c = np.load(path)``, A is
    ``csr_array((c["data"], c["indices"], c["indptr"]), c["shape"])`` and G likewise from
    ``rule_*``; the lines of :class:`locator.siting.Certificate` give the bound
    of what is added; ``baseline`` is covered (or ridden) without any new site.
    """
    matrix, terms = certificate.matrix, certificate.terms
    rules = csr_array(terms.matrix)
    data = matrix.data if certificate.kind == "saving" else np.ones(len(matrix.indices))
    np.savez_compressed(
        path,
        kind=np.array(certificate.kind),
        baseline=np.array(baseline),
        shape=np.array(matrix.shape),
        indptr=matrix.indptr,
        indices=matrix.indices,
        data=data,
        first=certificate.first,
        second=certificate.second,
        rows=certificate.rows,
        rules=certificate.rules,
        rule_shape=np.array(rules.shape),
        rule_indptr=rules.indptr,
        rule_indices=rules.indices,
        rule_data=rules.data,
        right=terms.right,
        low=terms.low,
        high=terms.high,
        prices=terms.prices,
        share=np.array(certificate.share),
        target=np.array(certificate.target),
    )


def read_rows(folder: Path) -> list[dict[str, Cell]]:
    """Return the chosen sites of a folder that :func:`run_sites` has written, as plain rows."""
    table: PlainTable = json.loads((folder / TABLES).read_text("utf-8"))["sites"]
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def write_site_map(
    folder: Path, service: Service, answer: SiteAnswer, *, summary: SiteSummary, language: Language
) -> None:
    """Write the map of an answer into a folder, as a page and as a figure."""
    setup = answer.setup
    study = setup.basis.study
    areas = covered_areas(answer)
    layers = study_layers(
        study,
        _stations(answer)[setup.counts],
        gaps=areas["uncovered"].rename(columns={"demand": "unserved_demand"}),
        sites=_sites(answer, language),
        reach=_gained(areas["newly_covered"], language),
    )
    minutes = f"{answer.question.minutes:g}"
    title = f"选址结果（{minutes} 分钟）" if language == "zh" else f"Where next, {minutes} min"
    figures, words = summary["figures"], []
    before, after = figures["covered_share_before"], figures["covered_share_after"]
    if before is not None and after is not None:
        covered = "需求覆盖率" if language == "zh" else "demand covered"
        words.append(f"{covered} {before:.1%} → {after:.1%}")
    words += [translate(summary[key], language) for key in ("travel", "hours")]
    write_study_map(
        folder, service, study, summary, layers, title=title, words=words, language=language
    )


def _sites(answer: SiteAnswer, language: Language) -> gpd.GeoDataFrame:
    sites = answer.sites
    unit = answer.setup.unit
    unit = UNITS_ZH.get(unit, unit) if language == "zh" else unit
    said = [f"{value:,.1f} {unit}" for value in sites["gain"]]
    columns = {
        "rank": sites["rank"],
        "name": sites["name"],
        "gain": sites["gain"],
        "gain_words": pd.Series(said, index=sites.index, dtype=object),
        "hours_words": [week_words(text, language) for text in sites["hours"]],
        "district_name": sites["district_name"],
    }
    return gpd.GeoDataFrame(columns, geometry=sites.geometry, crs=CRS)


def _gained(areas: gpd.GeoDataFrame, language: Language) -> gpd.GeoDataFrame | None:
    if areas.empty:
        return None
    name = "新增覆盖" if language == "zh" else "Newly covered"
    whole = shapely.union_all(areas.geometry.to_numpy())
    return gpd.GeoDataFrame({"name": [name]}, geometry=[whole], crs=CRS)

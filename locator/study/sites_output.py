"""What a siting study leaves behind: tables, layers, manifest, certificate, and words."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from scipy.sparse import csr_array

from locator import __version__
from locator.register import guard_cell, write_rejected
from locator.reporting.folder import MANIFEST, REJECTED, TABLES, Cell, PlainTable
from locator.reporting.sites_folder import (
    CERTIFICATE,
    LAYERS_OF,
    REJECTED_CANDIDATES,
    SITES_CSV,
    SITES_FILES,
    SITES_GEOJSON,
    SITES_LAYERS,
    SiteSummary,
)
from locator.schema import CRS, is_illustrative
from locator.service import Service
from locator.siting import Certificate, Effort
from locator.study.folder import check_folder, replaced_folder
from locator.study.manifest import hash_frames
from locator.study.output import dated, write_json, write_layer
from locator.study.reach import roads_credit
from locator.study.sites import SiteAnswer, SiteInputs, solve_sites
from locator.study.sites_figures import area_table, hours_table
from locator.study.sites_ground import SiteGround
from locator.study.sites_question import SiteQuestion
from locator.study.stages import to_plain
from locator.travel import Routed

__all__ = ["make_site_summary", "read_rows", "run_sites", "site_lines", "write_certificate"]

_SHOWN = 20


def run_sites(
    service: Service,
    inputs: SiteInputs,
    question: SiteQuestion,
    *,
    out: Path,
    effort: Effort | None = None,
) -> SiteSummary:
    """Choose sites and write a folder of results, whole or not at all.

    What is in it stands in :mod:`locator.reporting.sites_folder`. A search that was stopped leaves
    the best found, with its gap.

    Parameters
    ----------
    out
        The folder; an earlier run's is replaced, any other that is not empty is refused.
    effort
        As :func:`locator.study.sites.solve_sites`.

    Raises
    ------
    InputError, SitingError
        As :func:`locator.study.sites.solve_sites`.
    StudyError
        The folder cannot be written.
    """
    check_folder(out, SITES_FILES)
    answer = solve_sites(service, inputs, question, effort=effort)
    summary = make_site_summary(answer)
    with replaced_folder(out) as draft:
        write_json(draft / MANIFEST, summary)
        write_json(draft / TABLES, _tables(answer))
        _write_csv(draft / SITES_CSV, answer, summary)
        with dated(answer.ground.basis.study.made_at):
            _write_layers(draft, answer)
        if answer.siting.certificate is not None:
            baseline = float(answer.siting.baseline)
            write_certificate(draft / CERTIFICATE, answer.siting.certificate, baseline)
        measured = inputs.measured
        if measured.rejected:
            write_rejected(measured.rejected, measured.header, draft / REJECTED)
        if inputs.rejected:
            write_rejected(inputs.rejected, inputs.header, draft / REJECTED_CANDIDATES)
    return summary


def make_site_summary(answer: SiteAnswer) -> SiteSummary:
    """Return the manifest of an answer."""
    ground = answer.ground
    study = ground.basis.study
    snapshot, measured = study.inputs.snapshot, study.inputs
    demand = measured.hot_zones if measured.hot_zones is not None else measured.points
    used = [snapshot.stations[ground.counts], ground.candidates.frame]
    if measured.hot_zones is not None:
        used.append(measured.hot_zones)
    shown = asdict(study.settings)
    shown.pop("basemap_key")
    return SiteSummary(
        title="Where next: rider stations",
        made_at=study.made_at.isoformat(timespec="seconds"),
        program=f"locator {__version__}",
        illustrative=any(is_illustrative(frame) for frame in used),
        data_hash=hash_frames(snapshot.stations, demand, ground.candidates.frame),
        data_version=snapshot.version,
        as_of=snapshot.as_of.isoformat() if snapshot.as_of else None,
        travel=study.travel.describe(),
        network=study.travel.digest if isinstance(study.travel, Routed) else "",
        credit=roads_credit(study.travel),
        hours=_hours(ground),
        stations_counted=int(ground.open.any(axis=1).sum()),
        stations_hours_unknown=int((ground.possible & ~ground.open).any(axis=1).sum()),
        demand="hot zones, spread evenly over each polygon"
        if measured.hot_zones is not None
        else "points",
        question=answer.question.to_json(),
        figures=answer.figures,
        rejected_points=len(measured.rejected),
        rejected_candidates=answer.rejected_candidates,
        notes=list(answer.notes),
        settings=shown,
    )


def _hours(ground: SiteGround) -> str:
    study = ground.basis.study
    if study.at is not None:
        return f"stations open at {study.at:%Y-%m-%d %H:%M} local time; demand of that hour"
    if ground.basis.week is not None:
        return f"every quarter-hour of the week of {ground.basis.week.monday}, hour by hour demand"
    return "opening hours were not considered; demand is the week's mean"


def _tables(answer: SiteAnswer) -> dict[str, object]:
    sites = pd.DataFrame(answer.sites.drop(columns="geometry"))
    return {
        "sites": to_plain(sites),
        "curve": to_plain(answer.curve),
        "sensitivity": to_plain(answer.sensitivity),
        "hours": to_plain(hours_table(sites, answer.gains)),
        "areas": to_plain(area_table(answer.ground, answer.gains)),
    }


def _write_csv(path: Path, answer: SiteAnswer, summary: SiteSummary) -> None:
    table = pd.DataFrame(answer.sites.drop(columns="geometry"))
    table = table.assign(unit=answer.ground.unit, illustrative=summary["illustrative"])
    for column in table.columns:
        # Names are other people's text, and Excel opens this file.
        if any(isinstance(value, str) for value in table[column]):
            values = [guard_cell(v) if isinstance(v, str) else v for v in table[column]]
            table[column] = pd.Series(values, dtype=object, index=table.index)
    table.to_csv(path, index=False, encoding="utf-8-sig")


def _write_layers(folder: Path, answer: SiteAnswer) -> None:
    layers, ground = folder / SITES_LAYERS, answer.ground
    write_layer(answer.sites, layers, "chosen", "Point")
    frame = ground.candidates.frame
    chosen = frame.assign(chosen=frame["id"].isin(set(answer.sites["id"])))
    columns = [*LAYERS_OF["candidates"], "geometry"]
    write_layer(chosen[columns], layers, "candidates", "Point")
    write_layer(_demand_layer(answer), layers, "demand", "Point")
    pyogrio.write_dataframe(
        answer.sites,
        folder / SITES_GEOJSON,
        driver="GeoJSON",
        layer="sites",
        layer_options={"COORDINATE_PRECISION": "7", "RFC7946": "YES"},
    )


def _demand_layer(answer: SiteAnswer) -> gpd.GeoDataFrame:
    """Return demand points and the share of each that is covered before and after."""
    ground = answer.ground
    points = ground.basis.points
    demand = ground.demand.sum(axis=1)
    shares = {}
    for name, covered in (("before", ground.served), ("after", answer.gains.covered)):
        part = np.where(covered, ground.demand, 0.0).sum(axis=1)
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


def site_lines(rows: Sequence[Mapping[str, Cell]], summary: SiteSummary) -> list[str]:
    """Return an answer as lines for a terminal."""
    figures = summary["figures"]
    lines = [_headline(summary)]
    for row in rows[:_SHOWN]:
        cost = "" if row["cost"] is None else f", cost {row['cost']:g}"
        near = f", near {row['place']}" if row["place"] else ""
        kept = ""
        if isinstance(row["kept_share"], float):
            kept = f" Chosen again in {row['kept_share']:.0%} of the varied runs."
        lines.append(
            f"{row['rank']}. {row['name']} [{row['id']}] {row['option']} "
            f"{row['lon']:.5f},{row['lat']:.5f}{near}{cost}. {row['why_en']}{kept}"
        )
    if len(rows) > _SHOWN:
        lines.append(f"… and {len(rows) - _SHOWN} more in {SITES_CSV}.")
    if not rows:
        lines.append("Nothing was chosen: no option adds anything within the rules.")
    lines.append(_proof_line(summary))
    lines.append(f"Hours: {summary['hours']}. Stations counted: {summary['stations_counted']}.")
    lines.append(f"Travel time: {summary['travel']}.")
    lines += summary["notes"]
    if summary["illustrative"]:
        lines.append("Illustrative data: no figure above describes the real city.")
    lines.append(f"Search: {figures['seconds'].get('total', 0.0):.2f} s.")
    return lines


def _headline(summary: SiteSummary) -> str:
    figures = summary["figures"]
    before, after = figures["covered_share_before"], figures["covered_share_after"]
    text = f"{figures['model']}, {figures['minutes']:g} min: {figures['chosen']} chosen"
    if figures["cost"] is not None:
        text += f" for {figures['cost']:g}"
    if before is not None and after is not None:
        text += f"; demand covered {before:.1%} → {after:.1%}"
        gained = figures["covered_after"] - figures["covered_before"]
        unit = (
            ""
            if figures["unit"] in {"mean seconds", "longest seconds", "sites"}
            else (f" {figures['unit']}")
        )
        text += f" (+{gained:,.1f}{unit})"
    if figures["mean_s_before"] is not None and figures["mean_s_after"] is not None:
        text += f"; mean ride {figures['mean_s_before']:.0f} s → {figures['mean_s_after']:.0f} s"
    return text + "."


def _proof_line(summary: SiteSummary) -> str:
    figures = summary["figures"]
    if figures["status"] == "optimal":
        return f"Proven best ({figures['proof']})."
    return (
        f"Best found; at most {figures['gap_added']:.2%} of what could be added is missing "
        f"(bound {figures['bound']:,.1f})."
    )

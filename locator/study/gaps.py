"""The gap study: from a question and its inputs to one folder, whole or not at all."""

import math
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyogrio

from locator.errors import InputError, StudyError
from locator.intake import read_layer_file
from locator.nearest import StationFilter
from locator.paths import refuse_store
from locator.register import Mapping, parse_points, read_table
from locator.schema import Datum, check_frame
from locator.service import Service
from locator.study.drawing import read_snapshot
from locator.study.measure import GapsInputs, Standard, Study, Summary
from locator.study.output import MANIFEST, write_maps, write_tables

__all__ = ["gaps_inputs", "parse_standards", "run_gaps"]

_FILES = frozenset(
    {"gaps.gpkg", "gaps.geojson", "summary.csv", "map.html", "map.png", "rejected.csv", MANIFEST}
)


def parse_standards(*, minutes: str | None, metres: str | None) -> tuple[Standard, ...]:
    """Read ``"3,5,10"`` minutes or metres; exactly one of the two must be given.

    Raises
    ------
    InputError
        None or both are given, or a number is not above 0.
    """
    if (minutes is None) == (metres is None):
        raise InputError("Say the coverage standard: either --minutes 5,10 or --metres 1000.")
    unit, text = ("min", minutes) if minutes is not None else ("m", metres)
    standards = []
    for part in (text or "").split(","):
        try:
            amount = float(part)
        except ValueError:
            amount = math.nan
        if not 0 < amount < math.inf:
            raise InputError(f"{part!r} is not a standard; write numbers above 0, such as 5,10.")
        standards.append(Standard(amount, unit))
    return tuple(dict.fromkeys(standards))


def gaps_inputs(
    service: Service,
    *,
    hot_zones: Path | None = None,
    points: Path | None = None,
    datum: Datum = Datum.WGS84,
    mapping: Mapping | None = None,
    as_of: str | None = None,
) -> GapsInputs:
    """Read what is to be measured; without a file, the store's hot zones.

    Parameters
    ----------
    as_of
        ISO moment: stations and the store's hot zones as they were then. None is as they are.

    Raises
    ------
    InputError
        A file cannot be read or does not fit, there is nothing to measure, or the history does
        not reach back to the moment.
    """
    snapshot = read_snapshot(service, as_of)
    if points is not None and hot_zones is not None:
        raise InputError("Give either --hot-zones or --points, not both.")
    if points is not None:
        columns = frozenset(mapping.columns.values()) if mapping else frozenset()
        read = parse_points(read_table(points, columns=columns), datum=datum, mapping=mapping)
        weight = "the file's weights" if read.weighted else "1 a point, the same at every hour"
        return GapsInputs(
            snapshot,
            None,
            read.points,
            rejected=read.rejected,
            header=read.header,
            notes=(f"Demand: {len(read.points)} points of {points.name}, {weight}.",),
        )
    zones = snapshot.hot_zones
    if hot_zones is not None:
        zones = read_layer_file(hot_zones)
        check_frame(zones, "hot_zones")
    if zones.empty:
        then = f" at {snapshot.as_of:%Y-%m-%d %H:%M}" if snapshot.as_of else ""
        raise InputError(f"There are no hot zones to measure{then}; name a file with --hot-zones.")
    return GapsInputs(snapshot, zones, None)


def run_gaps(
    service: Service,
    inputs: GapsInputs,
    *,
    standards: tuple[Standard, ...],
    chosen: StationFilter,
    at: str | None = None,
    out: Path,
    progress: Callable[[float], None] = lambda _: None,
) -> Summary:
    """Measure coverage at every standard and write a folder of results, whole or not at all.

    The folder holds ``gaps.gpkg`` (gaps and coverage per standard, stations), ``gaps.geojson``,
    ``summary.csv``, ``summary.json``, ``map.html``, ``map.png``, and ``rejected.csv`` where
    demand points were rejected.

    Parameters
    ----------
    standards
        Coverage standards, the first of which is drawn.
    chosen
        The stations that count, whatever their hours.
    at
        ISO moment: the demand of that hour, and only stations that are open then. None leaves
        opening hours out and takes the week's mean demand; the summary says so.
    out
        The folder; an earlier run's is replaced, any other that is not empty is refused.
    progress
        Called with the share that is done, 0 to 1.

    Raises
    ------
    InputError
        A demand or a moment is wrong.
    StudyError
        The folder cannot be written.
    """
    _check_folder(out)
    study = Study(service, inputs, chosen, at)
    outcomes = []
    for number, standard in enumerate(standards):
        outcomes.append(study.measure(standard))
        progress(0.6 * (number + 1) / len(standards))
    summary = study.summarise(outcomes)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as folder:
            draft = Path(folder) / "run"
            draft.mkdir()
            write_tables(draft, inputs, study, outcomes, summary)
            progress(0.8)
            write_maps(draft, service, inputs, study, outcomes[0], summary)
            if out.exists():
                out.rename(Path(folder) / "earlier")
            draft.rename(out)
            shutil.rmtree(Path(folder) / "earlier", ignore_errors=True)
    except OSError as error:
        raise StudyError(f"{out} cannot be written: {error.strerror or error}.") from error
    except pyogrio.errors.DataSourceError as error:
        raise StudyError(f"{out} cannot be written: {error}.") from error
    progress(1.0)
    return summary


def _check_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise StudyError(f"{out} is a file; name a folder with --out.")
    others = sorted(p.name for p in out.iterdir() if p.name not in _FILES) if out.is_dir() else []
    for name in _FILES:
        refuse_store(out / name)
    if others:
        raise StudyError(f"{out} holds other files ({others[0]}); name a new folder with --out.")

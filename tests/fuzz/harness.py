"""Fuzz our own parsers: ``python tests/fuzz/harness.py TARGET [libFuzzer's options]``.

``make fuzz SECONDS=60`` runs all targets, one after the other. A parser may refuse an input only
with the exception it declares; anything else, or an answer that breaks its promise, ends the run,
and the input is kept in ``.fuzz/``. It becomes a test in ``tests/`` before it is mended.
"""

import math
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import atheris

with atheris.instrument_imports(include=["locator", "tomllib"]):
    from locator.datum import limits
    from locator.errors import LocatorError
    from locator.hours import HoursRules, is_readable, parse_calendar, read_spans
    from locator.register import parse_table, read_mapping, read_table
    from locator.register.coordinates import PAIR_HEADERS, parse_coordinate, parse_pair
    from locator.register.hours_text import normalise_hours
    from locator.schema import Datum
    from locator.service import read_rules
    from locator.settings import Settings

SPECIAL = [
    {"date": "2026-10-02", "kind": "holiday", "like": "2026-10-01"},
    {"date": "2026-10-10", "kind": "workday", "like": "2026-10-09"},
]
RULES = HoursRules(ZoneInfo("Asia/Shanghai"), "CN", parse_calendar(SPECIAL))
FOUND = ".fuzz"  # beside which folder the inputs that failed are kept
REGISTER = "id,name,kind,lon,lat,services,opening_hours,status,capacity,last_verified,platforms\n"
ROW = "a,驿站,rest_post,107.15,34.37,饮水;座椅,周一至周五9:00-18:00,active,12,2026-11-01,美团\n"


@dataclass(frozen=True)
class Target:
    """A parser: what to do with an input, and inputs to start from."""

    run: Callable[[bytes, Path], None]
    seeds: tuple[str, ...]


def fuzz_hours(data: bytes, _: Path) -> None:
    """Read opening hours: None, or a text that the library reads and that stays as it is."""
    text = data.decode("utf-8", "replace")
    read = normalise_hours(text)
    if read is not None:
        assert is_readable(read), read
        assert normalise_hours(read) == read, read
    start = datetime(2026, 10, 1, tzinfo=RULES.timezone)
    spans = read_spans(text, RULES, start=start, days=12, place=(107.15, 34.36))
    assert all(a.end == b.start for a, b in pairwise(spans)), text
    assert spans[0].start == start, text
    assert (spans[-1].end - start).days == 12, text


def fuzz_coordinates(data: bytes, _: Path) -> None:
    """Read a coordinate and a pair in each datum: ValueError, or a number within the limits."""
    datums, headers = list(Datum), [*PAIR_HEADERS, "position"]
    datum, header = datums[len(data) % len(datums)], headers[sum(data[:2]) % len(headers)]
    text = data[2:].decode("utf-8", "replace")
    far_lon, far_lat = limits(datum)
    with suppress(ValueError):
        assert abs(parse_coordinate(text, "lon", datum)) <= far_lon
    with suppress(ValueError):
        assert abs(parse_coordinate(text, "lat", datum)) <= far_lat
    with suppress(ValueError):
        lon, lat = parse_pair(text, header, datum)
        assert abs(lon) <= far_lon
        assert abs(lat) <= far_lat


def fuzz_table(data: bytes, folder: Path) -> None:
    """Read any bytes as a CSV or GeoJSON file: a sentence, or rows under a header."""
    ending = ".geojson" if data[:1] == b"{" else ".csv"
    path = folder / f"input{ending}"
    path.write_bytes(data)
    with suppress(LocatorError):
        table = read_table(path)
        for row in table.rows:
            assert set(row.cells) <= set(table.header), row


def fuzz_register(data: bytes, folder: Path) -> None:
    """Check any rows under our own header: every row is taken or rejected, none is lost."""
    path = folder / "input.csv"
    path.write_bytes(REGISTER.encode() + data)
    with suppress(LocatorError):
        table = read_table(path)
        found = parse_table(table, datum=Datum.GCJ02)
        assert all(math.isfinite(x) for x in found.stations.geometry.x)
        assert all(row.faults for row in found.rejected)


def fuzz_calendar(data: bytes, folder: Path) -> None:
    """Read any bytes as the calendar of holidays."""
    path = folder / "calendar.csv"
    path.write_bytes(data)
    with suppress(LocatorError):
        read_rules(Settings(calendar=str(path)))


def fuzz_mapping(data: bytes, folder: Path) -> None:
    """Read any bytes as a mapping of columns: its tables hold texts alone."""
    path = folder / "mapping.toml"
    path.write_bytes(data)
    with suppress(LocatorError):
        mapping = read_mapping(path)
        texts = [*mapping.columns.values(), *mapping.fill.values()]
        texts += [text for table in mapping.values.values() for text in table.values()]
        assert all(isinstance(text, str) for text in texts), mapping


TARGETS = {
    "hours": Target(
        fuzz_hours,
        (
            *("早8点-晚10点", "周一至周五9:00-18:00，周末休息", "Mo-Fr 09:00-18:00; PH off"),
            *("Mo, Tu 20:00-02:00+; PH off", 'sunset-sunrise "x" || off "y"'),
        ),
    ),
    "coordinates": Target(
        fuzz_coordinates,
        ("xx107°13′58.9″E", "xx107.15,34.37", "xx11938512.59 4054113.13", "x107°13.5′"),
    ),
    "table": Target(
        fuzz_table,
        (
            REGISTER + ROW,
            "宝鸡市骑手驿站\n" + REGISTER + ROW,
            '{"features": [{"geometry": {"type": "Point", "coordinates": [107, 34]}}]}',
            '{"features": ' + "[" * 3000,
        ),
    ),
    "register": Target(fuzz_register, (ROW, ROW + ROW, 'b,"站\n二",换电柜,107°13′,34.3\n')),
    "calendar": Target(
        fuzz_calendar, ("date,kind,like,reason\n2026-10-10,workday,2026-10-09,国庆节调休\n",)
    ),
    "mapping": Target(
        fuzz_mapping,
        (
            '[columns]\nname = "驿站"\n[values.kind]\n"驿站" = "rest_post"\n[set]\nid = "1"\n',
            "[columns]\nid = " + "[" * 3000,
            "[columns]\nid = " + "1" * 5000,
        ),
    ),
}


def main() -> None:
    """Run the target that the command line names, or all, each in a process of its own."""
    name, *options = sys.argv[1:] or [""]
    if name == "all":
        for each in TARGETS:
            sys.stderr.write(f"=== {each}\n")
            done = subprocess.run([sys.executable, __file__, each, *options], check=False)
            if done.returncode:
                sys.exit(done.returncode)
    elif name in TARGETS:
        fuzz(name, options)
    else:
        sys.exit(f"Name a target: all, {', '.join(TARGETS)}.")


def fuzz(name: str, options: list[str]) -> None:
    """Fuzz one target on libFuzzer's terms; it ends the process."""
    target = TARGETS[name]
    found = Path(FOUND)
    found.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        corpus = Path(scratch, "corpus")
        corpus.mkdir()
        for number, seed in enumerate(target.seeds):
            (corpus / str(number)).write_bytes(seed.encode())
        prefix = f"-artifact_prefix={found}/{name}-"
        words = [sys.argv[0], *options, prefix, "-timeout=20", str(corpus)]
        atheris.Setup(words, lambda data: target.run(data, Path(scratch)))
        atheris.Fuzz()


if __name__ == "__main__":
    main()

"""``make bench``: comparisons with named peers in the same run, one JSON object a line.

Figures hold as ratios only; nothing here is a test. README.md says against what.
"""

import argparse
import json
from collections.abc import Callable, Iterable

from command import bench_command
from coverage import bench_criticality, bench_week
from gaps import DENSE, bench_gaps
from hotzones import bench_hotzones
from nearest import bench_nearest
from ogc import bench_ogc
from register import bench_import
from roads import bench_roads
from siting import bench_alone, bench_lscp, bench_mclp, bench_median
from siting_city import SPREAD, ZONES

Run = Callable[[], dict[str, object] | Iterable[dict[str, object]]]
MODERATE: dict[str, list[Run]] = {
    "command": [bench_command],
    "coverage": [bench_week, bench_criticality],
    "gaps": [lambda: bench_gaps(120), lambda: bench_gaps(5_000)],
    "hotzones": [lambda: bench_hotzones(500_000)],
    "nearest": [lambda: bench_nearest(20_000, 100_000), lambda: bench_nearest(180_000, 1_000_000)],
    "ogc": [lambda: bench_ogc(20_000)],
    "register": [lambda: bench_import(180_000)],
    "roads": [bench_roads],
    "siting": [
        lambda: bench_mclp(1_000, 200, 10),
        lambda: bench_median(1_000, 200, 10),
        lambda: bench_alone("MCLP", 100_000, 10_000, 100, ZONES, (60.0, 0.0)),
        lambda: bench_alone("MCLP", 100_000, 10_000, 100, SPREAD, (5.0, 0.0)),
    ],
}
LARGE: dict[str, list[Run]] = {
    "gaps": [lambda: bench_gaps(100_000, per_km2=DENSE), lambda: bench_gaps(100_000)],
    "hotzones": [lambda: bench_hotzones(2_000_000)],
    "ogc": [lambda: bench_ogc(180_000)],
    "register": [lambda: bench_import(1_000_000)],
    "siting": [
        lambda: bench_mclp(10_000, 1_000, 10),
        lambda: bench_mclp(10_000, 1_000, 10, texture=SPREAD),
        lambda: bench_lscp(10_000, 1_000),
        lambda: bench_mclp(50_000, 5_000, 100),
        lambda: bench_mclp(50_000, 5_000, 100, texture=SPREAD),
        lambda: bench_alone("p-median", 50_000, 5_000, 50, ZONES, (120.0, 0.0)),
        lambda: bench_alone("p-median", 50_000, 5_000, 50, SPREAD, (120.0, 0.0)),
        lambda: bench_alone("MCLP", 100_000, 10_000, 100, SPREAD, (60.0, 0.003)),
        lambda: bench_alone("MCLP", 200_000, 10_000, 100, ZONES, (120.0, 0.01)),
        lambda: bench_alone("MCLP", 200_000, 10_000, 100, SPREAD, (120.0, 0.01)),
        lambda: bench_alone("MCLP", 1_000_000, 20_000, 200, ZONES, (120.0, 0.01)),
        lambda: bench_alone("MCLP", 1_000_000, 20_000, 200, SPREAD, (120.0, 0.01)),
    ],
}


def main() -> None:
    """Run the comparisons and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--large", action="store_true", help="the largest sizes too (a quarter hour)"
    )
    parser.add_argument("--only", choices=sorted(MODERATE), help="one subject")
    options = parser.parse_args()
    for subject in [options.only] if options.only else MODERATE:
        for run in MODERATE[subject] + (LARGE.get(subject, []) if options.large else []):
            found = run()
            for row in [found] if isinstance(found, dict) else found:
                shown = {
                    k: float(f"{v:.3g}") if isinstance(v, float) else v for k, v in row.items()
                }
                print(json.dumps(shown, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()

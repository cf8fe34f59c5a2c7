"""``make bench``: comparisons with named peers in the same run, one JSON object a line.

Figures hold as ratios only; nothing here is a test. README.md says against what.
"""

import argparse
import json
from collections.abc import Callable, Iterable

from command import bench_command
from coverage import bench_criticality, bench_week
from gaps import DENSE, bench_gaps
from nearest import bench_nearest
from register import bench_import
from roads import bench_roads

Run = Callable[[], dict[str, object] | Iterable[dict[str, object]]]
MODERATE: dict[str, list[Run]] = {
    "command": [bench_command],
    "coverage": [bench_week, bench_criticality],
    "gaps": [lambda: bench_gaps(120), lambda: bench_gaps(5_000)],
    "nearest": [lambda: bench_nearest(20_000, 100_000), lambda: bench_nearest(180_000, 1_000_000)],
    "register": [lambda: bench_import(180_000)],
    "roads": [bench_roads],
}
LARGE: dict[str, list[Run]] = {
    "gaps": [lambda: bench_gaps(100_000, per_km2=DENSE), lambda: bench_gaps(100_000)],
    "register": [lambda: bench_import(1_000_000)],
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

"""The ``locator nearest`` command, against an interpreter that only imports geopandas."""

import subprocess
import sys
import tempfile
from pathlib import Path

from clock import child_cost, compared

QUESTION = ["nearest", "107.1489", "34.3692", "-k", "5", "--json"]


def bench_command() -> dict[str, object]:
    """Compare processor time; the store is the one that ships with the program."""
    with tempfile.TemporaryDirectory() as folder:
        store = f"geopackage:{Path(folder, 'bench.gpkg')}"
        base = [sys.executable, "-m", "locator", "--store", store]
        subprocess.run([*base, "init"], check=True, capture_output=True)
        ours = child_cost([*base, *QUESTION], repeat=5)
        theirs = child_cost([sys.executable, "-c", "import geopandas"], repeat=5)
    return compared(f"locator {' '.join(QUESTION)}", "python -c 'import geopandas'", ours, theirs)

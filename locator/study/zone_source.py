"""What hot zones were built from and what was assumed for them: written as their source, and read.

The text travels in the zones' own column ``source``: through every file format, into the store and
out of it, so that whoever measures against the zones can say what their demand rests on.
"""

import re
from collections.abc import Iterable, Iterator

import geopandas as gpd

_BUILT = re.compile(
    r"(?P<file>[^;]+) \([0-9a-f]{16}\)(?P<when>, [^;]+ to [^;]+)?; (?P<demand>.+); "
    r"H3 \d+, .+, k (?P<k>\d+)(?:; (?P<share>[\d.]+%) of all (?P<rows>[\d,]+) rows lie in zones)?"
)


def zone_source(
    *,
    file: str,
    data_hash: str,
    when: str,
    demand: str,
    test: str,
    k: int,
    rows: int,
    rows_in_zones: int,
) -> str:
    """Return the source of every zone of one build.

    Parameters
    ----------
    file, data_hash, when
        The file that was counted, its digest, and ``SINCE to UNTIL`` or nothing.
    demand
        How a row counts and which week was assumed.
    test
        How clusters were told from chance, with the size of the cells.
    k
        Fewest rows of a cell that may be shown.
    rows, rows_in_zones
        All rows that counted, suppressed ones too, and those in the cells of zones.
    """
    name = file.replace(";", ",")  # which parts the text
    share = f"{rows_in_zones / rows:.1%} of all {rows:,} rows lie in zones"
    since = f", {when}" if when else ""
    return f"{name} ({data_hash}){since}; {demand}; {test}, k {k}; {share}"


def demand_rests_on(zones: gpd.GeoDataFrame | None) -> list[str]:
    """Return a sentence for each build that zones come from, that of most zones first.

    Nothing is said of zones whose source is another's text, or whose demand was not built here.
    """
    if zones is None or "source" not in zones:
        return []
    counts = zones["source"].dropna().value_counts(sort=True)
    read = ((_BUILT.fullmatch(str(text)), int(count)) for text, count in counts.items())
    return list(_sentences(((match, n) for match, n in read if match), len(zones)))


def _sentences(found: Iterable[tuple[re.Match[str], int]], whole: int) -> Iterator[str]:
    for match, count in found:
        said = f"{count:,} of {whole:,} hot zones were built from {match['file']}"
        said += f"{match['when'] or ''}: {match['demand']}; k {match['k']}, cells of fewer rows "
        said += "left out"
        if match["share"]:
            said += f"; {match['share']} of all {match['rows']} rows lie in zones"
        yield said

"""Ids for stations that come without: numbers, the same for the same name and place again."""

import re
import unicodedata
from dataclasses import dataclass, field

import geopandas as gpd

from locator.datum import geodesic_m
from locator.errors import InputError

_SAME_M = 100.0  # a station of the same name within this is the same one
_PREFIX = re.compile(r"[^\s/;,]{1,40}")


@dataclass
class Numbering:
    """Gives ids ``PREFIX0001``, ``PREFIX0002`` …; what is known keeps the number it has."""

    prefix: str
    last: int = 0
    known: dict[str, list[tuple[str, float, float]]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    @classmethod
    def after(cls, prefix: str, stations: gpd.GeoDataFrame) -> "Numbering":
        """Go on after the stations that have the prefix.

        Raises
        ------
        InputError
            The prefix cannot begin an id.
        """
        if not _PREFIX.fullmatch(prefix):
            raise InputError(
                f"--number {prefix!r} cannot begin an id; use letters and digits, such as BJ-."
            )
        numbering = cls(prefix)
        rows = zip(stations["id"], stations["name"], stations.geometry, strict=True)
        for identity, name, point in rows:
            rest = str(identity).removeprefix(prefix)
            if not str(identity).startswith(prefix) or not rest.isdecimal():
                continue
            numbering.last = max(numbering.last, int(rest))
            entry = (str(identity), float(point.x), float(point.y))
            numbering.known.setdefault(_plain(str(name)), []).append(entry)
        return numbering

    def number(self, name: str, lon: float, lat: float) -> str:
        """Return the id of a station, known by its name and place (WGS-84)."""
        for identity, x, y in self.known.get(_plain(name), []):
            if identity not in self.taken and geodesic_m(lon, lat, x, y) <= _SAME_M:
                self.taken.add(identity)
                return identity
        self.last += 1
        return f"{self.prefix}{self.last:04d}"


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())

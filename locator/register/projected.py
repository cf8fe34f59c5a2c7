"""Projected coordinates of a register: which number is east, with or without its zone before it."""

import math
from dataclasses import dataclass
from functools import cached_property

from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

from locator.errors import InputError
from locator.files.projection import crs_from_name, in_degrees

# CGCS2000 in 3-degree zones (EPSG): central meridian to the code without the zone before eastings.
GAUSS_KRUGER = {75 + 3 * n: 4534 + n for n in range(21)}
_BESIDE_DEG = 10.0  # how far beyond the area of a projection its coordinates are still believed
_ZONES = range(13, 46)  # of China, 6-degree and 3-degree ones
_ZONE_M = 1_000_000


@dataclass(frozen=True)
class Projection:
    """A projection that somebody states; degrees stay as they are."""

    name: str
    crs: CRS

    @property
    def in_degrees(self) -> bool:
        """Whether its coordinates are degrees."""
        return in_degrees(self.crs)

    def degrees(self, first: float, second: float) -> tuple[float, float]:
        """Return longitude and latitude of two metres, east first or north first.

        Raises
        ------
        ValueError
            In neither order they lie near where the projection is used.
        """
        for east, north in ((first, second), (second, first)):
            if self._zone_of(east) not in {None, self._zone}:
                continue
            place = self._to_degrees(self._with_zone(east), north)
            if self._believed(*place):
                return place
        zones = {self._zone_of(first), self._zone_of(second)} - {None, self._zone}
        if zones and self._zone is not None:
            raise ValueError(
                f"is of zone {min(zone for zone in zones if zone is not None)}, and {self.name} is "
                f"of zone {self._zone}"
            )
        raise ValueError(f"lies nowhere near the area of {self.name}; is it the right projection?")

    @cached_property
    def _transformer(self) -> Transformer:
        return Transformer.from_crs(self.crs, CRS.from_epsg(4326), always_xy=True)

    @cached_property
    def _parameters(self) -> dict[str, float]:
        operation = self.crs.coordinate_operation
        params = operation.params if operation is not None else []
        return {param.name: float(param.value) for param in params}

    @cached_property
    def _false_easting(self) -> float:
        return self._parameters.get("False easting", 0.0)

    @cached_property
    def _zone(self) -> int | None:
        """Return the zone that stands before eastings, if this is Gauss–Krüger with one."""
        said = int(self._false_easting // _ZONE_M)
        if said in _ZONES:
            return said
        meridian = self._parameters.get("Longitude of natural origin", math.nan)
        if self._false_easting != 500_000 or meridian % 3 != 0:
            return None
        return round(meridian / 3)

    def _zone_of(self, east: float) -> int | None:
        zone = int(east // _ZONE_M)
        if self._zone is None or zone not in _ZONES:
            return None
        meridian = self._parameters.get("Longitude of natural origin", math.nan)
        return self._zone if zone in {self._zone, (meridian + 3) / 6} else zone

    def _with_zone(self, east: float) -> float:
        if self._zone is None:
            return east
        return east % _ZONE_M + (self._false_easting - 500_000)

    def _to_degrees(self, east: float, north: float) -> tuple[float, float]:
        try:
            lon, lat = self._transformer.transform(east, north)
        except ProjError:
            return math.nan, math.nan
        return float(lon), float(lat)

    def _believed(self, lon: float, lat: float) -> bool:
        if not (math.isfinite(lon) and math.isfinite(lat)):
            return False
        area = self.crs.area_of_use
        if area is None or area.west > area.east:
            return True
        return (
            area.west - _BESIDE_DEG <= lon <= area.east + _BESIDE_DEG
            and area.south - _BESIDE_DEG <= lat <= area.north + _BESIDE_DEG
        )


def projection_of(text: str) -> Projection:
    """Return the projection of ``EPSG:4545``, or of ``4545``.

    Raises
    ------
    InputError
        There is none.
    """
    name = f"EPSG:{text.strip()}" if text.strip().isdecimal() else text.strip()
    try:
        return Projection(name.upper(), crs_from_name(name))
    except ValueError as error:
        raise InputError(f"--crs {text}: {error}, such as EPSG:4545.") from error

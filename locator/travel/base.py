"""The contract of a travel model.

Positions are (n, 2) float64 arrays of longitude and latitude in degrees, WGS-84.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from locator.datum import Positions
from locator.schema import Language

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from locator.travel.legs import Snapped
    from locator.travel.route import Route

Origins: TypeAlias = "Positions | Snapped"  # places, or what a model's ``snap`` made of them


@dataclass(frozen=True)
class Nearest:
    """The k nearest destinations of n origins, by time, then by the destinations' order.

    Attributes
    ----------
    index
        (n, k) positions in the destinations; -1 where there are fewer than k in reach.
    seconds, metres
        (n, k) time and length of the way; ``inf`` where the index is -1.
    """

    index: npt.NDArray[np.int64]
    seconds: npt.NDArray[np.float64]
    metres: npt.NDArray[np.float64]


class BoundModel(Protocol):
    """A model that knows its destinations: read-only, shared by threads."""

    def nearest(
        self, origins: Origins, *, k: int, mask: npt.NDArray[np.bool_] | None = None
    ) -> Nearest:
        """Return the k nearest destinations (those in the mask, if given) of each origin."""

    def times(self, origins: Origins, *, limit_s: float) -> "csr_array":
        """Return (n, m) seconds; an absent entry is beyond the limit; no time is under 1 ms."""

    def service_areas(self, *, limit_s: float) -> gpd.GeoSeries:
        """Return the area from which each destination is reached in time, EPSG:4326."""

    def reach(
        self, *, limit_s: float, mask: npt.NDArray[np.bool_] | None = None
    ) -> shapely.MultiPolygon:
        """Return where the nearest destination (of those in the mask) is in reach, EPSG:4326."""


class TravelModel(Protocol):
    """A way of getting about, before it knows where to."""

    def describe(self, language: Language = "en") -> str:
        """Return one line for whatever shows an answer: the model, its settings, its nature."""

    def snap(self, lonlat: Origins) -> Origins:
        """Do the work on places that many questions share: each takes what this returns."""

    def bind(self, destinations: Positions) -> BoundModel:
        """Do the work that is done once for a set of destinations."""

    def limit_s(self, metres: float) -> float:
        """Return the time that stands for a distance as the crow flies, in seconds."""


@runtime_checkable
class Prepared(Protocol):
    """A bound model that answers sooner once some work is done, and the same before it."""

    def prepare(self) -> bool:
        """Do that work now; tell whether it was done."""


@runtime_checkable
class Routed(Protocol):
    """A travel model that knows the way itself, not only how long it takes."""

    @property
    def digest(self) -> str:
        """Return what identifies the data that the ways are from."""

    @property
    def credit(self) -> str:
        """Return whose roads they are, for whatever shows a way or an area; it may be empty."""

    def route(self, origin: Positions, destination: Positions) -> "Route | None":
        """Return the way between two places, (2,) degrees each; None if there is none."""


@runtime_checkable
class OnRoads(Protocol):
    """A travel model that knows where the roads are."""

    def on_road(self, lonlat: Positions) -> Positions:
        """Return the nearest place on a road of each place, (n, 2); NaN where none is near."""

"""What a search finds: arrays for many origins, and one station at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from locator.hours import STATES
from locator.schema import State

_UNKNOWN = STATES.index(State.UNKNOWN)


@dataclass(frozen=True)
class Found:
    """One station in an answer; what is unknown is None.

    ``state``, ``closes_at`` and ``opens_at`` are of the moment of arrival; ``sure_until`` is till
    when it is open for certain, ``closes_at`` or earlier; ``hours_comment`` is what its hours say
    in quotation marks of that moment; ``added_s`` is what the station adds to the ride to a
    destination, None where no destination was named.
    """

    rank: int
    row: int
    distance_m: float
    ride_m: float
    ride_s: float
    added_s: float | None
    arrives_at: datetime
    state: State
    minutes_left: int | None
    closes_at: datetime | None
    sure_until: datetime | None
    opens_at: datetime | None
    hours_comment: str | None


@dataclass(frozen=True)
class NearestStations:
    """The answer for n origins, k stations each, as arrays of (n, k); absent is index -1.

    ``distance_m`` is the geodesic, ``ride_m`` the way, ``ride_s`` the time, ``added_s`` the time
    added on the way to a destination (NaN without one); ``state`` holds codes into
    :data:`locator.hours.STATES`; times are POSIX seconds, NaN where there is none; ``comment``
    holds positions in ``comments``, 0 for none.
    """

    index: npt.NDArray[np.int64]
    distance_m: npt.NDArray[np.float64]
    ride_m: npt.NDArray[np.float64]
    ride_s: npt.NDArray[np.float64]
    added_s: npt.NDArray[np.float64]
    state: npt.NDArray[np.int8]
    closes_at: npt.NDArray[np.float64]
    sure_until: npt.NDArray[np.float64]
    opens_at: npt.NDArray[np.float64]
    comment: npt.NDArray[np.int32]
    comments: tuple[str, ...]
    at: datetime

    def of(self, origin: int) -> Iterator[Found]:
        """Yield the stations found for one origin, in their order."""
        zone = self.at.tzinfo
        for place, row in enumerate(self.index[origin]):
            if row < 0:
                return
            closes, opens = self.closes_at[origin, place], self.opens_at[origin, place]
            sure = self.sure_until[origin, place]
            added = self.added_s[origin, place]
            arrives = self.at.timestamp() + self.ride_s[origin, place]
            yield Found(
                rank=place + 1,
                row=int(row),
                distance_m=float(self.distance_m[origin, place]),
                ride_m=float(self.ride_m[origin, place]),
                ride_s=float(self.ride_s[origin, place]),
                added_s=None if np.isnan(added) else float(added),
                arrives_at=datetime.fromtimestamp(arrives, zone),
                state=STATES[self.state[origin, place]],
                minutes_left=None if np.isnan(closes) else int((closes - arrives) // 60),
                closes_at=None if np.isnan(closes) else datetime.fromtimestamp(closes, zone),
                sure_until=None if np.isnan(sure) else datetime.fromtimestamp(sure, zone),
                opens_at=None if np.isnan(opens) else datetime.fromtimestamp(opens, zone),
                hours_comment=self.comments[self.comment[origin, place]] or None,
            )

    def to_frame(self, stations: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Return a row a station found, for reading, drawing and joining.

        Parameters
        ----------
        stations
            Those of the index that was asked, in its order.

        Returns
        -------
        GeoDataFrame
            ``origin`` (row of the origin), ``rank`` (from 1), ``id, name, kind``, ``distance_m``,
            ``ride_m``, ``ride_s``, ``state`` on arrival, ``closes_at``, ``opens_at`` (local time;
            NaT where there is none or it is unknown) and the station's place, EPSG:4326.
        """
        origin, place = np.nonzero(self.index >= 0)
        picked = stations.iloc[self.index[origin, place]].reset_index(drop=True)
        table: dict[str, object] = {"origin": origin, "rank": place + 1}
        table |= {name: picked[name] for name in ("id", "name", "kind")}
        for name in ("distance_m", "ride_m", "ride_s"):
            table[name] = getattr(self, name)[origin, place]
        table["state"] = [STATES[code].value for code in self.state[origin, place]]
        for name in ("closes_at", "opens_at"):
            moments = pd.to_datetime(getattr(self, name)[origin, place], unit="s", utc=True)
            table[name] = moments.tz_convert(self.at.tzinfo)
        return gpd.GeoDataFrame(table, geometry=picked.geometry)

    def arranged(
        self, order: npt.NDArray[np.int64], kept: npt.NDArray[np.bool_]
    ) -> "NearestStations":
        """Return the columns in another order, each row its own; what is not kept is absent."""

        def pick(values: npt.NDArray[np.float64], absent: float) -> npt.NDArray[np.float64]:
            return np.where(kept, np.take_along_axis(values, order, axis=1), absent)

        state = np.take_along_axis(self.state, order, axis=1)
        comment = np.take_along_axis(self.comment, order, axis=1)
        return NearestStations(
            index=np.where(kept, np.take_along_axis(self.index, order, axis=1), -1),
            distance_m=pick(self.distance_m, np.inf),
            ride_m=pick(self.ride_m, np.inf),
            ride_s=pick(self.ride_s, np.inf),
            added_s=pick(self.added_s, np.nan),
            state=np.where(kept, state, _UNKNOWN).astype(np.int8),
            closes_at=pick(self.closes_at, np.nan),
            sure_until=pick(self.sure_until, np.nan),
            opens_at=pick(self.opens_at, np.nan),
            comment=np.where(kept, comment, 0).astype(np.int32),
            comments=self.comments,
            at=self.at,
        )

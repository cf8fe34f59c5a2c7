"""A made-up city for the siting benchmark: hot zones, candidates, stations, times within reach."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

SEED = 20261123
LIMIT_S = 300.0
METRES_PER_S = 5.0 / 1.3  # 18 km/h, detour 1.3: five minutes are 1,154 m
REACH = 45.0  # candidates within reach of a demand point, on average
CANDIDATES_A_ZONE = 20
STATIONS_A_CANDIDATE = 0.01

Places = npt.NDArray[np.float64]


@dataclass(frozen=True)
class City:
    """Demand, candidates and what existing stations serve."""

    times: csr_array
    weights: npt.NDArray[np.float64]
    served_s: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Texture:
    """How demand lies: the spread of a hot zone, and the share of points that lie anywhere.

    Tight hot zones a site can swallow whole make an easy problem, spread ones a hard one: then a
    site can be anywhere, and the linear relaxation is a per cent above any selection.
    """

    name: str
    least_m: float
    most_m: float
    anywhere: float


ZONES = Texture("hot zones", 200.0, 600.0, 0.2)
SPREAD = Texture("spread", 1000.0, 3000.0, 0.3)


def scatter(
    rng: np.random.Generator, count: int, zones: Places, side_m: float, texture: Texture
) -> Places:
    """Scatter points around hot zones of uneven weight, and some anywhere."""
    share = np.random.default_rng(SEED + 1).lognormal(0.0, 1.0, len(zones))
    zone = rng.choice(len(zones), count, p=share / share.sum())
    spread = np.random.default_rng(SEED + 2).uniform(texture.least_m, texture.most_m, len(zones))[
        zone
    ]
    places = zones[zone] + rng.normal(0.0, 1.0, (count, 2)) * spread[:, None]
    anywhere = rng.random(count) < texture.anywhere
    places[anywhere] = rng.uniform(0.0, side_m, (int(anywhere.sum()), 2))
    return places


def build_city(demand: int, candidates: int, texture: Texture = ZONES, seed: int = SEED) -> City:
    """Return a square city whose side gives each demand point its candidates within reach."""
    reach_m = LIMIT_S * METRES_PER_S
    side_m = reach_m * np.sqrt(candidates * np.pi / REACH)
    for _ in range(8):
        rng = np.random.default_rng(seed)
        zones = rng.uniform(0.0, side_m, (max(5, candidates // CANDIDATES_A_ZONE), 2))
        places = scatter(rng, candidates, zones, side_m, texture)
        points = scatter(rng, demand, zones, side_m, texture)
        tree = cKDTree(places)
        sample = points[:4000]
        mean = np.mean(tree.query_ball_point(sample, reach_m, return_length=True))
        side_m *= np.sqrt(mean / REACH)
    stations = scatter(rng, max(3, int(candidates * STATIONS_A_CANDIDATE)), zones, side_m, texture)
    near_m, _ = cKDTree(stations).query(points)
    weights = rng.integers(1, 20, demand).astype(np.float64)
    return City(_times(points, tree, reach_m), weights, near_m / METRES_PER_S)


def _times(points: Places, tree: cKDTree, reach_m: float) -> csr_array:
    """Return seconds within reach, built in pieces so that memory stays near the result's."""
    pieces, lengths = [], []
    for start in range(0, len(points), 50_000):
        piece = cKDTree(points[start : start + 50_000]).sparse_distance_matrix(
            tree, reach_m, output_type="coo_matrix"
        )
        rows = piece.tocsr()
        rows.sort_indices()
        seconds = np.maximum(rows.data / METRES_PER_S, 0.001)
        pieces.append((seconds, rows.indices.astype(np.int32)))
        lengths.append(np.diff(rows.indptr))
    indptr = np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int32)
    seconds = np.concatenate([part for part, _ in pieces])
    indices = np.concatenate([part for _, part in pieces])
    matrix = csr_array((seconds, indices, indptr), shape=(len(points), tree.n))
    matrix.has_canonical_format = True
    return matrix

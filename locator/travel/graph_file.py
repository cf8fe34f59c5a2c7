"""A road graph kept in one ``.npz``: read without pickle, named by what it was made of."""

import hashlib
import json
import zipfile
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from locator.errors import RoadsError
from locator.paths import written_whole
from locator.travel.edges import RoadEdges
from locator.travel.graph import RoadGraph
from locator.travel.osm_profile import Profile

FORMAT = 2  # one more whenever the arrays or what they mean change
_EDGE_ARRAYS = (
    "node_lonlat",
    "tail",
    "head",
    "vertex_start",
    "vertex_lonlat",
    "length_m",
    "forward_ms",
    "backward_ms",
    "road_class",
    "name",
    "barrier_start",
    "barrier_lonlat",
)
_GRAPH_ARRAYS = ("state_node", "link_start", "link_state", "link_arc", "in_giant")
_CHUNK = 1 << 20


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file.

    Raises
    ------
    RoadsError
        The file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise RoadsError(f"{path} cannot be read: {error.strerror or error}.") from error
    return digest.hexdigest()


def graph_path(folder: Path, digest: str, profile: Profile, extra: str = "") -> Path:
    """Return where the graph of an extract and a profile is kept.

    Parameters
    ----------
    digest
        SHA-256 of the extract.
    extra
        Whatever else the graph depends on, such as a box or a mapping, as text.
    """
    text = "\n".join((digest, profile.key, extra, str(FORMAT)))
    return folder / f"roads-{hashlib.sha256(text.encode()).hexdigest()[:16]}.npz"


def save_graph(graph: RoadGraph, path: Path) -> None:
    """Write a graph whole or not at all."""
    edges = graph.edges
    about = {
        "format": FORMAT,
        "source": graph.source,
        "digest": graph.digest,
        "profile": asdict(graph.profile),
        "classes": edges.classes,
        "notes": edges.notes,
        "dated": edges.dated,
    }
    arrays = {name: getattr(edges, name) for name in _EDGE_ARRAYS}
    arrays |= {name: getattr(graph, name) for name in _GRAPH_ARRAYS}
    arrays["names"] = _pack(json.dumps(edges.names))
    arrays["about"] = _pack(json.dumps(about))
    with written_whole(path) as draft, draft.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def load_graph(path: Path) -> RoadGraph:
    """Read a graph that :func:`save_graph` wrote. Its forbidden turns are in its links already.

    Raises
    ------
    RoadsError
        The file is missing, damaged, or of another version.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
            about = json.loads(_unpack(held["about"]))
            if about["format"] != FORMAT:
                raise RoadsError(
                    f"{path.name} was written by another version of locator; "
                    "import the extract again."
                )
            names = tuple(json.loads(_unpack(held["names"])))
            arrays = {name: held[name] for name in (*_EDGE_ARRAYS, *_GRAPH_ARRAYS)}
        edges = RoadEdges(
            **{name: arrays[name] for name in _EDGE_ARRAYS},
            classes=tuple(about["classes"]),
            names=names,
            notes=about["notes"],
            dated=about["dated"],
        )
        known = {item.name for item in fields(Profile)}
        profile = Profile(**{k: v for k, v in about["profile"].items() if k in known})
        rest = {name: arrays[name] for name in _GRAPH_ARRAYS}
        return RoadGraph(edges, profile, about["source"], about["digest"], **rest)
    except FileNotFoundError as error:
        raise RoadsError(f"There is no road graph at {path}; import an extract first.") from error
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise RoadsError(
            f"{path.name} is damaged ({error}); delete it and import the extract again."
        ) from error


def _pack(text: str) -> npt.NDArray[np.uint8]:
    return np.frombuffer(text.encode(), dtype=np.uint8)


def _unpack(packed: npt.NDArray[np.uint8]) -> str:
    return packed.tobytes().decode()

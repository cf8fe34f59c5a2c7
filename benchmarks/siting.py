"""Siting against spopt on the same instance, and large instances alone.

Peers run under the interpreter named by LOCATOR_PEERS (spopt, pulp; this one unless set), and are
killed at a time limit of PEER_LIMIT_S seconds, building the model included; the ratio is then a
lower bound. Objectives are compared, each computed here from the chosen sites; sites are not.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array
from siting_city import LIMIT_S, ZONES, City, Texture, build_city

from locator.siting import (
    CoverProblem,
    Effort,
    Rules,
    Siting,
    TimeProblem,
    solve_lscp,
    solve_mclp,
    solve_p_median,
)

HERE = Path(__file__).parent
PEER_LIMIT_S = float(os.environ.get("LOCATOR_PEER_LIMIT", "120"))


def ask_peer(
    city: City, model: str, sites: int, solver: str = "cbc"
) -> tuple[dict[str, object], list[int] | None]:
    """Return what spopt took and chose; None where it was killed or is not there."""
    now = np.minimum(city.served_s, city.times.data.max())
    weights = np.where(city.served_s <= LIMIT_S, 0.0, city.weights) if model == "mclp" else None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "instance.npz"
        np.savez(
            file,
            indptr=city.times.indptr,
            indices=city.times.indices,
            data=city.times.data,
            shape=city.times.shape,
            weights=city.weights if weights is None else weights,
            now=now,
            limit=LIMIT_S,
        )
        python = os.environ.get("LOCATOR_PEERS", sys.executable)
        command = [python, str(HERE / "siting_peer.py"), str(file), model, str(sites), solver]
        start = time.perf_counter()
        peer = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            out, errors = peer.communicate(timeout=PEER_LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(peer.pid, signal.SIGKILL)  # CBC is a process of its own
            peer.wait()
            return {"peer_s": time.perf_counter() - start, "peer_killed": True}, None
    if peer.returncode:
        return {"peer_error": errors.strip().splitlines()[-1][-200:]}, None
    said = json.loads(out.strip().splitlines()[-1])
    return {"peer_s": said["seconds"], "peer_built_s": said["built_s"]}, said["chosen"]


def covered(problem: CoverProblem, chosen: list[int]) -> float:
    """Return the demand covered by existing stations and some sites."""
    reached = np.asarray(problem.cover[:, chosen].sum(axis=1)).ravel() > 0
    return float(problem.weights[reached | (problem.served > 0)].sum())


def total_time(problem: TimeProblem, chosen: list[int]) -> float:
    """Return weight times seconds to the nearest, over demand."""
    part = csr_array(problem.times[:, chosen])
    best = np.minimum(problem.served_s, problem.unserved_s)
    row = np.repeat(np.arange(len(best)), np.diff(part.indptr))
    np.minimum.at(best, row, part.data)
    return float(problem.weights @ best)


def compared(
    what: str, ours_s: float, result: Siting, peer: dict[str, object], theirs: float | None
) -> dict[str, object]:
    """Return the row of a comparison."""
    row: dict[str, object] = {"what": what, "peer": "spopt, CBC", "ours_s": ours_s} | peer
    if "peer_s" in peer:
        row["ratio"] = float(str(peer["peer_s"])) / ours_s
    return row | {
        "status": result.status,
        "proof": result.proof,
        "ours": f"{result.objective:.9g}",
        "peers": None if theirs is None else f"{theirs:.9g}",
        "gap_percent": 100 * result.gap,
        "gap_added_percent": 100 * result.gap_added,
    }


def bench_mclp(
    demand: int, candidates: int, sites: int, *, texture: Texture = ZONES, seconds: float = 60.0
) -> dict[str, object]:
    """Compare maximum cover."""
    city = build_city(demand, candidates, texture)
    start = time.perf_counter()
    problem = CoverProblem.within(city.times, city.weights, limit_s=LIMIT_S, served_s=city.served_s)
    result = solve_mclp(problem, Rules(new=sites), effort=Effort(time_limit_s=seconds))
    ours_s = time.perf_counter() - start
    peer, chosen = ask_peer(city, "mclp", sites)
    theirs = None if chosen is None else covered(problem, chosen)
    what = f"MCLP, {texture.name}, {demand:,} x {candidates:,}, p = {sites}"
    return compared(what, ours_s, result, peer, theirs)


def bench_median(demand: int, candidates: int, sites: int) -> dict[str, object]:
    """Compare the p-median."""
    city = build_city(demand, candidates)
    start = time.perf_counter()
    problem = TimeProblem(city.times, city.weights, served_s=city.served_s)
    result = solve_p_median(problem, Rules(new=sites), effort=Effort(time_limit_s=120.0))
    ours_s = time.perf_counter() - start
    peer, chosen = ask_peer(city, "p-median", sites)
    theirs = None if chosen is None else total_time(problem, chosen)
    what = f"p-median, {demand:,} x {candidates:,}, p = {sites}"
    return compared(what, ours_s, result, peer, theirs)


def bench_lscp(demand: int, candidates: int) -> dict[str, object]:
    """Compare the fewest sites for everybody that any candidate reaches; no station exists."""
    city = build_city(demand, candidates)
    reached = np.diff(city.times.indptr) > 0
    times = csr_array(city.times[np.flatnonzero(reached)])
    part = City(times, city.weights[reached], city.served_s[reached])
    start = time.perf_counter()
    problem = CoverProblem.within(times, part.weights, limit_s=LIMIT_S)
    result = solve_lscp(problem, Rules(), effort=Effort(time_limit_s=60.0))
    ours_s = time.perf_counter() - start
    peer, chosen = ask_peer(part, "lscp", 0)
    theirs = None if chosen is None else float(len(chosen))
    return compared(f"LSCP, {demand:,} x {candidates:,}", ours_s, result, peer, theirs)


def bench_alone(
    model: str,
    demand: int,
    candidates: int,
    sites: int,
    texture: Texture,
    effort: tuple[float, float],
) -> dict[str, object]:
    """Solve a large instance in a process of its own; effort is the time limit and the gap."""
    words = (model, demand, candidates, sites, texture.name, *effort)
    command = [sys.executable, str(HERE / "siting_alone.py"), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    what = f"{model} alone, {texture.name}, {demand:,} x {candidates:,}, p = {sites}"
    asked = {"limit_s": effort[0], "gap_asked": effort[1]}
    return {"what": what} | asked | json.loads(done.stdout)

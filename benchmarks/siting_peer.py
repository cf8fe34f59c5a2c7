"""spopt's models on the same instance: run by the interpreter that has spopt and pulp.

``siting_peer.py FILE.npz MODEL P SOLVER``: builds the dense cost matrix that spopt wants, solves,
prints JSON.
"""

import json
import sys
import time

import numpy as np
import pulp
from spopt.locate import LSCP, MCLP, PMedian


def main() -> None:
    """Solve one model and print seconds and the chosen sites."""
    file, model, sites, solver_name = sys.argv[1:5]
    kept = np.load(file)
    count, width = (int(n) for n in kept["shape"])
    limit = float(kept["limit"])
    cost = np.full((count, width), limit * 10.0)
    row = np.repeat(np.arange(count), np.diff(kept["indptr"]))
    cost[row, kept["indices"]] = kept["data"]
    weights = kept["weights"]
    solver = pulp.HiGHS(msg=False) if solver_name == "highs" else pulp.PULP_CBC_CMD(msg=False)
    start = time.perf_counter()
    if model == "mclp":
        found = MCLP.from_cost_matrix(cost, weights, limit, p_facilities=int(sites))
    elif model == "lscp":
        found = LSCP.from_cost_matrix(cost, limit)
    else:
        now = kept["now"][:, None]
        found = PMedian.from_cost_matrix(np.minimum(cost, now), weights, p_facilities=int(sites))
    built = time.perf_counter()
    found = found.solve(solver, results=False)
    ended = time.perf_counter()
    chosen = [at for at, one in enumerate(found.fac_vars) if one.value() and one.value() > 0.5]
    print(json.dumps({"seconds": ended - start, "built_s": built - start, "chosen": chosen}))


if __name__ == "__main__":
    main()

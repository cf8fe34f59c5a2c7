"""One large instance in a process of its own: what was reached, when, and the memory at its peak.

``siting_alone.py MODEL DEMAND CANDIDATES P TEXTURE SECONDS GAP`` prints JSON; memory includes the
instance and making it.
"""

import json
import resource
import sys
import time

from siting_city import LIMIT_S, SPREAD, ZONES, build_city

from locator.siting import CoverProblem, Effort, Rules, TimeProblem, solve_mclp, solve_p_median


def main() -> None:
    """Solve one instance and print what came out."""
    model, demand, candidates, sites, texture, seconds, gap = sys.argv[1:8]
    city = build_city(int(demand), int(candidates), SPREAD if texture == SPREAD.name else ZONES)
    effort = Effort(time_limit_s=float(seconds), gap=float(gap))
    rules = Rules(new=int(sites))
    start = time.perf_counter()
    if model == "MCLP":
        cover = CoverProblem.within(
            city.times, city.weights, limit_s=LIMIT_S, served_s=city.served_s
        )
        result = solve_mclp(cover, rules, effort=effort)
    else:
        times = TimeProblem(city.times, city.weights, served_s=city.served_s)
        result = solve_p_median(times, rules, effort=effort)
    seconds_used = time.perf_counter() - start
    unit = 2**20 if sys.platform == "darwin" else 2**10
    print(
        json.dumps(
            {
                "ours_s": seconds_used,
                "ours_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit,
                "status": result.status,
                "proof": result.proof,
                "objective": result.objective,
                "bound": result.bound,
                "gap_percent": 100 * result.gap,
                "gap_added_percent": 100 * result.gap_added,
            }
        )
    )


if __name__ == "__main__":
    main()

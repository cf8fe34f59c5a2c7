"""A first selection where greedy choice finds none, and the name of a rule that cannot be kept."""

import numpy as np

from locator.errors import SitingError
from locator.siting.kernel import Answer, Model, Solver
from locator.siting.kernel_cover import sites_of
from locator.siting.problem import Floats, Ints
from locator.siting.terms import Terms
from locator.siting.watch import Watch


def first_selection(terms: Terms, gain: Floats, watch: Watch, solver: Solver) -> Ints:
    """Return a selection that keeps every rule, of much gain taken singly.

    Raises
    ------
    SitingError
        If there is none: the sentence names the rules of which one must go; or if none was found
        in time.
    """
    answer = _solve(terms, gain, watch, solver, np.ones(len(terms.right), dtype=bool))
    if answer.x is not None:
        return sites_of(answer.x, len(gain))
    if answer.ended != "infeasible":
        raise SitingError("No selection that keeps the rules was found in time; allow more.")
    raise SitingError(_blame(terms, watch, solver))


def _solve(
    terms: Terms,
    gain: Floats,
    watch: Watch,
    solver: Solver,
    rows: "np.ndarray[tuple[int], np.dtype[np.bool_]]",
) -> Answer:
    width = len(gain)
    model = Model(
        matrix=terms.matrix[np.flatnonzero(rows)],
        row_low=np.full(int(rows.sum()), -np.inf),
        row_high=terms.right[rows],
        cost=-gain / max(1.0, float(gain.max(initial=0.0))),
        low=terms.low,
        high=terms.high,
        whole=np.ones(width, dtype=bool),
    )
    return solver.solve(model, watch, enough=_found)


def _found(objective: float, bound: float) -> bool:
    del bound
    return bool(np.isfinite(objective))


def _blame(terms: Terms, watch: Watch, solver: Solver) -> str:
    """Return a sentence that names the kinds of rules without which the others can be kept."""
    names = np.array(terms.names)
    nothing = np.zeros(len(terms.low))
    culprits = [
        name
        for name in dict.fromkeys(terms.names)
        if _solve(terms, nothing, watch, solver, names != name).x is not None
    ]
    if culprits:
        return (
            f"No selection keeps all the rules together; giving up one of these would do: "
            f"{'; '.join(culprits)}."
        )
    kinds = "; ".join(dict.fromkeys(terms.names))
    return f"No selection keeps all the rules together, and no single one is to blame: {kinds}."

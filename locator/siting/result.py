"""What a siting model answers: a selection, what it brings, and how far it can be from the best."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_array

from locator.notebook import facts_table
from locator.siting.problem import CoverProblem, Floats, Ints
from locator.siting.terms import Terms
from locator.siting.watch import Stopped

EXISTING, BEYOND = -1, -2
Status = Literal["optimal", "feasible"]
Proof = Literal["certificate", "solver"]
Kind = Literal["cover", "saving", "set cover"]


@dataclass(frozen=True, eq=False)
class Certificate:
    """Dual numbers from which anybody recomputes a bound, without a solver.

    With the model's ``A`` (``matrix``), rules ``G x <= h``, ``low <= x <= high``, and

    * ``r = A.T @ rows - G.T @ rules`` (``cover``),
      ``r = np.maximum(S - rows[:, None], 0).sum(0) - G.T @ rules`` (``saving``), or
      ``r = prices - A.T @ rows + G.T @ rules`` (``set cover``),

    the bound is, in one line of numpy each,

    * ``cover``: no selection covers more than
      ``np.maximum(0, np.maximum(first - rows, first + second - 2 * rows)).sum() + rules @ h
      + np.where(r > 0, high * r, low * r).sum()``;
    * ``saving``: no selection saves more than
      ``rows.sum() + rules @ h + np.where(r > 0, high * r, low * r).sum()``;
    * ``set cover``: no selection costs less than
      ``rows.sum() - rules @ h + np.where(r < 0, high * r, low * r).sum()``, and where only a share
      is asked ``rows.sum()`` is ``share * target - np.maximum(0, share * weights - rows).sum()``.

    Why (cover): with s = (A x)_i sites covering a point, its value is ``first`` at s = 1 and
    ``first + second`` from 2 on, so it is at most phi(y) + y s for every y >= 0, where
    phi(y) = max(0, first - y, first + second - 2 y). Summed, and with rules >= 0 and G x <= h, no
    x in the bounds does better than the line. For plain MCLP (``second`` zero) phi is
    ``first - rows`` for 0 <= rows <= first. The others are the same argument for
    max_j S_ij x_j <= y + sum_j max(0, S_ij - y) x_j, and for linear duality. It is Lagrangian
    relaxation (Geoffrion 1974, Mathematical Programming Study 2:82-114); any ``rows``, ``rules``
    >= 0 give a valid bound, so nothing has to be believed about how they were found.

    Attributes
    ----------
    kind
        Which line holds.
    matrix
        (n, m) coverage as ones, or savings S.
    first, second
        (n,) value of being covered once, and what a second time adds (``cover``); weights and
        zeros otherwise.
    rows, rules
        The dual numbers, (n,) and (r,).
    terms
        The rules as rows: ``terms.matrix`` is G, ``terms.right`` is h.
    share, target
        Only where a share of demand is to be covered: its dual number, and the demand needed.
    """

    kind: Kind
    matrix: csr_array
    first: Floats
    second: Floats
    rows: Floats
    rules: Floats
    terms: Terms
    share: float = 0.0
    target: float = 0.0

    def reduced(self) -> Floats:
        """Return r, (m,): what each candidate is worth, or costs, beyond the dual numbers."""
        from locator.siting.dual import column_excess, column_sums

        pressed: Floats = self.terms.matrix.T @ self.rules
        if self.kind == "cover":
            return column_sums(self.matrix, self.rows) - pressed
        if self.kind == "saving":
            return column_excess(self.matrix, self.rows) - pressed
        return self.terms.prices - column_sums(self.matrix, self.rows) + pressed

    def bound(self) -> float:
        """Recompute the bound from the dual numbers alone."""
        r = self.reduced()
        low, high, h = self.terms.low, self.terms.high, self.terms.right
        if self.kind == "set cover":
            asked = float(self.rows.sum())
            if self.target > 0:
                short = np.maximum(0.0, self.share * self.first - self.rows).sum()
                asked = self.share * self.target - float(short)
            return asked - float(self.rules @ h) + float(np.where(r < 0, high * r, low * r).sum())
        inside = float(np.where(r > 0, high * r, low * r).sum()) + float(self.rules @ h)
        if self.kind == "saving":
            return float(self.rows.sum()) + inside
        once = self.first - self.rows
        phi = np.maximum(0.0, np.maximum(once, once + self.second - self.rows))
        return float(phi.sum()) + inside


@dataclass(frozen=True, eq=False)
class Siting:
    """A selection of candidates and how good it is known to be.

    Attributes
    ----------
    model
        ``MCLP``, ``backup cover``, ``capacitated cover``, ``LSCP``, ``p-median`` or ``p-center``.
    chosen
        Positions of the candidates chosen, ascending.
    assignment
        (n,) the candidate that serves each demand point, -1 an existing station, -2 nobody.
    objective
        Demand covered, existing stations included (MCLP and its kin); cost (LSCP); weighted
        seconds, the sum over demand (p-median); the longest time in seconds (p-center).
    baseline
        The same with the existing stations alone; nan where that is no answer (LSCP), ``inf``
        where a point is out of reach (p-center).
    bound
        No selection that keeps the rules does better than this.
    gap
        ``|bound - objective| / |objective|``.
    gap_added
        The gap of what the new sites bring: ``(bound - objective) / (bound - baseline)``, the
        share of what could be added at best that may be missing here. Where nothing is a
        baseline (LSCP, p-center) it is the gap of the objective.
    status
        ``optimal``: proven, to a millionth; ``feasible``: the gap says how far from it.
    proof
        ``certificate``: the bound is that of the certificate, which anybody can recompute.
        ``solver``: the bound rests on HiGHS' branch and bound; the certificate's own is
        ``certificate_bound``.
    certificate, certificate_bound
        Dual numbers and the bound they give, in the units of the objective; None for p-center
        proven by the solver and capacitated cover, nan then.
    seconds
        By phase, and ``total``.
    kernel
        Rows, columns and entries of the model that the solver saw; zeros if none was needed.
    stopped
        Why the search ended before its proof: ``time``, ``cancelled``, ``gap`` (as close as was
        asked for) or ``solver`` (HiGHS gave up); empty where it is proven.
    """

    model: str
    chosen: Ints
    assignment: Ints
    objective: float
    baseline: float
    bound: float
    status: Status
    proof: Proof
    certificate: Certificate | None
    certificate_bound: float
    seconds: dict[str, float]
    kernel: tuple[int, int, int] = (0, 0, 0)
    stopped: Stopped = ""

    @property
    def added(self) -> float:
        """What the new sites bring: demand covered, or weighted seconds saved."""
        return abs(self.objective - self.baseline)

    @property
    def gap(self) -> float:
        """How far the bound is from the objective, as a share of the objective."""
        distance = abs(self.bound - self.objective)
        return 0.0 if distance == 0 else distance / max(abs(self.objective), 1e-300)

    @property
    def gap_added(self) -> float:
        """How far the bound is from the objective, as a share of what could be added."""
        reachable = abs(self.bound - self.baseline)
        if not np.isfinite(reachable):
            return self.gap
        distance = abs(self.bound - self.objective)
        return 0.0 if distance == 0 else distance / max(reachable, 1e-300)

    def _repr_html_(self) -> str:
        """Say what was chosen and how good it is known to be, for a notebook."""
        return facts_table(
            f"选址 siting: {self.model}",
            {
                "新点 new sites": len(self.chosen),
                "候选点序号 candidates chosen": ", ".join(map(str, self.chosen)),
                "目标值 objective": float(self.objective),
                "现有站点 existing alone": float(self.baseline),
                "上界或下界 bound": float(self.bound),
                "差距 gap": f"{self.gap:.3%}",
                "新增部分的差距 gap of what is added": f"{self.gap_added:.3%}",
                "状态 status": f"{self.status} ({self.proof})"
                + (self.stopped and f", {self.stopped}"),
                "用时 seconds": self.seconds.get("total"),
            },
        )


def nearest_of(times: csr_array, sites: Ints) -> tuple[Ints, Floats]:
    """Return the nearest of some candidates for each demand point, -2 if none, and its seconds.

    Of equal times the lower position wins.
    """
    size = int(times.shape[0])
    among = np.zeros(times.shape[1], dtype=bool)
    among[sites] = True
    entries = np.flatnonzero(among[times.indices])
    row = np.searchsorted(times.indptr, entries, side="right") - 1
    seconds = times.data[entries].astype(np.float64)
    column = times.indices[entries].astype(np.int64)
    order = np.lexsort((column, seconds, row))
    rows, first = np.unique(row[order], return_index=True)
    site = np.full(size, BEYOND, dtype=np.int64)
    best = np.full(size, np.inf)
    site[rows] = column[order][first]
    best[rows] = seconds[order][first]
    return site, best


def assign_cover(problem: CoverProblem, sites: Ints) -> Ints:
    """Return who covers each demand point: the nearest, where times are known.

    An existing station comes before a new one at the same time, or where times are unknown.
    """
    served = problem.served > 0
    if problem.times is None or problem.served_s is None:
        site, _ = nearest_of(_flat(problem.cover), sites)
        return np.where(served, EXISTING, site)
    among = np.zeros(problem.shape[1], dtype=bool)
    among[sites] = True
    site, seconds = nearest_of(problem.times, sites)
    inside, _ = nearest_of(_flat(problem.cover), sites)
    site = np.where(inside == BEYOND, BEYOND, site)
    return np.where(served & (problem.served_s <= seconds), EXISTING, site)


def _flat(cover: csr_array) -> csr_array:
    ones = np.ones(len(cover.indices), dtype=np.bool_)
    return csr_array((ones, cover.indices, cover.indptr), shape=cover.shape)

"""A bound on maximum cover from its linear relaxation, by a first-order method.

The relaxation is a saddle point: max over x in the rules, min over 0 <= y, of
``sum(phi(y)) + y' A x`` (see :class:`~locator.siting.result.Certificate`). It is solved by the
primal-dual hybrid gradient with diagonal steps (Pock & Chambolle 2011, ICCV, 1762-1769), averaged
and restarted when the duality gap of the average has fallen far enough (Applegate et al. 2021,
NeurIPS 34, and 2023, Mathematical Programming 201:133-184). Every iterate y gives a valid bound,
so the iterations run in single precision and only the best y is evaluated in double.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from locator.siting.dual import best_rules, dual_value
from locator.siting.greedy import column_worth
from locator.siting.problem import Floats
from locator.siting.reduce import Cover
from locator.siting.terms import Terms
from locator.siting.watch import Watch

Singles = npt.NDArray[np.float32]
_LOOSE = 1e-3  # by how much a rule may be broken by a point that counts as close to the optimum
_CHECK = 16  # iterations between two looks at the gap


@dataclass(frozen=True, eq=False)
class Relaxation:
    """Dual numbers with the best bound found, and a fractional selection.

    Attributes
    ----------
    rows, rules
        (n',) and (r,) dual numbers.
    bound
        The bound they give, in double precision.
    share
        (m,) fractional selection, 0 to 1.
    worth
        (m,) column sums of ``rows``.
    iterations
        Iterations taken.
    """

    rows: Floats
    rules: Floats
    bound: float
    share: Floats
    worth: Floats
    iterations: int


@dataclass
class _State:
    """Point, products and running sums of one restart period."""

    x: Singles
    y: Singles
    z: Singles
    ax: Singles
    aty: Singles


class _Problem:
    """The scaled data of the saddle point."""

    def __init__(self, cover: Cover, terms: Terms) -> None:
        self.terms = terms
        self.cover = cover
        self.matrix = cover.matrix(np.float32)
        self.turned = self.matrix.T
        self.first = cover.first.astype(np.float32)
        self.second = cover.second.astype(np.float32)
        others = [row for row in range(len(terms.right)) if row != terms.main]
        self.rule_matrix = terms.matrix[others].astype(np.float32)
        self.rule_turned = self.rule_matrix.T.tocsr()
        self.right = terms.right[others].astype(np.float32)
        self.others = others
        self.low = terms.low.astype(np.float32)
        self.high = terms.high.astype(np.float32)
        load = np.zeros(cover.width) if terms.main < 0 else _dense_row(terms)
        self.load = load.astype(np.float32)
        self.slack = np.inf if terms.main < 0 else float(terms.right[terms.main])
        self._set_steps()

    def _set_steps(self) -> None:
        per_row = np.maximum(np.diff(self.cover.indptr), 1).astype(np.float32)
        worth = np.asarray(self.turned @ self.first)
        mean = float(worth[worth > 0].mean()) if (worth > 0).any() else 1.0
        pressed = np.asarray(abs(self.rule_turned).sum(axis=1)).ravel()
        self.step_x = (1.0 / np.maximum(worth + mean * pressed, 1e-3 * mean)).astype(np.float32)
        self.step_y = self.first / per_row
        per_rule = np.asarray(abs(self.rule_matrix).sum(axis=1)).ravel()
        self.step_z = (mean / np.maximum(per_rule, 1e-9)).astype(np.float32)

    def project(self, x: Singles, step: Singles) -> Singles:
        """Return the nearest point of the bounds and the main row, in the metric of the steps."""
        inside = np.clip(x, self.low, self.high)
        if self.load @ inside <= self.slack * (1 + 1e-6):
            return inside
        slope = step * self.load
        below, above = 0.0, float(np.max(x / np.maximum(slope, 1e-30), where=slope > 0, initial=0))
        for _ in range(40):
            middle = 0.5 * (below + above)
            inside = np.clip(x - middle * slope, self.low, self.high)
            if self.load @ inside > self.slack:
                below = middle
            else:
                above = middle
            if above - below <= 1e-6 * above:
                break
        return np.clip(x - above * slope, self.low, self.high)

    def move_y(self, y: Singles, s: Singles, step: Singles) -> Singles:
        """Return the proximal step of phi(y) + y s: clip where a point is covered once or twice."""
        once = y + step * (1 - s)
        if not self.second.any():
            return np.clip(once, 0, self.first)
        twice = np.minimum(y + step * (2 - s), self.second)
        return np.clip(np.maximum(once, twice), 0, self.first)

    def primal(self, s: Singles) -> float:
        """Return the value of a fractional selection with cover s."""
        once = np.minimum(s, 1) @ self.first
        return float(once + np.clip(s - 1, 0, 1) @ self.second)

    def dual(self, y: Singles, worth: Singles, z: Singles) -> tuple[float, Floats]:
        """Return the bound of a dual point, and its multipliers."""
        rules = np.zeros(len(self.terms.right))
        rules[self.others] = z
        wide = worth.astype(np.float64)
        rules = best_rules(wide, self.terms, rules)
        rest = self.first - y
        phi = np.maximum(rest, rest + self.second - y).astype(np.float64)
        return float(np.maximum(phi, 0).sum()) + dual_value(wide, self.terms, rules), rules


def _dense_row(terms: Terms) -> Floats:
    row: Floats = terms.matrix[[terms.main]].toarray().ravel()
    return row


class CoverRelaxation:
    """The linear relaxation of a coverage model, approached step by step; mutable.

    Parameters
    ----------
    start
        (m,) where to begin, usually a good selection.
    """

    def __init__(self, cover: Cover, terms: Terms, start: Floats) -> None:
        self._problem = problem = _Problem(cover, terms)
        x = start.astype(np.float32)
        ax = np.asarray(problem.matrix @ x)
        y = np.where(ax > 0.5, np.float32(0.5) * problem.first, problem.first).astype(np.float32)
        z = np.zeros(len(problem.others), np.float32)
        self._state = _State(x, y, z, ax, np.asarray(problem.turned @ y))
        self._weight = 1.0
        self._count = 0
        upper, rules = problem.dual(y, self._state.aty, z)
        self._best = _Best(y, rules, upper, x, problem.primal(ax))
        self._restart(self._state, np.inf)

    def _restart(self, point: _State, gap: float) -> None:
        self._state = self._anchor = point
        self._total, self._inside, self._last = _scaled(point, 0.0), 0, gap

    def run(
        self,
        watch: Watch,
        *,
        until_s: float = np.inf,
        close: float = 1e-5,
        incumbent: float = -np.inf,
        iterations: int = 1_000_000,
    ) -> Relaxation:
        """Iterate until the relaxation's own gap is small, or time is up, and say what is known.

        Parameters
        ----------
        until_s
            Seconds to spend at most, besides the watch's limit.
        close
            Stop at this gap between the relaxation's primal and dual value, as a share.
        incumbent
            Stop where the bound reaches this value.
        iterations
            Stop after so many more.
        """
        until = watch.effort.clock() + until_s
        goal = _Goal(watch, until, close, incumbent, self._count + iterations)
        while not goal.reached(self._best.lower, self._best.upper, self._count):
            self._look()
        return self._answer()

    def _look(self) -> None:
        """Take some steps, judge where they led, and restart from there if that is far enough."""
        problem, best = self._problem, self._best
        for _ in range(_CHECK):
            self._state = _step(problem, self._state, self._weight)
            _accumulate(self._total, self._state)
        self._count += _CHECK
        self._inside += _CHECK
        mean = _scaled(self._total, 1.0 / self._inside)
        gaps = [(_judge(problem, point, best), point) for point in (self._state, mean)]
        gap, point = min(gaps, key=lambda pair: pair[0])
        if np.isinf(self._last):
            self._last = gap
        if gap <= 0.5 * self._last or self._inside >= 0.4 * self._count + 64:
            self._weight = _reweighted(problem, self._anchor, point, self._weight)
            self._restart(point, gap)

    def _answer(self) -> Relaxation:
        problem, best = self._problem, self._best
        cover, terms = problem.cover, problem.terms
        rows = np.clip(best.y.astype(np.float64), 0, cover.first)
        worth = column_worth(cover, rows)
        rules = best_rules(worth, terms, best.rules)
        rest = cover.first - rows
        phi = np.maximum(0, np.maximum(rest, rest + cover.second - rows))
        bound = float(phi.sum()) + dual_value(worth, terms, rules)
        return Relaxation(rows, rules, bound, best.x.astype(np.float64), worth, self._count)


@dataclass(frozen=True)
class _Goal:
    """When to stop."""

    watch: Watch
    until: float
    close: float
    incumbent: float
    iterations: int

    def reached(self, lower: float, upper: float, count: int) -> bool:
        if count >= self.iterations or self.watch.stop():
            return True
        if self.watch.effort.clock() >= self.until:
            return True
        near = upper - lower <= self.close * max(abs(upper), 1e-30)
        return near or upper <= self.incumbent


@dataclass
class _Best:
    """The best points so far."""

    y: Singles
    rules: Floats
    upper: float
    x: Singles
    lower: float


def _step(problem: _Problem, state: _State, weight: float) -> _State:
    step_x = problem.step_x / np.float32(weight)
    pull = state.aty
    if len(state.z):
        pull = pull - problem.rule_turned @ state.z
    x = problem.project(state.x + step_x * pull, step_x)
    ax = np.asarray(problem.matrix @ x)
    y = problem.move_y(state.y, 2 * ax - state.ax, problem.step_y * np.float32(weight))
    z = state.z
    if len(z):
        over = problem.rule_matrix @ (2 * x - state.x) - problem.right
        z = np.maximum(0, z + problem.step_z * np.float32(weight) * over)
    return _State(x, y, z, ax, np.asarray(problem.turned @ y))


def _judge(problem: _Problem, point: _State, best: _Best) -> float:
    """Keep what is best of a point; return its gap."""
    lower = problem.primal(point.ax)
    upper, rules = problem.dual(point.y, point.aty, point.z)
    if upper < best.upper:
        best.y, best.rules, best.upper = point.y, rules, upper
    if len(point.z):
        over = problem.rule_matrix @ point.x - problem.right
        if np.max(over / np.maximum(1.0, np.abs(problem.right))) > _LOOSE:
            return upper - lower
    if lower > best.lower:
        best.lower, best.x = lower, point.x
    return upper - lower


def _scaled(state: _State, factor: float) -> _State:
    f = np.float32(factor)
    return _State(state.x * f, state.y * f, state.z * f, state.ax * f, state.aty * f)


def _accumulate(total: _State, state: _State) -> None:
    total.x += state.x
    total.y += state.y
    total.z += state.z
    total.ax += state.ax
    total.aty += state.aty


def _reweighted(problem: _Problem, anchor: _State, point: _State, weight: float) -> float:
    """Return the balance of primal and dual steps, from how far each has moved (PDLP)."""
    dx = float(np.sqrt(np.sum((point.x - anchor.x) ** 2 / problem.step_x)))
    move = (point.y - anchor.y) ** 2 / np.maximum(problem.step_y, 1e-30)
    dz = (point.z - anchor.z) ** 2 / problem.step_z
    dy = float(np.sqrt(np.sum(move) + np.sum(dz)))
    if dx < 1e-12 or dy < 1e-12:
        return weight
    return float(np.exp(0.5 * np.log(dy / dx) + 0.5 * np.log(weight)))

"""The rules of a selection, checked and written as linear rows ``G x <= h``."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array, vstack
from scipy.spatial import cKDTree

from locator.errors import InputError, SitingError
from locator.siting.problem import Floats, Ints, Rules, Truths

_SLACK = 1e-9  # of sums of prices, which are rounded


@dataclass(frozen=True, eq=False)
class Terms:
    """Rules as numbers; a selection is a 0/1 vector x of the m candidates.

    Attributes
    ----------
    low, high
        (m,) bounds of x: 1, 1 forced in; 0, 0 forced out.
    matrix, right
        ``matrix @ x <= right``, (r, m) and (r,): every rule but the bounds.
    names
        What each row says, in words, for messages.
    main
        The row that bounds treat exactly (number of sites, else budget), or -1.
    prices, new, budget, group, district, needs
        As in :class:`~locator.siting.problem.Rules`; absent numbers are ``inf``, absent groups
        and districts -1.
    near
        (m, m) candidates that may not be chosen together, or None.
    """

    low: Floats
    high: Floats
    matrix: csr_array
    right: Floats
    names: tuple[str, ...]
    main: int
    prices: Floats
    new: float
    budget: float
    group: Ints
    district: Ints
    needs: dict[int, int]
    near: csr_array | None

    @property
    def simple(self) -> bool:
        """Whether nothing but the main row and the bounds is asked."""
        return len(self.right) == (self.main >= 0)

    def take(self, columns: Ints, ones: Truths) -> "Terms":
        """Return the rules of some candidates, of which ``ones`` are fixed at one."""
        near = None if self.near is None else self.near[columns][:, columns]
        return replace(
            self,
            low=np.where(ones, 1.0, self.low[columns]),
            high=self.high[columns],
            matrix=csr_array(self.matrix[:, columns]),
            prices=self.prices[columns],
            group=self.group[columns],
            district=self.district[columns],
            near=near,
        )

    def kept_by(self, chosen: Ints) -> Truths:
        """Return for each row whether a selection keeps it."""
        x = np.zeros(len(self.low))
        x[chosen] = 1.0
        slack = 1e-9 * np.maximum(1.0, np.abs(self.right))
        kept: Truths = self.matrix @ x <= self.right + slack
        return kept


def compile_rules(rules: Rules, size: int) -> Terms:
    """Check the rules for m candidates and write them as rows.

    Raises
    ------
    InputError
        If a number, a position or a shape is wrong.
    SitingError
        If a rule cannot be met whatever is chosen; the sentence names it.
    """
    low, high = _bounds(rules, size)
    prices = _row(rules.prices, size, "Prices", 1.0)
    if (prices < 0).any() or not np.isfinite(prices).all():
        raise InputError("A price is negative or not a number.")
    new, budget = _limits(rules)
    spare = budget - float(prices[low > 0].sum())
    high[(low == 0) & (prices > spare + _SLACK * max(1.0, prices.max(initial=0.0)))] = 0.0
    group = _row(rules.groups, size, "Groups", -1).astype(np.int64)
    district = _row(rules.districts, size, "Districts", -1).astype(np.int64)
    needs = _needs(rules)
    near = _neighbours(rules, size)
    rows: list[tuple[str, csr_array, Floats]] = []
    if np.isfinite(new):
        ones = csr_array(np.ones((1, size)))
        rows.append((f"at most {new:g} sites", ones, np.array([new])))
    if np.isfinite(budget):
        rows.append((f"the budget of {budget:g}", csr_array(prices[None, :]), np.array([budget])))
    rows += _group_rows(group)
    for place, least in needs.items():
        inside = csr_array(-(district == place).astype(np.float64)[None, :])
        rows.append((f"at least {least} in district {place}", inside, np.array([-float(least)])))
    if near is not None:
        pairs = np.argwhere(_upper(near))
        rows.append((f"{rules.apart_m:g} m apart", _pair_rows(pairs, size), np.ones(len(pairs))))
    terms = Terms(
        low=low,
        high=high,
        matrix=vstack([block for _, block, _ in rows], format="csr")
        if rows
        else csr_array((0, size)),
        right=np.concatenate([right for _, _, right in rows]) if rows else np.zeros(0),
        names=tuple(name for name, _, right in rows for _ in right),
        main=0 if np.isfinite(new) or np.isfinite(budget) else -1,
        prices=prices,
        new=new,
        budget=budget,
        group=group,
        district=district,
        needs=needs,
        near=near,
    )
    _check_each(terms)
    return terms


def _upper(near: csr_array) -> csr_array:
    """Return each pair once."""
    rows, columns = near.nonzero()
    keep = rows < columns
    shape = near.shape
    return csr_array((np.ones(int(keep.sum())), (rows[keep], columns[keep])), shape=shape)


def _bounds(rules: Rules, size: int) -> tuple[Floats, Floats]:
    low, high = np.zeros(size), np.ones(size)
    for what, positions in (("in", rules.forced_in), ("out", rules.forced_out)):
        for position in positions:
            if not 0 <= position < size:
                raise InputError(
                    f"Candidate {position} is forced {what}, but there are candidates 0 to "
                    f"{size - 1}."
                )
    low[list(rules.forced_in)] = 1.0
    high[list(rules.forced_out)] = 0.0
    both = np.flatnonzero(low > high)
    if len(both):
        raise SitingError(f"Candidate {both[0]} is forced in and forced out; drop one of the two.")
    return low, high


def _row(values: object, size: int, what: str, default: float) -> Floats:
    if values is None:
        return np.full(size, float(default))
    row = np.asarray(values, dtype=np.float64)
    if row.shape != (size,):
        raise InputError(f"{what}: {size} values are needed, {row.shape} came.")
    return row


def _limits(rules: Rules) -> tuple[float, float]:
    if rules.new is not None and rules.new < 0:
        raise InputError(f"The number of new sites is {rules.new}; it cannot be negative.")
    if rules.budget is not None and not rules.budget >= 0:
        raise InputError(f"The budget is {rules.budget}; it cannot be negative.")
    new = np.inf if rules.new is None else float(rules.new)
    return new, np.inf if rules.budget is None else float(rules.budget)


def _needs(rules: Rules) -> dict[int, int]:
    if rules.at_least and rules.districts is None:
        raise InputError("A least number by district is asked, but no districts are given.")
    for place, least in rules.at_least.items():
        if least < 0 or place < 0:
            raise InputError(f"At least {least} sites in district {place} makes no sense.")
    return {int(place): int(n) for place, n in sorted(rules.at_least.items()) if n > 0}


def _neighbours(rules: Rules, size: int) -> csr_array | None:
    if not rules.apart_m >= 0:
        raise InputError(f"The least distance between sites is {rules.apart_m} m.")
    if rules.apart_m == 0:
        return None
    if rules.positions_m is None:
        raise InputError("Sites are to lie apart, but the candidates' positions are not given.")
    places = np.asarray(rules.positions_m, dtype=np.float64)
    if places.shape != (size, 2) or not np.isfinite(places).all():
        raise InputError(f"Positions of candidates: {size} pairs of metres are needed.")
    pairs = cKDTree(places).query_pairs(rules.apart_m, output_type="ndarray")
    gap = np.hypot(*(places[pairs[:, 0]] - places[pairs[:, 1]]).T)
    pairs = pairs[gap < rules.apart_m]  # exactly apart_m is apart enough
    if not len(pairs):
        return None
    both = np.concatenate([pairs, pairs[:, ::-1]])
    near = csr_array((np.ones(len(both), dtype=bool), (both[:, 0], both[:, 1])), (size, size))
    near.sort_indices()
    return near


def _group_rows(group: Ints) -> list[tuple[str, csr_array, Floats]]:
    names, at, sizes = np.unique(group, return_inverse=True, return_counts=True)
    binding = np.flatnonzero((sizes > 1) & (names >= 0))
    if not len(binding):
        return []
    row_of = np.full(len(names), -1)
    row_of[binding] = np.arange(len(binding))
    columns = np.flatnonzero(row_of[at] >= 0)
    entries = (np.ones(len(columns)), (row_of[at][columns], columns))
    block = csr_array(entries, shape=(len(binding), len(group)))
    return [("at most one of each group", block, np.ones(len(binding)))]


def _pair_rows(pairs: Ints, size: int) -> csr_array:
    row = np.repeat(np.arange(len(pairs)), 2)
    return csr_array((np.ones(2 * len(pairs)), (row, pairs.ravel())), shape=(len(pairs), size))


def _check_each(terms: Terms) -> None:
    """Raise where one rule alone, or one against what is forced in, cannot be met."""
    forced = np.flatnonzero(terms.low > 0)
    if len(forced) > terms.new:
        raise SitingError(
            f"{len(forced)} candidates are forced in, but only {terms.new:g} may be chosen; "
            "raise the number or force fewer."
        )
    cost = float(terms.prices[forced].sum())
    if cost > terms.budget * (1 + 1e-9):
        raise SitingError(
            f"The candidates forced in cost {cost:g}, but the budget is {terms.budget:g}; "
            "raise it or force fewer."
        )
    _check_forced_pairs(terms, forced)
    _check_districts(terms)


def _check_forced_pairs(terms: Terms, forced: Ints) -> None:
    names, counts = np.unique(terms.group[forced], return_counts=True)
    crowded = names[(counts > 1) & (names >= 0)]
    if len(crowded):
        raise SitingError(
            f"Two candidates of group {crowded[0]} are forced in, and only one of a group may be."
        )
    if terms.near is None or not len(forced):
        return
    close = terms.near[forced][:, forced].nonzero()
    if len(close[0]):
        one, other = forced[close[0][0]], forced[close[1][0]]
        raise SitingError(
            f"Candidates {one} and {other} are both forced in but lie nearer to each other than "
            "allowed; drop one or lower the distance."
        )


def _check_districts(terms: Terms) -> None:
    cost, extra = 0.0, 0
    for place, least in terms.needs.items():
        inside = np.flatnonzero((terms.district == place) & (terms.high > 0))
        if len(inside) < least:
            raise SitingError(
                f"District {place} needs {least} sites but has {len(inside)} candidates that "
                "may be chosen; add candidates there or ask for fewer."
            )
        forced = inside[terms.low[inside] > 0]
        open_prices = np.sort(terms.prices[inside[terms.low[inside] == 0]])
        missing = max(0, least - len(forced))
        cost += float(open_prices[:missing].sum())
        extra += missing
    total = int((terms.low > 0).sum()) + extra
    if total > terms.new:
        raise SitingError(
            f"The districts' least numbers and the candidates forced in make {total} sites, but "
            f"only {terms.new:g} may be chosen; raise the number or ask for fewer."
        )
    cost += float(terms.prices[terms.low > 0].sum())
    if cost > terms.budget * (1 + 1e-9):
        raise SitingError(
            f"The districts' least numbers and the candidates forced in cost at least {cost:g}, "
            f"but the budget is {terms.budget:g}; raise it or ask for fewer."
        )

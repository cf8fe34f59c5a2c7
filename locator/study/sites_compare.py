"""Two moments, two answers: which sites differ, and why.

For a site that is chosen at one moment alone, both moments are held against each other at the same
place: how much demand lies within the standard, how much of it stations that are open then cover
already, and which of those stations are open at one moment and not at the other.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from locator.errors import InputError
from locator.report.folder import COMPARISON_COLUMNS
from locator.schema import SET_SEPARATOR
from locator.service import Service
from locator.siting import Effort
from locator.study.checkpoints import to_plain
from locator.study.sites import SiteAnswer, solve_sites
from locator.study.sites_question import SiteQuestion
from locator.study.sites_setup import SiteInputs
from locator.study.sites_solve import part_of
from locator.study.sites_table import UNITS_ZH

_NAMED = 5  # stations in a sentence


@dataclass(frozen=True, eq=False)
class SiteComparison:
    """Answers to one question at several moments, and what differs.

    Attributes
    ----------
    answers
        One a moment, in the order asked.
    table
        The columns of :data:`locator.report.folder.COMPARISON_COLUMNS`.
    """

    answers: tuple[SiteAnswer, ...]
    table: pd.DataFrame

    def to_json(self) -> dict[str, object]:
        """Return the answers as :meth:`SiteAnswer.to_json` does, and the table, for a page."""
        answers = [answer.to_json() for answer in self.answers]
        return {"answers": answers, "table": to_plain(self.table)}


def compare_sites(
    service: Service,
    inputs: SiteInputs,
    question: SiteQuestion,
    moments: tuple[str, ...],
    *,
    effort: Effort | None = None,
) -> SiteComparison:
    """Answer one question at several moments and say what differs.

    Parameters
    ----------
    moments
        ISO moments, local time; they take the place of the question's.

    Raises
    ------
    InputError
        There are fewer than two moments, one stands twice, or the question is hourly.
    SitingError
        As :func:`locator.study.sites.solve_sites`.
    """
    if len(set(moments)) != len(moments) or len(moments) < 2:
        raise InputError("Name two or more different moments to compare.")
    effort = effort or Effort()
    answers = []
    for number, moment in enumerate(moments):
        share = (number / len(moments), (number + 1) / len(moments))
        part = part_of(effort, "", *share, question.time_limit_s)
        asked = replace(question, at=moment)
        answers.append(solve_sites(service, inputs, asked, effort=part))
    return compare_answers(tuple(answers))


def compare_answers(answers: tuple[SiteAnswer, ...]) -> SiteComparison:
    """Return the first answer held against each of the others, site by site."""
    first = answers[0]
    rows: list[dict[str, object]] = []
    for other in answers[1:]:
        mine, theirs = (_ranks(answer) for answer in (first, other))
        rows += [
            _row(first, other, action, mine.get(action), theirs.get(action))
            for action in dict.fromkeys([*mine, *theirs])
        ]
    table = pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS), dtype=object)
    return SiteComparison(answers, table)


def _ranks(answer: SiteAnswer) -> dict[int, int]:
    return {int(action): rank for rank, action in enumerate(answer.gains.order, start=1)}


def _row(
    first: SiteAnswer, other: SiteAnswer, action: int, mine: int | None, theirs: int | None
) -> dict[str, object]:
    """Return one site of either answer, at both moments."""
    setup = first.setup
    identity = setup.action_id(action)
    sides = [_side(answer, action) for answer in (first, other)]
    row: dict[str, object] = {
        "at": str(first.question.at),
        "other_at": str(other.question.at),
        "id": identity,
        "name": setup.names.get(identity),
        "option": str(setup.actions.option[action]),
        "rank": mine,
        "other_rank": theirs,
    }
    for prefix, side in zip(("", "other_"), sides, strict=True):
        row |= {f"{prefix}{name}": value for name, value in side.items()}
    opened = _opened(first, other, action)
    row |= {"open_only_then": opened[0], "open_only_other": opened[1]}
    row["why_zh"], row["why_en"] = _why(row, setup.unit)
    return row


def _side(answer: SiteAnswer, action: int) -> dict[str, object]:
    """Return demand within the standard of a site at one moment, and what is covered of it."""
    setup = answer.setup
    rows = setup.points_of(action)
    demand, served = setup.demand[rows], setup.served[rows]
    reached, covered = float(demand.sum()), float(demand[served].sum())
    return {
        "demand": round(reached, 6),
        "covered": round(covered, 6),
        "uncovered": round(reached - covered, 6),
        "stations_open": _open_near(answer, action).size,
    }


def _open_near(answer: SiteAnswer, action: int) -> npt.NDArray[np.int64]:
    """Return the open stations that some demand around a site reaches within the standard."""
    setup = answer.setup
    near = setup.reach_stations[setup.points_of(action)]
    stations = np.unique(near.indices[near.data > 0])
    return np.asarray(stations[setup.open[stations].any(axis=1)], dtype=np.int64)


def _opened(first: SiteAnswer, other: SiteAnswer, action: int) -> tuple[str | None, str | None]:
    """Return names of the stations around that are open at one moment and not at the other."""
    one, two = (set(_open_near(answer, action).tolist()) for answer in (first, other))
    names = first.setup.basis.study.inputs.snapshot.stations["name"]
    words = [
        SET_SEPARATOR.join(str(names.iloc[station]) for station in sorted(stations)) or None
        for stations in (one - two, two - one)
    ]
    return words[0], words[1]


def _why(row: dict[str, object], unit: str) -> tuple[str, str]:
    """Say why a site is in one answer and not in the other."""
    if row["rank"] is not None and row["other_rank"] is not None:
        return "两个时刻都选中。", "Chosen at both moments."
    here, there = ("", "other_") if row["rank"] is not None else ("other_", "")
    when, but = _when(row, f"{here}at"), _when(row, f"{there}at")
    open_now, demand_now = _amounts(row, here)
    open_then, demand_then = _amounts(row, there)
    zh_unit = UNITS_ZH.get(unit, unit)
    zh = (
        f"只在 {when} 选中：那时标准时间内的 {demand_now} {zh_unit}中有 {open_now} 未覆盖，"
        f"{but} 为 {demand_then} 中的 {open_then}"
    )
    en = (
        f"Chosen at {when} only: {open_now} of the {demand_now} {unit} within the standard are "
        f"uncovered then, against {open_then} of {demand_then} at {but}"
    )
    more_zh, more_en = _cause(row, here, there)
    return f"{zh}；{more_zh}。", f"{en}; {more_en}."


def _amounts(row: dict[str, object], side: str) -> tuple[str, str]:
    return f"{row[f'{side}uncovered']:,.0f}", f"{row[f'{side}demand']:,.0f}"


def _cause(row: dict[str, object], here: str, there: str) -> tuple[str, str]:
    """Say what differs there: stations that are open, or the demand."""
    only = row["open_only_other"] if here == "" else row["open_only_then"]
    if isinstance(only, str):
        names = only.split(SET_SEPARATOR)
        rest = len(names) - _NAMED
        shown = names[:_NAMED]
        zh = "、".join(shown) + (f"等 {len(names)} 处" if rest > 0 else "")
        en = ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")
        now, then = _clocks(row, here, there)
        return (
            f"附近在 {then} 营业、{now} 不营业的有：{zh}",
            f"stations open there at {then} but not at {now}: {en}",
        )
    if float(str(row[f"{here}demand"])) <= float(str(row[f"{there}demand"])):
        return "别处此时更急需", "it is other places that need one more at that moment"
    if not row["stations_open"] and not row["other_stations_open"]:
        return (
            "两个时刻附近都没有营业的站点，需求随时间转移",
            "no station near is open at either, the demand has moved",
        )
    return "营业的站点相同，需求随时间转移", "the same stations are open, the demand has moved"


def _clocks(row: dict[str, object], here: str, there: str) -> tuple[str, str]:
    """Return both moments as short as tells them apart: the clock alone where the day is one."""
    now, then = _when(row, f"{here}at"), _when(row, f"{there}at")
    if now[:10] == then[:10] and now[11:] != then[11:]:
        return now[11:], then[11:]
    return now, then


def _when(row: dict[str, object], key: str) -> str:
    return str(row[key]).replace("T", " ")

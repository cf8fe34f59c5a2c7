"""The report of one siting question at several moments: what is the same, what differs, and why."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from locator.figures import Figure
from locator.report.blocks import Picture
from locator.report.draft import Report, SitesDraft
from locator.report.folder import Cell, number
from locator.report.pictures import MOST_MAPS, draw_sites_picture
from locator.report.reading import ComparedFolder
from locator.report.sites import add_bands, add_end, answer, facts, finished, proof, title_of
from locator.report.sites_sections import add_map, add_where
from locator.schema import SET_SEPARATOR, Language

Row = Mapping[str, Cell]


class MomentsDraft(SitesDraft):
    """The report of several moments as it grows; each moment's own part grows in the same one."""

    def __init__(self, compared: ComparedFolder, language: Language) -> None:
        super().__init__(compared.studies[0], language)
        self.compared = compared
        self.parts = [SitesDraft(study, language) for study in compared.studies]
        for part in self.parts:
            part.continue_in(self)
        self.tables = {"comparison": compared.table} | {
            self.say(f"所选 {when}", f"Sites {when}").replace(":", ""): study.tables["sites"]
            for when, study in zip(self.clocks, compared.studies, strict=True)
        }

    @property
    def clocks(self) -> list[str]:
        """Return the moments as short as tells them apart."""
        moments = [moment.replace("T", " ") for moment in self.compared.moments]
        same_day = len({moment[:10] for moment in moments}) == 1
        short = [moment[11:16] for moment in moments]
        return short if same_day and len(set(short)) == len(short) else moments


def report_moments(compared: ComparedFolder, language: Language) -> Report:
    """Draw up the report of several moments."""
    draft = MomentsDraft(compared, language)
    clocks = draft.say(" 与 ", " and ").join(draft.clocks)
    title = title_of(draft, draft.say(f"：{clocks} 对比", f", {clocks} compared"))
    _add_moments(draft)
    add_end(draft, [study.summary for study in compared.studies])

    def draw(picture: Picture) -> Figure:
        """Draw a moment's map from the moment's own study."""
        position = int(picture.name.rpartition("-")[2])
        return draw_sites_picture(draft.parts[position - 1], picture)

    return finished(draft, title, draw)


def _add_moments(draft: MomentsDraft) -> None:
    """Add page one, why the answers differ, and each moment's own answer."""
    _opening(draft)
    _why(draft)
    for position, part in enumerate(draft.parts, start=1):
        draft.heading(f"{part.moment} 的答案".strip(), f"The answer at {part.moment}", level=1)
        draft.text(answer(part), proof(part))
        if position <= MOST_MAPS:
            chosen = part.study.summary["figures"]["chosen"]
            add_map(part, f"sites-{position}", chosen, when=part.moment)
        add_where(part)


def _opening(draft: MomentsDraft) -> None:
    say = draft.say
    add_bands(draft, draft.parts)
    draft.heading("结论", "The answer")
    for part in draft.parts:
        draft.text(say(f"{part.moment}：", f"{part.moment}: ") + answer(part), proof(part))
    for pair in _pairs(draft):
        draft.text(_overlap(draft, pair))
        draft.points(_reasons(draft, pair))
    draft.plain_grid(
        say("各时刻所选站点的名次", "Ranks of the chosen at each moment"),
        [
            say("名称", "Name"),
            say("区县", "District"),
            *(_rank_word(draft, c) for c in draft.clocks),
        ],
        _ranks(draft),
        right=2,
    )
    draft.heading("本报告依据", "What this rests on", level=2)
    left_out = {say("开放时间", "Opening hours"), say("当时可用的站点", "Stations in use then")}
    rows = [row for row in facts(draft) if row[0] not in left_out]
    rows.insert(1, (say("时刻", "Moments"), say("、", ", ").join(p.moment for p in draft.parts)))
    draft.facts(rows)
    draft.signatures()


def _rank_word(draft: MomentsDraft, clock: str) -> str:
    return draft.say(f"{clock} 名次", f"Rank at {clock}")


def _ranks(draft: MomentsDraft) -> Iterator[list[str]]:
    """Yield every site that is chosen at some moment, with its rank at each."""
    found: dict[tuple[str, str], tuple[dict[str, Cell], dict[int, str]]] = {}
    for position, part in enumerate(draft.parts):
        for row in part.sites():
            key = (str(row["id"]), str(row["option"]))
            found.setdefault(key, (row, {}))[1][position] = f"{row['rank']}"
    for site, ranks in found.values():
        names = [draft.place(site["name"]), draft.place(site["district_name"])]
        yield names + [ranks.get(position, "—") for position in range(len(draft.parts))]


@dataclass(frozen=True)
class _Pair:
    """The first moment and another one, and their rows of the comparison."""

    clocks: tuple[str, str]
    both: list[Row]
    first: list[Row]
    other: list[Row]


def _pairs(draft: MomentsDraft) -> Iterator[_Pair]:
    rows = draft.records("comparison")
    first, *others = draft.compared.moments
    for clock, moment in zip(draft.clocks[1:], others, strict=True):
        mine = [row for row in rows if row["at"] == first and row["other_at"] == moment]
        yield _Pair(
            clocks=(draft.clocks[0], clock),
            both=[r for r in mine if r["rank"] is not None and r["other_rank"] is not None],
            first=[r for r in mine if r["other_rank"] is None],
            other=[r for r in mine if r["rank"] is None],
        )


def _overlap(draft: MomentsDraft, pair: _Pair) -> str:
    one, two = pair.clocks
    names = draft.say("、", ", ").join(draft.place(row["name"]) for row in pair.both)
    both, first, other = len(pair.both), len(pair.first), len(pair.other)
    listed = draft.say(f"（{names}）", f" ({names})") if names else ""
    return draft.say(
        f"两个时刻都选中 {both} 处{listed}，只在 {one} 选中 {first} 处，"
        f"只在 {two} 选中 {other} 处。",
        f"Chosen at both moments: {both}{listed}; at {one} only: {first}; at {two} only: {other}.",
    )


def _reasons(draft: MomentsDraft, pair: _Pair) -> Iterator[str]:
    """Say from the data what makes the two answers differ."""
    yield _openings(draft, pair)
    sides = (("", "other_", pair.first, "other"), ("other_", "", pair.other, "then"))
    for (here, there, rows, only), (now, then) in zip(
        sides, (pair.clocks, pair.clocks[::-1]), strict=True
    ):
        shut = [row for row in rows if row[f"open_only_{only}"]]
        moved = [row for row in rows if not row[f"open_only_{only}"]]
        if shut:
            column = f"open_only_{only}"
            yield _closed_words(draft, (shut, len(rows)), column, (now, then), here, there)
        if moved:
            yield _moved_words(draft, (moved, len(rows)), (now, then), here, there)


def _openings(draft: MomentsDraft, pair: _Pair) -> str:
    one, two = pair.clocks
    first, other = draft.parts[0], draft.parts[draft.clocks.index(two)]
    counts = [part.study.summary["stations_counted"] for part in (first, other)]
    demands = [part.study.summary["figures"]["demand"] for part in (first, other)]
    return draft.say(
        f"{one} 有 {counts[0]} 个站点可用，需求为{draft.demand(demands[0])}；{two} 有 "
        f"{counts[1]} 个站点可用，需求为{draft.demand(demands[1])}。",
        f"At {one} {counts[0]} stations are in use and demand is {draft.demand(demands[0])}; at "
        f"{two} {counts[1]} are, and it is {draft.demand(demands[1])}.",
    )


def _closed_words(
    draft: MomentsDraft,
    rows: tuple[list[Row], int],
    column: str,
    clocks: tuple[str, str],
    *sides: str,
) -> str:
    """Say of sites near stations that have closed how many, and what is uncovered there."""
    shut, of = rows
    now, then = clocks
    stations = {name for row in shut for name in str(row[column]).split(SET_SEPARATOR)}
    lacking = [sum(number(row[f"{side}uncovered"]) or 0.0 for row in shut) for side in sides]
    count, amount = len(stations), [draft.demand(value) for value in lacking]
    return draft.say(
        f"只在 {now} 选中的 {of} 处中，{len(shut)} 处附近有在 {then} 开放、{now} 不开放的站点（"
        f"共 {count} 个）：那里在 {now} 未覆盖{amount[0]}，在 {then} 为{amount[1]}。",
        f"Chosen at {now} only, near stations that are open at {then} but not at {now} ({count} "
        f"of them): {len(shut)} of {of}. Uncovered there: {amount[0]} at {now}, {amount[1]} at "
        f"{then}.",
    )


def _moved_words(
    draft: MomentsDraft, rows: tuple[list[Row], int], clocks: tuple[str, str], *sides: str
) -> str:
    """Say of sites whose stations are the same at both moments how demand differs."""
    moved, of = rows
    now, then = clocks
    amount = [
        draft.demand(sum(number(row[f"{side}demand"]) or 0.0 for row in moved)) for side in sides
    ]
    none = sum(not row["stations_open"] and not row["other_stations_open"] for row in moved)
    near = draft.say(f"，其中 {none} 处两个时刻附近都没有开放的站点" if none else "", "")
    near_en = f" (none open at either moment near {none})" if none else ""
    return draft.say(
        f"只在 {now} 选中的 {of} 处中，{len(moved)} 处附近开放的站点在 {then} 并不更多{near}；"
        f"标准之内的需求在 {now} 为{amount[0]}，{then} 为{amount[1]}。",
        f"Chosen at {now} only, with no more stations open near at {then}: {len(moved)} of {of}"
        f"{near_en}. Demand within the standard: {amount[0]} at {now}, {amount[1]} at {then}.",
    )


def _why(draft: MomentsDraft) -> None:
    draft.heading("为何不同", "Why they differ")
    why = "why_zh" if draft.language == "zh" else "why_en"
    for pair in _pairs(draft):
        one, two = pair.clocks
        rows = [*pair.first, *pair.other]
        if not rows:
            draft.text(
                draft.say(
                    f"{one} 与 {two} 的选择相同。", f"The choices at {one} and {two} are the same."
                )
            )
            continue
        _held_against(draft, pair)
        draft.points(
            draft.place(row["name"]) + draft.say("：", ": ") + str(row[why] or "") for row in rows
        )


def _held_against(draft: MomentsDraft, pair: _Pair) -> None:
    """Add the table of both moments, site by site."""
    one, two = pair.clocks
    say = draft.say
    header = [say("名称", "Name"), say("选中于", "Chosen at")]
    for clock in pair.clocks:
        header += [
            say(f"{clock} 需求（{draft.per_h}）", f"Demand at {clock} ({draft.per_h})"),
            say(f"{clock} 未覆盖（{draft.per_h}）", f"Uncovered at {clock} ({draft.per_h})"),
            say(f"{clock} 开放站点", f"Stations open at {clock}"),
        ]
    rows = []
    together = say(f"{one}、{two}", f"{one}, {two}")
    for clock, group in ((together, pair.both), (one, pair.first), (two, pair.other)):
        for row in group:
            cells = [draft.place(row["name"]), clock]
            for side in ("", "other_"):
                amounts = [number(row[f"{side}{name}"]) for name in ("demand", "uncovered")]
                cells += ["—" if v is None else f"{v:,.1f}" for v in amounts]
                cells.append(f"{row[f'{side}stations_open']}")
            rows.append(cells)
    caption = say(
        f"{one} 与 {two}：每处标准之内的需求、未覆盖的需求与开放的站点",
        f"{one} and {two}: demand within the standard of each, what is uncovered, stations open",
    )
    draft.plain_grid(caption, header, rows, right=2)

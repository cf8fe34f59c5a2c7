"""A study's answer in lines for a terminal."""

from collections.abc import Mapping, Sequence

from locator.report.folder import (
    SITES_CSV,
    Cell,
    Comparison,
    Made,
    Result,
    SiteSummary,
    Summary,
    WeekTotals,
)
from locator.study.manifest import DAYS

_UNITS = {"weight": "of the points' weight", "points": "points"}
_SHOWN = 20
_NEAR_M = 5_000.0  # a place farther away says nothing


def summary_lines(summary: Summary) -> list[str]:
    """Return the summary as lines for a terminal."""
    lines = []
    unit = _UNITS.get(summary["demand_unit"], "orders/h")
    for result in summary["results"]:
        share, possible = result["covered_share"], result["covered_share_if_unknown_open"]
        text = f"{result['standard']}: "
        text += "no demand" if share is None else f"{share:.1%} of demand covered"
        if share is not None and possible is not None and possible > share:
            text += f" ({possible:.1%} if every station of unknown hours is open)"
        text += _if_offered(summary, result)
        straight = result["covered_share_straight_line"]
        if straight is not None:
            text += f" (as the crow flies {straight:.1%})"
        if result["area_m2"] and result["covered_area_m2"] is not None:
            text += f", {result['covered_area_m2'] / result['area_m2']:.1%} of hot-zone area"
        gaps = f"{result['gaps']} gap{'' if result['gaps'] == 1 else 's'}"
        text += f"; {gaps}, {result['unserved_demand_per_h']:,.1f} {unit} unserved"
        lines.append(text)
    lines += _week_lines(summary["week"], unit)
    lines += _before_lines(summary)
    lines.append(f"{_counted(summary)}; {summary['hours']}.")
    if summary["as_of"] is not None:
        lines.append(f"Register as of {summary['as_of'][:16].replace('T', ' ')} local time.")
    lines += _rests_on(summary)
    lines += [f"Warning: {warning}" for warning in summary["warnings"]]
    if summary["rejected_points"]:
        lines.append(f"{summary['rejected_points']} points were rejected; see rejected.csv.")
    return lines + _illustrative(summary)


def _counted(made: Made) -> str:
    counted = f"Stations counted: {made['stations_counted']}"
    if unknown := made["stations_services_unknown"]:
        are = "station's services are" if unknown == 1 else "stations' services are"
        counted += f" ({unknown:,} more {are} unknown)"
    return counted


def _rests_on(made: Made) -> list[str]:
    demand = [f"Demand: {said}." for said in made["demand_rests_on"]]
    return [f"Travel time: {made['travel']}.", *demand, *made["notes"]]


def _illustrative(made: Made) -> list[str]:
    said = "Illustrative data: no figure above describes the real city."
    return [said] if made["illustrative"] else []


def _if_offered(summary: Summary, result: Result) -> str:
    """Say the most that the share can be, where nobody recorded what stations offer."""
    share, offered = result["covered_share"], result["covered_share_if_unknown_offered"]
    unknown = summary["stations_services_unknown"]
    if share is None or offered is None or not unknown:
        return ""
    one = unknown == 1
    who = f"the {unknown:,} station{'' if one else 's'} of unknown services"
    hours = " and unknown hours are open" if summary["stations_hours_unknown"] else ""
    return f" (up to {offered:.1%} if {who} offer{'s' if one else ''} it{hours})"


def _week_lines(week: WeekTotals | None, unit: str) -> list[str]:
    """Say how the first standard fares over a whole week."""
    if week is None or week["covered_share"] is None:
        return []
    line = (
        f"Week of {week['monday']}, {week['standard']}: {week['covered_share']:.1%} of the week's "
        f"demand while a station is open, {week['lost_to_hours'] or 0:.1%} lost to opening hours"
    )
    possible, offered = week["possible_share"] or 0.0, week["offered_share"]
    if offered is not None and offered > possible:
        line += f" (up to {offered:.1%} if stations of unknown services and hours offer it)"
    if week["worst_hour"] is not None:
        day, hour = divmod(week["worst_hour"], 24)
        unserved = f"{week['worst_unserved_per_h']:,.0f} {unit} unserved"
        line += f"; worst {DAYS[day]} {hour:02d}:00, {unserved}"
    return [line + "."]


def _before_lines(summary: Summary) -> list[str]:
    """Say what a scenario changes."""
    lines = []
    for was, now in zip(summary["before"], summary["results"], strict=False):
        before, after = was["covered_share"], now["covered_share"]
        if before is not None and after is not None:
            lines.append(
                f"Before the scenario, {was['standard']}: {before:.1%} "
                f"({100 * (after - before):+.1f} percentage points)."
            )
    return lines


def site_lines(rows: Sequence[Mapping[str, Cell]], summary: SiteSummary) -> list[str]:
    """Return an answer as lines for a terminal."""
    figures = summary["figures"]
    lines = [_headline(summary)]
    for row in rows[:_SHOWN]:
        cost = "" if row["cost"] is None else f", cost {row['cost']:g}"
        metres = row["place_m"]
        near = ""
        if row["place"] and isinstance(metres, float) and metres <= _NEAR_M:
            near = f", near {row['place']}"
        kept = ""
        if isinstance(row["kept_share"], float):
            kept = f" Chosen again in {row['kept_share']:.0%} of the varied runs."
        lines.append(
            f"{row['rank']}. {row['name']} [{row['id']}] {row['option']} "
            f"{row['lon']:.5f},{row['lat']:.5f}{near}{cost}. {row['why_en']}{kept}"
        )
    if len(rows) > _SHOWN:
        lines.append(f"… and {len(rows) - _SHOWN} more in {SITES_CSV}.")
    if not rows:
        lines.append("Nothing was chosen: no option adds anything within the rules.")
    lines.append(_proof_line(summary))
    lines.append(f"Hours: {summary['hours']}. {_counted(summary)}.")
    lines += [*_rests_on(summary), *_illustrative(summary)]
    lines.append(f"Search: {figures['seconds'].get('total', 0.0):.2f} s.")
    return lines


def _headline(summary: SiteSummary) -> str:
    figures = summary["figures"]
    before, after = figures["covered_share_before"], figures["covered_share_after"]
    text = f"{figures['model']}, {figures['minutes']:g} min: {figures['chosen']} chosen"
    if figures["cost"] is not None:
        text += f" for {figures['cost']:g}"
    if before is not None and after is not None:
        text += f"; demand covered {before:.1%} → {after:.1%}"
        gained = figures["covered_after"] - figures["covered_before"]
        unit = (
            ""
            if figures["unit"] in {"mean seconds", "longest seconds", "sites"}
            else (f" {figures['unit']}")
        )
        text += f" (+{gained:,.1f}{unit})"
    if figures["model"] == "capacitated cover":
        text += f"; served within capacity {figures['objective']:,.1f} {figures['unit']}"
    if figures["mean_s_before"] is not None and figures["mean_s_after"] is not None:
        text += f"; mean ride {figures['mean_s_before']:.0f} s → {figures['mean_s_after']:.0f} s"
    return text + "."


def _proof_line(summary: SiteSummary) -> str:
    figures = summary["figures"]
    if figures["status"] == "optimal":
        return "Proven best."
    return "Best found, not proven best."


def comparison_lines(compared: Comparison) -> list[str]:
    """Return a comparison as lines for a terminal."""
    lines = []
    for moment, summary in zip(compared["moments"], compared["summaries"], strict=True):
        lines.append(f"{moment}: {_headline(summary)} {_proof_line(summary)}")
    table = compared["table"]
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    both = [row for row in rows if row["rank"] is not None and row["other_rank"] is not None]
    lines.append(f"Chosen at both: {', '.join(str(row['name']) for row in both) or 'none'}.")
    lines += [f"{row['name']} [{row['id']}]: {row['why_en']}" for row in rows if row not in both]
    last = compared["summaries"][-1]
    lines.append(f"Travel time: {last['travel']}.")
    return [*lines, *last["notes"], *_illustrative(last)]

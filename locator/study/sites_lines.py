"""A siting study in lines for a terminal."""

from collections.abc import Mapping, Sequence

from locator.reporting.folder import SITES_CSV, Cell, Comparison, SiteSummary

__all__ = ["comparison_lines", "site_lines"]

_SHOWN = 20
_NEAR_M = 5_000.0  # a place farther away says nothing


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
    counted = f"Stations counted: {summary['stations_counted']}"
    if unknown := summary["stations_services_unknown"]:
        are = "station's services are" if unknown == 1 else "stations' services are"
        counted += f" ({unknown:,} more {are} unknown)"
    lines.append(f"Hours: {summary['hours']}. {counted}.")
    lines.append(f"Travel time: {summary['travel']}.")
    lines += [f"Demand: {said}." for said in summary["demand_rests_on"]]
    lines += summary["notes"]
    if summary["illustrative"]:
        lines.append("Illustrative data: no figure above describes the real city.")
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
    lines += last["notes"]
    if last["illustrative"]:
        lines.append("Illustrative data: no figure above describes the real city.")
    return lines

"""What stands on every figure of a report: title, caption, sources, 审图号, illustrative or not."""

import geopandas as gpd
import pandas as pd

from locator.figures import FigureOptions
from locator.reporting.draft import Paper, Picture
from locator.reporting.folder import Summary
from locator.reporting.sentences import in_language
from locator.reporting.sites_folder import SiteSummary

__all__ = ["figure_options"]


def figure_options(
    draft: Paper,
    picture: Picture,
    summary: Summary | SiteSummary,
    stations: gpd.GeoDataFrame,
    *,
    rests_on: str,
) -> FigureOptions:
    """Return how a picture of a study is drawn, whatever it shows.

    Parameters
    ----------
    rests_on
        What the figures rest on, in brackets, in the report's language.
    """
    return FigureOptions(
        title=picture.title[:200],
        caption=f"{rests_on[1:-1]}{_sources(draft, stations, summary['credit'])}"[:2000],
        language=draft.language,
        map_approval=str(summary["settings"].get("map_approval", "")),
        illustrative=summary["illustrative"],
    )


def _sources(draft: Paper, stations: gpd.GeoDataFrame, credit: str) -> str:
    """Say where the stations are from, and whose roads the times go by."""
    named = [str(source) for source in pd.unique(stations.get("source", pd.Series()).dropna())]
    if credit:
        named = [*named[:2], credit]
    if not named:
        return ""
    named = [in_language(source, draft.language) for source in named]
    text = draft.say("、", ", ").join(named[:3]) + ("…" if len(named) > 3 else "")
    return draft.say(f"；来源：{text}", f"; source: {text}").rstrip("。.")

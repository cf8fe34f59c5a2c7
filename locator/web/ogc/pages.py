"""Features in words, for the pages of ``/ogc``."""

from dataclasses import dataclass

from flask import url_for

from locator.features import Shape, View
from locator.features.encode import properties_of
from locator.features.view import Rows
from locator.hours_words import week_words
from locator.schema import Column
from locator.web.language import gettext as _
from locator.web.language import language
from locator.web.ogc.documents import column_label

__all__ = ["ItemRow", "item_rows"]


@dataclass(frozen=True)
class ItemRow:
    """One feature on a page: its name, its addresses, and its cells as (label, words)."""

    id: str
    name: str
    href: str
    page: str | None
    cells: list[tuple[str, str]]


def item_rows(view: View, rows: Rows, shape: Shape) -> list[ItemRow]:
    """Return rows in words; what is unknown is left out."""
    found = []
    for row, own in zip(rows, properties_of(view, rows, shape.properties), strict=True):
        identity, name = view.ids[int(row)], own.get("name")
        cells = [
            (column_label(column), _words(own[column.name], column))
            for column in view.collection.columns
            if own.get(column.name) is not None and column.name != "name"
        ]
        station = view.collection.id == "stations"
        found.append(
            ItemRow(
                identity,
                identity if name is None else str(name),
                url_for("ogc.item", collection=view.collection.id, item=identity, f="html"),
                url_for("rider.station", station_id=identity) if station else None,
                cells,
            )
        )
    return found


def _words(value: object, column: Column) -> str:
    if isinstance(value, list):
        return "、".join(_words(member, column) for member in value) or _("无")
    if column.name == "opening_hours":
        return week_words(str(value), language())
    if column.choices is not None:
        codes = {member.value: member for member in column.choices}
        if value in codes:
            return codes[str(value)].label(language())
    return f"{value:g}" if isinstance(value, float) else str(value)

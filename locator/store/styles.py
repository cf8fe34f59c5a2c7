"""The forms that QGIS shows for a store's layers: pick lists of codes, columns by Chinese names.

QGIS keeps styles beside a GeoPackage's layers, in its table ``layer_styles``, and opens a layer
with the one that is the default (QgsOgrProviderUtils, QGIS 3.22). Ours says of forms only: how a
layer is drawn stays the reader's choice.
"""

import sqlite3
from xml.etree import ElementTree as ET

from locator.schema import LAYERS, Column, Layer

_STYLE = "locator"
# QgsValueMapFieldFormatter::NULL_VALUE
_NULL = "{2839923C-8B7D-419E-B84B-CA2FE9B80EC7}"
_TABLE = (
    "CREATE TABLE IF NOT EXISTS layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "
    "f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256), "
    "f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT, "
    "useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), "
    "update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')))",
    "INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier) "
    "VALUES ('layer_styles', 'attributes', 'layer_styles')",
)


def add_styles(connection: sqlite3.Connection) -> None:
    """Add our forms, inside the caller's transaction; a layer's own default style stays."""
    for statement in _TABLE:
        connection.execute(statement)
    for layer in LAYERS.values():
        connection.execute(
            "DELETE FROM layer_styles WHERE f_table_name = ? AND styleName = ? AND owner = ?",
            (layer.name, _STYLE, _STYLE),
        )
        connection.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, "
            "f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, description, owner) "
            "SELECT '', '', ?, 'geom', ?, ?, '', NOT EXISTS (SELECT 1 FROM layer_styles WHERE "
            "f_table_name = ? AND useAsDefault), '', ?",
            (layer.name, _STYLE, _form(layer), layer.name, _STYLE),
        )


def _form(layer: Layer) -> str:
    """Return a layer's form as QGIS' QML: of a style's categories, fields and forms alone."""
    root = ET.Element("qgis", version="3.22.0", styleCategories="Fields|Forms")
    fields = ET.SubElement(root, "fieldConfiguration")
    aliases = ET.SubElement(root, "aliases")
    for column in layer.columns:
        ET.SubElement(aliases, "alias", field=column.name, index="", name=column.zh)
        if column.is_picked:
            _add_list(ET.SubElement(fields, "field", name=column.name), column)
    return ET.tostring(root, encoding="unicode")


def _add_list(field: ET.Element, column: Column) -> None:
    config = ET.SubElement(ET.SubElement(field, "editWidget", type="ValueMap"), "config")
    choices = ET.SubElement(ET.SubElement(config, "Option", type="Map"), "Option")
    choices.attrib |= {"type": "List", "name": "map"}
    pairs = [(member.zh, member.value) for member in column.choices]
    if not column.required and column.default is None:
        pairs.append(("（未知）", _NULL))
    for label, code in pairs:
        one = ET.SubElement(choices, "Option", type="Map")
        ET.SubElement(one, "Option", type="QString", name=label, value=code)

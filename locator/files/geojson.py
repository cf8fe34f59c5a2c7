"""GeoJSON as its features, and the projection that its member ``crs`` names."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from locator.errors import InputError
from locator.files.projection import crs_from_name

Feature = dict[str, object]


class FeatureCollection:
    """The features of a GeoJSON file as its one layer."""

    def __init__(self, name: str, features: list[Feature], crs: CRS) -> None:
        self._name, self._features, self._crs = name, features, crs
        columns: dict[str, None] = {}
        for feature in features:
            properties = feature.get("properties")
            if isinstance(properties, dict):
                columns.update(dict.fromkeys(map(str, properties)))
        self._columns = tuple(columns)

    def names(self) -> tuple[str, ...]:
        """Return the layer's name."""
        return (self._name,)

    def fields(self, name: str) -> tuple[str, ...]:
        """Return the names of properties."""
        del name
        return self._columns

    def crs(self, name: str) -> CRS | None:
        """Return the projection that the file declares, else WGS-84."""
        del name
        return self._crs

    def count(self, name: str) -> int:
        """Count the features."""
        del name
        return len(self._features)

    def pieces(self, name: str, size: int) -> Iterator[gpd.GeoDataFrame]:
        """Yield the features, ``size`` at a time."""
        del name
        for start in range(0, len(self._features), size):
            some = self._features[start : start + size]
            properties = [f.get("properties") for f in some]
            plain = [p if isinstance(p, dict) else {} for p in properties]
            data = {column: _column([p.get(column) for p in plain]) for column in self._columns}
            texts = np.array([_geometry_text(f) for f in some], dtype=object)
            shapes = shapely.from_geojson(texts, on_invalid="ignore")
            index = pd.RangeIndex(len(some))
            yield gpd.GeoDataFrame(pd.DataFrame(data, index=index), geometry=shapes, crs=self._crs)


def _column(values: list[object]) -> "pd.Series[Any]":
    column: pd.Series[Any] = pd.Series(values, dtype=object)
    numbers = [v for v in values if v is not None]
    if numbers and all(type(v) in {int, float} for v in numbers):
        return pd.to_numeric(column)
    return column


def _geometry_text(feature: Feature) -> str | None:
    geometry = feature.get("geometry")
    return json.dumps(geometry) if isinstance(geometry, dict) else None


def load_json(path: Path) -> object:
    """Return what a file of JSON holds.

    Raises
    ------
    InputError
        It is none.
    """
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # not text, not JSON, too deep or too long
        raise InputError(f"{path.name} is not JSON: {error}.") from error


def features_of(
    document: object, source: str, *, stated: CRS | None = None
) -> tuple[list[Feature], CRS]:
    """Return a document's features and their projection: the one stated, else the declared one.

    Raises
    ------
    InputError
        It is no FeatureCollection, or names its projection otherwise than by a code.
    """
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(features, list):
        raise InputError(f"{source} is not a GeoJSON FeatureCollection.")
    crs = stated or _declared(document, source)
    return [f if isinstance(f, dict) else {} for f in features], crs


def _declared(document: dict[str, object], source: str) -> CRS:
    """Return the projection of the member ``crs`` of GeoJSON 2008; WGS-84 without one."""
    crs = document.get("crs")
    if crs is None:
        return CRS.from_epsg(4326)
    properties = crs.get("properties") if isinstance(crs, dict) else None
    given = properties if isinstance(properties, dict) else {}
    kind = str(crs.get("type")).casefold() if isinstance(crs, dict) else ""
    try:
        if kind == "epsg":
            return crs_from_name(f"EPSG:{given.get('code')}")
        if kind == "name":
            return crs_from_name(str(given.get("name")))
    except ValueError as error:
        raise InputError(
            f"{source}: its crs {error}; say --crs EPSG:n, or save it in EPSG:4326."
        ) from error
    raise InputError(
        f"{source} names its crs by a link, which is not followed; say --crs EPSG:n, or save it "
        "in EPSG:4326."
    )


def open_geojson(path: Path, crs: CRS | None = None) -> FeatureCollection:
    """Read a GeoJSON file whole.

    Raises
    ------
    InputError
        It is none.
    """
    document = load_json(path)
    features, declared = features_of(document, path.name, stated=crs)
    name = document.get("name") if isinstance(document, dict) else None
    return FeatureCollection(str(name or path.stem), features, declared)

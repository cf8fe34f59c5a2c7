"""Layers and options to a folium map.

branca compiles the text of every element it renders as a Jinja template, so a name such as
``{{ … }}`` inside folium's own GeoJson or markers would run *on the server*. Data therefore go
into the page through :class:`_Literal`, which is not compiled, and never through a folium class.
"""

from collections.abc import Collection

import folium
import geopandas as gpd
from branca.element import Element, Figure, MacroElement
from folium.template import Template

from locator.maps.basemaps import check_basemap, tile_layers
from locator.maps.model import MapLayers, MapOptions, check_layers
from locator.maps.page import MapFigure
from locator.maps.payload import build_payload, dump_json, view_box
from locator.schema import Kind, Language

__all__ = ["build_map"]


# The ground of a map, in no title beside what stands on it.
_GROUND: dict[str, tuple[str, str]] = {
    "districts": ("区县", "districts"),
    "places": ("地名", "places"),
}
_NAMES: dict[str, tuple[str, str]] = {
    "stations": ("骑手驿站", "rider stations"),
    "sites": ("所选站点", "chosen sites"),
    "hot_zones": ("配送热区", "delivery hot zones"),
    "reach": ("{n}可达范围", "areas within {n} of a station"),
    "gaps": ("{n}覆盖缺口", "gaps beyond {n} of a station"),
}
_UNTIMED: dict[str, tuple[str, str]] = {
    "reach": ("可达范围", "areas of reach"),
    "gaps": ("覆盖缺口", "gaps in coverage"),
}


def build_map(layers: MapLayers, options: MapOptions) -> folium.Map:
    """Draw layers on a folium map.

    The map can be shown in a notebook and saved as it is: whatever way it leaves by, it carries
    its scripts with it and calls nobody but the tile server.

    Parameters
    ----------
    layers
        What is drawn. Up to 1,000 stations are single markers, up to 20,000 are clustered;
        of more the map says how many there are in each part.
    options
        Title, caption, language, base map.

    Raises
    ------
    InputError
        A frame is not EPSG:4326 or does not hold what its layer draws, or the base map cannot be
        drawn.
    """
    check_basemap(options)
    layers = check_layers(layers)
    payload = build_payload(layers, options)
    page = MapFigure(options, clustered=bool(payload["cluster"]))
    tiles = tile_layers(options)
    drawn = _LocalMap(
        view_box(layers, options.extent), has_tiles=bool(tiles), follows=options.for_list
    )
    page.add_child(drawn)
    for layer in tiles:
        layer.add_to(drawn)
    _Drawing(dump_json(payload), tiles).add_to(drawn)
    return drawn


class _LocalMap(folium.Map):
    """A folium map without links to other hosts, inline sizes or a viewport that forbids zoom."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
            var {{ this.get_name() }} = locatorMap.create(
                {{ this.get_name()|tojson }}, {{ this.view|tojson }}, {{ this.has_tiles|tojson }},
                {{ this.follows|tojson }}
            );
        {% endmacro %}
        """
    )

    def __init__(
        self, view: list[list[float]] | None, *, has_tiles: bool, follows: bool = False
    ) -> None:
        super().__init__(tiles=None)
        # folium keeps these lists on the class, and its add_js_link changes them in place.
        self.default_js, self.default_css = [], []
        self.view = view
        self.has_tiles = has_tiles
        self.follows = follows


class _Literal(Element):
    """A text that is rendered as it is."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def render(self, **_kwargs: object) -> str:
        return self._text


class _Drawing(MacroElement):
    """Our layers and controls: one call of the browser's half with the data as JSON."""

    def __init__(self, payload: str, tiles: list[folium.TileLayer]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Drawing"
        self._payload = payload
        self._tiles = tiles

    def render(self, **_kwargs: object) -> None:  # type: ignore[override]  # as in branca
        figure = self.get_root()
        if isinstance(figure, Figure) and self._parent is not None:
            tiles = ",".join(layer.get_name() for layer in self._tiles)
            call = f"locatorMap.draw({self._parent.get_name()},[{tiles}],{self._payload});\n"
            figure.script.add_child(_Literal(call), name=self.get_name())


def drawn_layers(layers: MapLayers, *, borders: bool = True) -> tuple[str, ...]:
    """Return the names of the layers that hold something to draw.

    ``borders`` says whether the districts' lines are drawn.
    """
    found = []
    for name in (*_NAMES, *_GROUND):
        frame: gpd.GeoDataFrame | None = getattr(layers, name)
        if frame is not None and len(frame) and (borders or name != "districts"):
            found.append(name)
    return tuple(found)


def map_title(
    drawn: Collection[str],
    *,
    language: Language,
    minutes: tuple[int, ...] = (),
    kinds: Collection[Kind] = (),
) -> str:
    """Return the title of a map: ``骑手驿站与 5 分钟覆盖缺口``.

    Parameters
    ----------
    drawn
        Names of layers, as :func:`drawn_layers` has them.
    minutes
        The standards that areas and gaps are of.
    kinds
        What stations are drawn, where it is not all kinds.
    """
    place = language == "en"
    times = (", " if place else "、").join(str(n) for n in minutes)
    unit = f"{times} {'min' if place else '分钟'}"
    names = _NAMES if any(name in drawn for name in _NAMES) else _GROUND
    parts = []
    for name in names:
        if name not in drawn:
            continue
        if name == "stations" and len(kinds) == 1:
            parts.append(next(iter(kinds)).label(language))
            continue
        pair = names[name] if minutes else _UNTIMED.get(name, names[name])
        parts.append(pair[place].format(n=unit))
    if not parts:
        return "Map" if place else "地图"
    return _joined(parts, language)


def _joined(parts: list[str], language: Language) -> str:
    if language == "en":
        whole = ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]
        return whole[:1].upper() + whole[1:]
    space = " " if parts[-1][0].isdigit() else ""
    return "、".join(parts[:-1]) + ("与" + space if len(parts) > 1 else "") + parts[-1]

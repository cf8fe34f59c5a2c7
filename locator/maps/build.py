"""Layers and options to a folium map.

branca compiles the text of every element it renders as a Jinja template, so a name such as
``{{ … }}`` inside folium's own GeoJson or markers would run *on the server*. Data therefore go
into the page through :class:`_Literal`, which is not compiled, and never through a folium class.
"""

import folium
from branca.element import Element, Figure, MacroElement
from folium.template import Template

from locator.maps.basemaps import check_basemap, tile_layers
from locator.maps.model import MapLayers, MapOptions, check_layers
from locator.maps.page import MapFigure
from locator.maps.payload import build_payload, dump_json, view_box


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

"""``/ogc``: OGC API – Features (Parts 1, 2 and 3), for QGIS, GDAL and programs, and for people."""

from locator.web.ogc.routes import blueprint, fault, use_views

__all__ = ["blueprint", "fault", "use_views"]

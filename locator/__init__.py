"""Rest stations for delivery riders: the nearest open one, the gaps, the maps.

Nothing happens at import. Start from :func:`locator.service.open_service`, or from the
rooms themselves: ``locator.register``, ``locator.store``, ``locator.nearest``,
``locator.coverage``, ``locator.maps``.
"""

__version__ = "0.1.0"

"""Maps and lists for other people's pages, reports and articles."""

from flask import Flask

from locator.web.embed import builder, frozen, oembed, pages, pictures
from locator.web.embed.asking import open_caches

__all__ = ["use_embeds"]


def use_embeds(app: Flask) -> None:
    """Give an application the embeds, their pictures, and the page that writes the snippet."""
    open_caches(app)
    for module in (pages, pictures, frozen, builder, oembed):
        app.register_blueprint(module.blueprint)

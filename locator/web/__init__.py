"""The Flask application: pages for riders, maps for everyone, an interface for programs."""

from locator.web.app import create_app

__all__ = ["create_app"]

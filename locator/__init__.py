"""Rest stations for delivery riders: the nearest open one, the gaps, the maps.

Nothing happens at import: :func:`open_store` and :func:`open_service` are loaded when they are
asked for, and so are the packages, each by its own name::

    from locator import coverage, maps, nearest, open_service, open_store, siting

``docs/notebook.ipynb`` goes through them one by one.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from locator.service import open_service
    from locator.store import open_store

__version__ = "0.1.0"
__all__ = ["__version__", "open_service", "open_store"]

_FROM = {"open_service": "locator.service", "open_store": "locator.store"}


def __getattr__(name: str) -> object:
    """Load what is asked for by its name (PEP 562)."""
    if name not in _FROM:
        raise AttributeError(f"module 'locator' has no attribute {name!r}")
    return getattr(import_module(_FROM[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_FROM})

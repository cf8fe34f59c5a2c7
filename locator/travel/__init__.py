"""How long a ride takes: one contract, :class:`TravelModel`, and one file a model."""

from locator.travel.base import BoundModel, Nearest, Routed, TravelModel
from locator.travel.straightline import StraightLine

__all__ = ["BoundModel", "Nearest", "Routed", "StraightLine", "TravelModel"]

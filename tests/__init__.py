"""Tests; each file mirrors a room of ``locator/``."""

"""Driftgate: the release gate for model changes."""

__version__ = "0.1.0"

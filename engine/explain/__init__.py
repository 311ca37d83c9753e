"""The compiled plan as data (vpl.md 18.6)."""

from engine.explain.shape import explain

__all__ = ["explain"]

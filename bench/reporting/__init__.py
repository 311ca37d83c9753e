"""Writes findings as tables for a terminal, and as Markdown with plots."""

from bench.reporting.document import write
from bench.reporting.terminal import show

__all__ = ["show", "write"]

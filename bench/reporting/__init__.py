"""Writes findings as tables for a terminal, and as Markdown with plots."""

from bench.reporting.document import write
from bench.reporting.page import publish
from bench.reporting.terminal import show

__all__ = ["publish", "show", "write"]

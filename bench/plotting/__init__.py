"""Plots as SVG texts, drawn from findings; no library, no scripts, no fonts."""

from bench.plotting.bars import comparisons
from bench.plotting.curves import curves
from bench.plotting.latencies import latencies
from bench.plotting.targets import better_by, targets

__all__ = ["better_by", "comparisons", "curves", "latencies", "targets"]

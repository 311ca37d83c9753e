"""Queries of an online auction after NEXMark, as VPL can say them."""

from bench.nexmark.running import QUERIES, run

__all__ = ["QUERIES", "run"]

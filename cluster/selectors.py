"""Reads for API, pages and the hot path; each with a constant number of queries."""

from cluster.routing_snapshot import RoutingSnapshot


def load_routing_snapshot() -> RoutingSnapshot:
    """Read everything that the hot path needs, at one topology version."""
    raise NotImplementedError

"""The hot path: inject, heartbeat and probes beside Django (architecture.md 5.3).

Nothing here asks the database while a request waits, except for a heartbeat that
changes something and for callers known by a login cookie only.
"""

from cluster.hot.app import HotApp

__all__ = ["HotApp"]

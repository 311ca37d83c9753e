"""Figures of the coordinator for Prometheus (api.md section 9).

`cluster.metrics.exposition` reads what services write, so no service may import it.
"""

from cluster.metrics.series import SERIES, Series

__all__ = ["SERIES", "Series"]

"""The answer of `/metrics`: what was counted, what is there, and the process itself."""

from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Info, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from cluster.metrics.gauges import ClusterGauges
from cluster.metrics.series import SERIES
from cluster.models import PipelineGroup
from cluster.state import GroupStatus

EXPOSITION_TYPE = CONTENT_TYPE_PLAIN_0_0_4


def exposition() -> bytes:
    """Return all series in Prometheus' text form; reads the database."""
    live = PipelineGroup.objects.exclude(status=GroupStatus.TORN_DOWN.value)
    SERIES.keep_groups(live.values_list("name", flat=True))
    gauges = CollectorRegistry()
    gauges.register(ClusterGauges(datetime.now(UTC)))
    parts = (_process(), SERIES.registry, gauges)
    return b"".join(generate_latest(part) for part in parts)


@cache
def _process() -> CollectorRegistry:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    build = Info("varpulis_build", "Which build this is.", registry=registry)
    build.info({"version": version("varpulis")})
    return registry

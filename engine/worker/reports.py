"""What a worker tells its coordinator: the bodies of register and heartbeat.

Both sides are tested against `tests/contract/golden/`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import psutil

from engine.worker.host import Totals
from engine.worker.hosted import HostedPipeline
from engine.worker.identity import Identity


class LoadMeter:
    """Figures of this process: share of one core since the last look, memory, load."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._process.cpu_percent()  # the first call only starts the measurement

    def read(self) -> dict[str, float | int]:
        """Return `cpu_percent`, `memory_bytes` (resident) and `load_1m` (machine)."""
        return {
            "cpu_percent": round(self._process.cpu_percent(), 1),
            "memory_bytes": self._process.memory_info().rss,
            "load_1m": round(psutil.getloadavg()[0], 2),
        }


def register_body(
    identity: Identity,
    pipelines: Iterable[HostedPipeline],
    load: Mapping[str, float | int],
) -> dict[str, Any]:
    """Return the body of a register call (api.md 5.1)."""
    reported = [placement_report(hosted) for hosted in pipelines]
    return {
        "worker_id": identity.worker_id,
        "address": identity.address,
        "api_key": identity.api_key,
        "capacity": {
            "cpu_cores": identity.cpu_cores,
            "pipelines_running": len(reported),
            "max_pipelines": identity.max_pipelines,
        },
        "instance_id": identity.instance_id,
        "version": identity.version,
        "hostname": identity.hostname,
        "labels": dict(identity.labels),
        "load": load,
        "pipelines": reported,
    }


def heartbeat_body(
    identity: Identity,
    pipelines: Iterable[HostedPipeline],
    totals: Totals,
    *,
    load: Mapping[str, float | int],
    uptime_s: float,
    stopping: bool,
) -> dict[str, Any]:
    """Return the body of a heartbeat (api.md 5.2); counters run since the start."""
    reported = [pipeline_report(hosted) for hosted in pipelines]
    return {
        "events_processed": totals.events_in,
        "pipelines_running": len(reported),
        "instance_id": identity.instance_id,
        "uptime_seconds": round(uptime_s, 1),
        "load": load,
        "stopping": stopping,
        "pipelines": reported,
    }


def placement_report(hosted: HostedPipeline) -> dict[str, Any]:
    """Return what identifies a running pipeline; hand-made ones have no group."""
    wanted = hosted.deployment
    report: dict[str, Any] = {"id": hosted.id, "name": wanted.name}
    if wanted.group_id is not None:
        report["group_id"] = wanted.group_id
    report["replica"] = wanted.replica
    report["generation"] = wanted.generation
    report["fingerprint"] = hosted.pipeline.fingerprint
    if wanted.cluster_id is not None:
        report["cluster_id"] = wanted.cluster_id
    report["status"] = "running"
    return report


def pipeline_report(hosted: HostedPipeline) -> dict[str, Any]:
    """Return a pipeline's identity and figures."""
    metrics = hosted.pipeline.metrics()
    return placement_report(hosted) | {
        "events_in": metrics.events_in,
        "events_out": metrics.events_out,
        "errors": sum(metrics.errors.values()),
        "queue_depth": hosted.queue_depth,
        "queue_limit": hosted.queue_limit,
        "connectors": connector_reports(hosted),
    }


def connector_reports(hosted: HostedPipeline) -> list[dict[str, Any]]:
    """Return name, type, direction, state and message count of each connector."""
    return [
        {
            "name": used.spec.name,
            "type": used.spec.kind,
            "direction": used.direction,
            "connected": used.connected,
            "messages": used.messages,
        }
        for used in hosted.connectors()
    ]

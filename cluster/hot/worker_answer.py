"""What a worker's answer means for the caller of the coordinator (api.md section 3)."""

from typing import Any

import msgspec

from cluster.exceptions import (
    ClusterError,
    PlacementUnavailableError,
    WorkerAnswerError,
    WorkerRefusedError,
)
from cluster.routing_snapshot import RoutedPlacement
from cluster.worker_client import WorkerFault

# The worker judges the event itself; its status and code are the caller's too.
PASSED_ON = frozenset({400, 409, 413, 415, 422, 429})
STOPPING = 503
OVERLOADED = 429


def is_missing_pipeline(status: int, raw: bytes) -> bool:
    """Tell whether the worker does not run the pipeline it was asked for."""
    return status == 404 and _fault(raw).code in {"pipeline_not_found", ""}


def error_of(placement: RoutedPlacement, status: int, raw: bytes) -> ClusterError:
    """Return the error that an answer other than 200 means."""
    fault = _fault(raw)
    says = fault.error or "no reason given"
    text = f"worker '{placement.worker_id}' answered {status}: {says}"
    details: dict[str, Any] = {
        "worker_id": placement.worker_id,
        "worker_status": status,
        "worker_error": fault.error,
        "worker_code": fault.code,
    }
    wait_s = fault.details.get("retry_after_seconds")
    retry_after_s = float(wait_s) if isinstance(wait_s, int | float) else None
    if status in PASSED_ON and fault.code:
        details = {**fault.details, **details}
        return WorkerRefusedError(
            fault.error,
            code=fault.code,
            status=status,
            details=details,
            retry_after_s=1 if status == OVERLOADED else retry_after_s,
        )
    if status == STOPPING:
        return PlacementUnavailableError(
            text, details=details, retry_after_s=retry_after_s or 5
        )
    return WorkerAnswerError(text, details=details)


def strange(placement: RoutedPlacement, why: str) -> WorkerAnswerError:
    """Return 502 for an answer that cannot be what was asked for."""
    return WorkerAnswerError(
        f"worker '{placement.worker_id}' gave an answer that cannot be read: {why}",
        details={"worker_id": placement.worker_id, "worker_status": 200},
    )


def _fault(raw: bytes) -> WorkerFault:
    try:
        return msgspec.json.decode(raw, type=WorkerFault)
    except msgspec.DecodeError:
        return WorkerFault()

"""The answer to a batch (api.md 5.8). Outputs go into it as the workers wrote them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from cluster.exceptions import BadRequestError, ClusterError
from cluster.hot.batch_body import BatchInput, ItemFault
from cluster.hot.batch_lane import Lane, items_of
from cluster.hot.batch_options import BatchOptions

LISTED_ERRORS = 5000  # all of a batch that `varpulis inject -f` sends
RETRY_AFTER_S = {429: 1, 503: 5}  # by status, as for single events


def summary_of(
    batch: BatchInput, lanes: Sequence[Lane], options: BatchOptions, took_us: int
) -> dict[str, Any]:
    """Return the members of the answer; nothing accepted raises the first error."""
    faults = sorted(
        [*batch.faults, *(fault for lane in lanes for fault in lane.faults)],
        key=lambda fault: fault.index,
    )
    accepted = sum(lane.accepted for lane in lanes)
    if not batch.types:
        raise BadRequestError("the batch holds no event")
    if not accepted and faults:
        raise _nothing_accepted(faults)
    body: dict[str, Any] = {
        "events_sent": accepted,
        "events_failed": len(batch.types) - accepted,
        **_outputs(lanes, options),
        "errors": _listed(faults),
        "targets": [lane.to_json() for lane in lanes],
        "processing_time_us": took_us,
    }
    runtime_errors = [error for lane in lanes for error in lane.runtime_errors]
    if runtime_errors:
        body["runtime_errors"] = runtime_errors[:LISTED_ERRORS]
    if not all(lane.complete for lane in lanes):
        body["complete"] = False
    if len(faults) > LISTED_ERRORS:
        body["errors_truncated"] = True
    return body


def _outputs(lanes: Sequence[Lane], options: BatchOptions) -> dict[str, Any]:
    if options.outputs == "none":
        return {}
    count = sum(lane.output_count for lane in lanes)
    if options.outputs == "count":
        return {"output_count": count}
    arrays = [array for lane in lanes for array in lane.outputs]
    is_cut = count > options.outputs_limit
    return {
        "output_events": _first(arrays, options.outputs_limit)
        if is_cut
        else _joined(arrays),
        "output_count": count,
        "outputs_truncated": is_cut,
    }


def _joined(arrays: Sequence[bytes]) -> msgspec.Raw:
    """Return one array of the items of all, without looking at them."""
    insides = (array[1:-1].strip() for array in arrays)
    return msgspec.Raw(b"[" + b",".join(inside for inside in insides if inside) + b"]")


def _first(arrays: Sequence[bytes], limit: int) -> list[msgspec.Raw]:
    found: list[msgspec.Raw] = []
    for array in arrays:
        found += items_of(array)
        if len(found) >= limit:
            break
    return found[:limit]


def _listed(faults: Sequence[ItemFault]) -> list[dict[str, Any]]:
    return [
        {"index": fault.index, "code": fault.code, "error": fault.error}
        for fault in faults[:LISTED_ERRORS]
    ]


def _nothing_accepted(faults: Sequence[ItemFault]) -> ClusterError:
    first = faults[0]
    wait_s = RETRY_AFTER_S.get(first.status)
    details: dict[str, Any] = {"errors": _listed(faults)}
    if wait_s is not None:
        details["retry_after_seconds"] = wait_s
    return ClusterError(
        f"no event was accepted; event {first.index}: {first.error}",
        code=first.code,
        status=first.status,
        details=details,
        retry_after_s=wait_s,
    )

"""Limits that a deploy or reload asks for: taken or refused as a whole."""

from collections.abc import Mapping
from typing import Any

from engine.limit_policy import LimitPolicy
from engine.worker.errors import ApiError
from vpl import LimitFault


def check_limits(wanted: Mapping[str, Any], policy: LimitPolicy) -> None:
    """Raise 400 if a limit is no number, 422 if one is unknown or cannot be granted."""
    faults = list(policy.faults(wanted))
    if not faults:
        return
    is_kind = any(fault.is_kind for fault in faults)
    raise ApiError(
        400 if is_kind else 422,
        "bad_request" if is_kind else "invalid_spec",
        f"limits: {faults[0].message}",
        details={"errors": [_fault_json(fault) for fault in faults]},
    )


def _fault_json(fault: LimitFault) -> dict[str, str]:
    body = {"path": f"limits.{fault.name}", "message": fault.message}
    return body | ({"hint": fault.hint} if fault.hint else {})

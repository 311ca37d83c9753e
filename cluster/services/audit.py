"""The audit: who made which call that changes something (api.md section 2)."""

import logging
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError

from cluster.models import AuditEntry
from cluster.timestamps import format_timestamp

logger = logging.getLogger("varpulis_audit")


@dataclass(frozen=True, slots=True)
class AuditedCall:
    """A call as the audit keeps it; `duration_ms` is the time until its answer."""

    who: str
    role: str
    method: str
    path: str
    operation: str
    request_id: str
    peer: str
    status: int
    duration_ms: float


def record_call(*, call: AuditedCall, now: datetime) -> None:
    """Write one entry; while the database is away it goes to the log alone."""
    kept = {**asdict(call), "path": call.path[:512], "who": call.who[:160]}
    logger.info(
        "%s %s %s by %s (%s) from %s: %d",
        call.operation, call.method, call.path, call.who or "nobody",
        call.role or "no role", call.peer, call.status,
    )  # fmt: skip
    try:
        AuditEntry.objects.create(at=now, **kept)
    except DatabaseError as error:
        logger.warning("The audit could not be written: %s", error)


def list_calls(
    *,
    who: str = "",
    path: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    before_seq: int | None = None,
    limit: int = 1000,
) -> list[AuditEntry]:
    """Return entries, newest first, from just below `before_seq`.

    `path` is the beginning of one; `since` is included, `until` is not.
    """
    filters = {
        "who": who,
        "path__startswith": path,
        "at__gte": since,
        "at__lt": until,
        "seq__lt": before_seq,
    }
    given = {key: value for key, value in filters.items() if value not in {"", None}}
    return list(AuditEntry.objects.filter(**given)[:limit])


def audit_json(entry: AuditEntry) -> dict[str, Any]:
    """Return an entry as the API shows it."""
    return {
        "seq": entry.seq,
        "at": format_timestamp(entry.at),
        "who": entry.who or None,
        "role": entry.role or None,
        "method": entry.method,
        "path": entry.path,
        "operation": entry.operation or None,
        "request_id": entry.request_id or None,
        "peer": entry.peer or None,
        "status": entry.status,
        "duration_ms": round(entry.duration_ms, 3),
    }

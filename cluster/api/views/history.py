"""What happened, and who changed what (api.md 4.5, 5.11)."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from cluster.access import Role
from cluster.api.base import ClusterView
from cluster.api.documented import answers, query
from cluster.api.query import MAX_LIMIT, read_moment, read_number, read_text
from cluster.api.serializers.overview import AuditOutput, EventListOutput
from cluster.exceptions import BadRequestError
from cluster.selectors import list_events
from cluster.services.audit import audit_json, list_calls
from cluster.services.events import event_json

SEVERITIES = ("info", "warning", "error")
FORMATS = ("json", "ndjson")
PAGING = [
    query("since", "from this time on"),
    query("until", "before this time"),
    query("cursor", "next_cursor of the page before"),
    query("limit", "1 to 1000", OpenApiTypes.INT),
    query("format", "json (default) or ndjson, one entry a line"),
]

_encode = msgspec.json.Encoder().encode_lines


class EventsView(ClusterView):
    """The history of the cluster."""

    @extend_schema(
        operation_id="list_cluster_events",
        parameters=[
            query("type", "prefix of the type"),
            query("worker", "id of a worker"),
            query("group", "id of a group"),
            query("severity", "info, warning or error"),
            query("q", "a part of the message"),
            *PAGING,
        ],
        responses=answers({200: EventListOutput}),
    )
    def get(self, request: Request) -> HttpResponse:
        """List what happened, newest first."""
        filters = {
            "event_type": read_text(request, "type"),
            "worker_id": read_text(request, "worker"),
            "group_id": _group_id(request),
            "severity": read_text(request, "severity", SEVERITIES),
            "words": read_text(request, "q"),
        }
        return _page(request, "events", list_events, filters, event_json)


class AuditView(ClusterView):
    """Calls that changed something, or tried to."""

    roles = {"GET": Role.ADMIN}

    @extend_schema(
        operation_id="list_audit_entries",
        parameters=[
            query("who", "a user's name, or key:vp_..."),
            query("path", "beginning of a path"),
            *PAGING,
        ],
        responses=answers({200: AuditOutput}),
    )
    def get(self, request: Request) -> HttpResponse:
        """List calls, newest first."""
        filters = {"who": read_text(request, "who"), "path": read_text(request, "path")}
        return _page(request, "audit", list_calls, filters, audit_json)


def _page(
    request: Request,
    name: str,
    find: Callable[..., Sequence[Any]],
    filters: dict[str, Any],
    shown: Callable[[Any], dict[str, Any]],
) -> HttpResponse:
    """Return one page of entries in the form that was asked for."""
    limit = read_number(request, "limit", MAX_LIMIT, 1, MAX_LIMIT)
    form = read_text(request, "format", FORMATS)
    found = find(
        **filters,
        since=read_moment(request, "since"),
        until=read_moment(request, "until"),
        before_seq=read_number(request, "cursor", 0, 1, 2**63 - 1) or None,
        limit=limit + 1,
    )
    page: Iterable[dict[str, Any]] = [shown(entry) for entry in found[:limit]]
    if form == "ndjson":
        return HttpResponse(_encode(page), content_type="application/x-ndjson")
    cursor = str(found[limit - 1].seq) if len(found) > limit else None
    return Response({name: page, "next_cursor": cursor})


def _group_id(request: Request) -> str:
    text = read_text(request, "group")
    try:
        return str(UUID(text)) if text else ""
    except ValueError:
        raise BadRequestError(f"query parameter group: '{text}' is no id") from None

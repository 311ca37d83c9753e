"""The registry of workers (api.md 4.2)."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from cluster import conf
from cluster.access import Role
from cluster.addresses import check_worker_address
from cluster.api.base import ClusterView
from cluster.api.body import read_body
from cluster.api.documented import LIST_PARAMETERS, answers, query
from cluster.api.join_attempt import JoinAuthentication
from cluster.api.query import paginate, read_text
from cluster.api.serializers.workers import (
    DeletedOutput,
    RegistrationInput,
    RegistrationOutput,
    WorkerListOutput,
    WorkerOutput,
)
from cluster.joining import judge_address
from cluster.selectors import get_worker, list_workers
from cluster.services.workers import (
    LEAVE,
    MOVE,
    Registered,
    Registration,
    deregister_worker,
    register_worker,
)
from cluster.state import WorkerStatus


class WorkersView(ClusterView):
    """All workers."""

    @extend_schema(
        operation_id="list_workers",
        parameters=[
            query("status", "one status"),
            query("label", "key:value or key"),
            query("q", "text in id, address or host name"),
            *LIST_PARAMETERS,
        ],
        responses=answers({200: WorkerListOutput}),
    )
    def get(self, request: Request) -> Response:
        """List the registered workers in natural order of their ids."""
        found = list_workers(
            status=read_text(request, "status", [item.value for item in WorkerStatus]),
            label=read_text(request, "label"),
            text=read_text(request, "q"),
        )
        page, totals = paginate(request, found)
        shown = WorkerOutput(page, many=True, context={"now": timezone.now()})
        return Response({"workers": shown.data, **totals})


class WorkerView(ClusterView):
    """One worker."""

    roles = {"GET": Role.VIEWER, "DELETE": Role.ADMIN}

    @extend_schema(
        operation_id="get_worker", responses=answers({200: WorkerOutput}, 404)
    )
    def get(self, request: Request, worker_id: str) -> Response:
        """Show a worker."""
        worker = get_worker(worker_id)
        return Response(WorkerOutput(worker, context={"now": timezone.now()}).data)

    @extend_schema(
        operation_id="deregister_worker",
        parameters=[query("pipelines", "move (default) or leave")],
        responses=answers({200: DeletedOutput}, 404),
    )
    def delete(self, request: Request, worker_id: str) -> Response:
        """Take a worker out of the registry; its process runs on alone."""
        deregister_worker(
            worker_id=worker_id,
            pipelines=read_text(request, "pipelines", (MOVE, LEAVE)) or MOVE,
            cause=str(request.user),
            now=timezone.now(),
        )
        return Response({"deleted": True})


class RegisterView(ClusterView):
    """Where workers join."""

    authentication_classes = (JoinAuthentication,)
    permission_classes = ()

    @extend_schema(
        operation_id="register_worker",
        request=RegistrationInput,
        responses=answers({201: RegistrationOutput}, 409, 422),
    )
    def post(self, request: Request) -> Response:
        """Register a worker, or take it back after a restart."""
        has_credential = bool(request.auth)  # set by JoinAuthentication
        data, warnings = read_body(request, RegistrationInput)
        networks = conf.current().worker_networks
        address = check_worker_address(data["address"], networks=networks)
        judge_address(
            has_credential=has_credential, address_is_loopback=address.is_loopback
        )
        registration = Registration(**_flat(data), address=address)
        joined = register_worker(
            registration=registration,
            has_credential=has_credential,
            now=timezone.now(),
        )
        return Response(_registered_json(joined, warnings), status=201)


def _flat(data: dict[str, Any]) -> dict[str, Any]:
    rest = {key: data[key] for key in data if key not in {"capacity", "address"}}
    return {**rest, **data["capacity"]}


def _registered_json(joined: Registered, warnings: list[str]) -> dict[str, Any]:
    settings = conf.current()
    body: dict[str, Any] = {
        "worker_id": joined.worker.pk,
        "status": "registered",
        "heartbeat_interval_seconds": settings.heartbeat_interval,
        "heartbeat_timeout_seconds": settings.heartbeat_timeout,
        "cluster_id": joined.cluster_id,
        "checkpoint_interval_seconds": settings.checkpoint_interval,
        "routes_version": joined.version,
        "actions": list(joined.actions),
    }
    return body | ({"warnings": warnings} if warnings else {})

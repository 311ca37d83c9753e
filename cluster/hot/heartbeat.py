"""POST workers/{id}/heartbeat (api.md 4.2, 5.2, 6.3)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from cluster.access import WORKER_CALLERS, is_open_to_all, role_of_key
from cluster.exceptions import (
    BadJsonError,
    BadRequestError,
    BadWorkerKeyError,
    ClusterError,
    ForbiddenError,
    MissingKeyError,
)
from cluster.hot import answer
from cluster.hot.answer import Answer, MethodNotAllowedError
from cluster.hot.caller import is_our_host, presented_key
from cluster.hot.heartbeat_desk import HeartbeatDesk
from cluster.hot.plain_head import PlainHead
from cluster.hot.request import HotRequest
from cluster.hot.routing_table import RoutingTable
from cluster.routing_snapshot import KnownWorker
from cluster.secrets import matches_hash
from cluster.services.heartbeats import Heartbeat, HeartbeatOutcome, HeartbeatVerdict

LARGEST_BODY = 1024 * 1024  # bytes
MEDIA_TYPE = "application/json"
MOST_PROOFS = 16_384  # workers whose head is remembered
ACKNOWLEDGED_BODY = b'{"acknowledged":true}'

_TEXTS = {
    HeartbeatVerdict.WORKER_UNKNOWN: (
        404,
        "worker '{id}' is not registered here: register it again",
    ),
    HeartbeatVerdict.WORKER_DEREGISTERED: (
        404,
        "worker '{id}' was deregistered; it stays out until its process is restarted",
    ),
    HeartbeatVerdict.WORKER_REPLACED: (
        409,
        "another process took the place of worker '{id}'",
    ),
}


class HeartbeatBody(msgspec.Struct):
    """The members of a heartbeat that the coordinator reads; all may be missing."""

    events_processed: int = 0
    pipelines_running: int | None = None
    instance_id: str = ""
    load: dict[str, Any] | None = None
    stopping: bool = False
    pipelines: list[dict[str, Any]] | None = None


_decode = msgspec.json.Decoder(HeartbeatBody).decode


class HeartbeatEndpoint:
    """Checks the worker's own key against its hash in memory."""

    def __init__(
        self,
        table: RoutingTable,
        desk: HeartbeatDesk,
        on_heartbeat: Callable[[Heartbeat], None],
    ) -> None:
        """Keep who knows the workers and who takes the reports."""
        self._table = table
        self._desk = desk
        self._on_heartbeat = on_heartbeat
        self._proven: dict[str, tuple[PlainHead, str]] = {}

    async def answer(self, request: HotRequest, worker_id: str) -> Answer:
        """Take one report."""
        snapshot = await self._table.current_of(worker_id)
        worker = snapshot.workers.get(worker_id)
        check_worker_key(presented_key(request), worker, request.method)
        if request.method != "POST":
            raise MethodNotAllowedError("POST", request.method)
        beat = await _read(request, worker_id)
        if worker is None:
            raise _refusal(worker_id, HeartbeatOutcome(HeartbeatVerdict.WORKER_UNKNOWN))
        outcome = await self._desk.take(beat, worker, snapshot.version)
        if outcome.verdict is not HeartbeatVerdict.ACKNOWLEDGED:
            raise _refusal(worker_id, outcome)
        self._on_heartbeat(beat)
        if not outcome.actions:
            return Answer(200, ACKNOWLEDGED_BODY)
        return answer.ok({"acknowledged": True, "actions": outcome.actions})

    def answer_at_once(self, head: PlainHead, body: bytes) -> Answer | None:
        """Take a report that says nothing new; None: it must go the long way."""
        if not self._table.is_current_of(head.target):
            return None
        snapshot = self._table.latest
        worker = snapshot.workers[head.target]
        try:
            if not self._is_good(head, worker):
                return None
            beat = _beat_of(worker.id, _parse(body))
        except ClusterError:
            return None
        if not self._desk.take_plain(beat, worker, snapshot.version):
            return None
        self._on_heartbeat(beat)
        return Answer(200, ACKNOWLEDGED_BODY)

    def _is_good(self, head: PlainHead, worker: KnownWorker) -> bool:
        """Tell whether a head may report for a worker; raises ClusterError if not.

        A head that proved the worker's own key does so as long as the key is the same.
        """
        proof = (head, worker.key_hash)
        if self._proven.get(worker.id) == proof:
            return True
        if head.media_type != MEDIA_TYPE or not is_our_host(head.host):
            return False
        check_worker_key(head.key, worker, "POST")
        if matches_hash(head.key, worker.key_hash):
            if len(self._proven) >= MOST_PROOFS:
                self._proven.clear()
            self._proven[worker.id] = proof
        return True


def check_worker_key(key: str, worker: KnownWorker | None, method: str) -> None:
    """Let the worker itself through, and coordinator keys that may speak for it.

    A worker that is not known, or no longer, is told so whatever its key is (404), for
    that is how it learns to register again; without any key it is 401.
    """
    if is_open_to_all():
        return
    if not key:
        raise MissingKeyError("a worker sends its own key in the header X-API-Key")
    if worker is None or worker.deregistered or matches_hash(key, worker.key_hash):
        return
    role = role_of_key(key)
    if role is None:
        raise BadWorkerKeyError(
            f"this is not the key that worker '{worker.id}' registered with"
        )
    if role not in WORKER_CALLERS and method == "POST":
        raise ForbiddenError(
            f"the role {role} may not report for a worker",
            details={"required": "worker"},
        )


async def _read(request: HotRequest, worker_id: str) -> Heartbeat:
    body = HeartbeatBody()
    if request.has_body():
        request.media_type(MEDIA_TYPE)
        body = _parse(await request.body(LARGEST_BODY))
    return _beat_of(worker_id, body)


def _beat_of(worker_id: str, body: HeartbeatBody) -> Heartbeat:
    return Heartbeat(
        worker_id=worker_id,
        events_processed=max(0, body.events_processed),
        pipelines_running=body.pipelines_running,
        instance_id=body.instance_id,
        load=body.load,
        stopping=body.stopping,
        pipelines=body.pipelines,
        received_at=datetime.now(UTC),
    )


def _parse(raw: bytes) -> HeartbeatBody:
    try:
        return _decode(raw or b"{}")
    except msgspec.ValidationError as error:
        raise BadRequestError(f"the heartbeat is not well formed: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadJsonError(f"the body is not JSON: {error}") from error
    except RecursionError as error:
        raise BadJsonError("the heartbeat is nested too deeply") from error


def _refusal(worker_id: str, outcome: HeartbeatOutcome) -> ClusterError:
    status, text = _TEXTS[outcome.verdict]
    details = {"remove_pipelines": True} if outcome.remove_pipelines else {}
    return ClusterError(
        text.format(id=worker_id),
        code=outcome.verdict.value,
        status=status,
        details=details,
    )

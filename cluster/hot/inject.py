"""POST pipeline-groups/{id}/inject: one event in, the worker's answer out (api.md 4.4)."""

import time

import msgspec

from cluster import conf
from cluster.access import Role
from cluster.event_routing import RouteMatch
from cluster.exceptions import BadJsonError, BadRequestError
from cluster.hot import answer
from cluster.hot.answer import Answer, MethodNotAllowedError
from cluster.hot.caller import require, role_of_caller
from cluster.hot.delivery import Delivery
from cluster.hot.request import HotRequest
from cluster.hot.routing_table import RoutingTable
from cluster.hot.targets import match_target, standing_group
from cluster.hot.worker_answer import strange
from cluster.hot.worker_session import Deadline
from cluster.metrics.series import ACCEPTED, FAILED, SERIES
from cluster.routing_snapshot import RoutedPlacement

LARGEST_BODY = 1024 * 1024  # bytes
LONGEST_ID = 128
NOTHING = msgspec.Raw()
ACKS = ("processed", "accepted")

encode = msgspec.json.Encoder().encode


class InboundEvent(msgspec.Struct):
    """An event as sent. Its fields are not decoded: the worker does that."""

    event_type: str
    fields: msgspec.Raw = NOTHING
    data: msgspec.Raw = NOTHING
    id: str | None = None
    timestamp: msgspec.Raw = NOTHING


class WorkerReply(msgspec.Struct):
    """The members of a worker's answer that `explain` shows beside it."""

    accepted: bool = False
    delivered_as: str | None = None
    duplicate: bool = False


_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_event = msgspec.json.Decoder(InboundEvent).decode


class InjectEndpoint:
    """Routes one event and puts the worker's JSON into the answer unparsed."""

    def __init__(self, table: RoutingTable, delivery: Delivery) -> None:
        """Keep who knows the routes and who calls the workers."""
        self._table = table
        self._delivery = delivery

    async def answer(self, request: HotRequest, selector: str) -> Answer:
        """Take one event."""
        role = await role_of_caller(request)
        group = await standing_group(self._table, selector)
        if request.method != "POST":
            raise MethodNotAllowedError("POST", request.method)
        require(role, Role.OPERATOR)
        request.media_type("application/json")
        event = decode_event(await request.body(LARGEST_BODY))
        explain = request.flag("explain")
        ack = request.choice("ack", "processed", ACKS)
        started = time.perf_counter()
        result = FAILED
        try:
            match = match_target(self._table, group, event.event_type)
            place, raw = await self._delivery.deliver(
                group,
                match.to_pipeline,
                "events" if ack == "processed" else "events?ack=accepted",
                worker_event(event, match.family),
                deadline=Deadline.after(conf.current().http_timeout),
            )
            body = inject_body(match.to_pipeline, place, raw)
            result = ACCEPTED
        finally:
            SERIES.injected(group.name, result, 1, time.perf_counter() - started)
        event_id = event.id or request.request_id
        if explain:
            took_ms = (time.perf_counter() - started) * 1000
            body = explained(body, raw, event, match, place, event_id, took_ms)
        status = 200 if ack == "processed" else 202
        return Answer(status, body, [event_header(event_id)])


def decode_event(raw: bytes) -> InboundEvent:
    """Return the event in `raw`; 400 `bad_json` or `bad_request` otherwise."""
    try:
        event = _decode_event(raw)
    except msgspec.ValidationError as error:
        raise BadRequestError(
            f"the event is not well formed: {error}", [field_error(str(error))]
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadJsonError(f"the body is not JSON: {error}") from error
    except RecursionError as error:
        raise BadJsonError("the event is nested too deeply") from error
    if not event.fields and not event.data:
        event = _unflatten(event, raw)
    check_event(event)
    return event


def check_event(event: InboundEvent) -> None:
    """Raise 400 for what the types alone do not say."""
    if not event.event_type:
        raise _bad_field("event_type", "must not be empty")
    if event.id is not None and not 0 < len(event.id) <= LONGEST_ID:
        raise _bad_field("id", f"must have 1 to {LONGEST_ID} characters")
    if _fields_of(event)[:1] != b"{":
        raise _bad_field("fields", "must be an object")


def field_error(message: str) -> dict[str, str]:
    """Return a details entry from a msgspec message that ends in ``- at `$.path` ``."""
    text, _, place = message.partition(" - at `$.")
    return {"path": place.rstrip("`"), "message": text}


def worker_event(event: InboundEvent, family: str | None) -> bytes:
    """Return the event as the worker takes it (tests/contract/golden)."""
    fields = _fields_of(event)
    parts = [b'{"event_type":', encode(event.event_type), b',"fields":']
    parts.append(fields)
    if event.id is not None:
        parts += [b',"id":', encode(event.id)]
    if event.timestamp:
        parts += [b',"timestamp":', bytes(event.timestamp)]
    if family is not None:
        parts += [b',"family":', encode(family)]
    parts.append(b"}")
    return b"".join(parts)


def inject_body(pipeline: str, place: RoutedPlacement, raw: bytes) -> bytes:
    """Return the exact answer; the worker's JSON object goes in as it came."""
    reply = raw.strip()
    if not (reply.startswith(b"{") and reply.endswith(b"}")):
        raise strange(place, "not a JSON object")
    return b'{"routed_to":%b,"worker_id":%b,"worker_response":%b}' % (
        encode(pipeline),
        encode(place.worker_id),
        reply,
    )


def explained(  # noqa: PLR0917 - one value per member of the answer
    body: bytes,
    raw: bytes,
    event: InboundEvent,
    match: RouteMatch,
    place: RoutedPlacement,
    event_id: str,
    took_ms: float,
) -> bytes:
    """Return the answer with what `?explain=true` adds (api.md 5.7)."""
    try:
        reply = msgspec.json.decode(raw, type=WorkerReply)
    except msgspec.DecodeError as error:
        raise strange(place, str(error)) from error
    extra = answer.encode({
        "event_id": event_id,
        "delivered_as": reply.delivered_as or event.event_type,
        "original_type": event.event_type,
        "route": {
            "index": match.index,
            "pattern": match.pattern,
            "default": match.index is None,
        },
        "generation": place.generation,
        "duplicate": reply.duplicate,
        "took_ms": round(took_ms, 3),
    })
    return body[:-1] + b"," + extra[1:]


def _fields_of(event: InboundEvent) -> bytes:
    fields = bytes(event.fields or event.data).strip()
    return b"{}" if fields == b"null" else fields


def _unflatten(event: InboundEvent, raw: bytes) -> InboundEvent:
    """Return an event without `fields` as if its other members stood there.

    In this form `id` is a field like any other (vpl.md 18.1).
    """
    members = _decode_members(raw)
    members.pop("event_type")
    members.pop("timestamp", None)
    fields = msgspec.Raw(encode(members))
    return InboundEvent(event.event_type, fields=fields, timestamp=event.timestamp)


def _bad_field(path: str, fault: str) -> BadRequestError:
    return BadRequestError(f"{path} {fault}", [{"path": path, "message": fault}])


def event_header(event_id: str) -> tuple[bytes, bytes]:
    """Return X-Event-Id; what of an id is not printable ASCII is left out."""
    if event_id.isascii() and event_id.isprintable():
        return b"x-event-id", event_id.encode("ascii")
    return b"x-event-id", bytes(b for b in event_id.encode() if 0x20 < b < 0x7F)

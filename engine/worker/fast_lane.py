"""Events that need neither a thread nor a task: answered where their bytes arrive.

The way through ASGI, with its task, middleware and messages, costs several times what
a plain program needs for an event. What is sure to be done in next to no time
(`bounded`) is answered from within the HTTP protocol instead. Everything else, errors
above all, takes the long way, which gives the same answers.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Final

from engine import EngineError
from engine.reply import OutputForm
from engine.worker.auth import KeyCheck
from engine.worker.batch import Batch
from engine.worker.config import WorkerConfig
from engine.worker.errors import ApiError
from engine.worker.gate import SANE_REQUEST_ID, HostCheck
from engine.worker.handlers.events import answer_at_once
from engine.worker.host import PipelineHost
from engine.worker.hosted import HostedPipeline
from engine.worker.limits import JSON_TYPES, NDJSON_TYPES
from engine.worker.pieces import Form

Headers = Sequence[tuple[bytes, bytes]]

PREFIX: Final = b"/api/v1/pipelines/"
KNOWN_CALLS: Final = 4096  # targets that were read once
_LONG_WAY: Final = frozenset((b"transfer-encoding", b"expect", b"upgrade"))
_OUTPUTS: Final[dict[bytes, OutputForm]] = {
    b"": "all",
    b"outputs=all": "all",
    b"outputs=count": "count",
    b"outputs=none": "none",
}
_BATCH_HEADS: Final[dict[bytes, Form]] = {b"[": "array", b"{": "events"}


@dataclass(frozen=True, slots=True)
class Target:
    """What a request line and a media type ask for; `outputs` is None for one event."""

    pipeline_id: str
    outputs: OutputForm | None
    is_lines: bool


@dataclass(slots=True)
class FastCall:
    """A request whose body is on its way.

    It stands for uvicorn's cycle meanwhile, which has the last two members too.
    """

    target: Target
    hosted: HostedPipeline
    request_id: bytes
    pieces: list[bytes] = field(default_factory=list)
    keep_alive: bool = True
    response_complete: bool = False

    def body(self) -> bytes:
        """Return what has come of the body."""
        pieces = self.pieces
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class FastLane:
    """Opens calls whose head promises that they are done in no time, and answers them."""

    def __init__(self, host: PipelineHost, config: WorkerConfig) -> None:
        self._host = host
        self._keys = KeyCheck(config.api_key)
        self._hosts = HostCheck(config.is_loopback, config.allowed_hosts)

    def open(self, method: bytes, url: bytes, sent: Headers) -> FastCall | None:
        """Return the call that a head begins, None if it has to take the long way."""
        if method != b"POST":
            return None
        headers = dict(reversed(sent))
        target = _target(url, headers.get(b"content-type", b""))
        if target is None or not _LONG_WAY.isdisjoint(headers):
            return None
        if self._hosts.refuse(headers) or self._keys.refuse(headers):
            return None
        size = headers.get(b"content-length", b"")
        waits = headers.get(b"x-varpulis-timeout-ms", b"0")
        if not (size.isdigit() and waits.isdigit() and len(size) < 9 > len(waits)):
            return None
        hosted = self._hosted(target.pipeline_id)
        if hosted is None or not hosted.runs_at_once(int(size)):
            return None
        return FastCall(target, hosted, _request_id(headers))

    def answer(self, call: FastCall) -> bytes | None:
        """Return the JSON that answers a call, None if it has to take the long way.

        Nothing has been done then.
        """
        body = call.body()
        if not call.hosted.runs_at_once(len(body)) or self._host.is_stopping:
            return None
        try:
            if call.target.outputs is None:
                return answer_at_once(call.hosted, body)
            form = _form(call.target, body)
            if form is None:
                return None
            batch = Batch(body, form, call.target.outputs)
            return call.hosted.run_at_once(partial(batch.answer, call.hosted))
        except (ApiError, EngineError):
            return None

    def _hosted(self, pipeline_id: str) -> HostedPipeline | None:
        if self._host.is_stopping:
            return None
        try:
            return self._host.get(pipeline_id)
        except ApiError:
            return None


@lru_cache(maxsize=KNOWN_CALLS)
def _target(url: bytes, content_type: bytes) -> Target | None:
    path, _, query = url.partition(b"?")
    if not path.startswith(PREFIX) or b"%" in path or not path.isascii():
        return None
    pipeline_id, _, name = path[len(PREFIX) :].partition(b"/")
    kind = content_type.partition(b";")[0].strip().lower().decode("latin-1")
    is_lines = kind in NDJSON_TYPES
    if name == b"events" and not query and kind in JSON_TYPES:
        return Target(pipeline_id.decode(), None, is_lines=False)
    outputs = _OUTPUTS.get(query)
    if name != b"events-batch" or outputs is None:
        return None
    if is_lines or kind in JSON_TYPES:
        return Target(pipeline_id.decode(), outputs, is_lines=is_lines)
    return None


def _form(target: Target, body: bytes) -> Form | None:
    """Return the form of a batch, None for the text of an event file and what is none."""
    if target.is_lines:
        return "ndjson"
    head = body[:64].lstrip()
    if head[1:].lstrip().startswith(b'"events_text"'):
        return None
    return _BATCH_HEADS.get(head[:1])


def _request_id(headers: dict[bytes, bytes]) -> bytes:
    given = headers.get(b"x-request-id")
    if given and SANE_REQUEST_ID.fullmatch(given):
        return given
    return b"%032x" % random.getrandbits(128)

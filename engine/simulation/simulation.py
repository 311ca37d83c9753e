"""Running blocks of events through a pipeline."""

from collections.abc import Iterator
from typing import Any, Final, Protocol

from engine.errors import BadEventError
from engine.event import Event
from engine.event_files import Block, PayloadBlock
from engine.limit_policy import Values, limits_of
from engine.limits import Limits
from engine.pipeline import Pipeline
from engine.reply import OutputForm
from engine.simulation.clock import EventClock
from engine.simulation.pacing import Pacing
from engine.simulation.totals import Totals
from engine.wire import parse_event
from vpl import nodes, walk

_FOR_EVER_S: Final = 1_000_000.0
SIMULATION_LIMITS: Final = Limits(reply_timeout_s=_FOR_EVER_S)
"""Nobody waits for a reply, so replies wait for everything."""


def simulation_limits(values: Values) -> Limits:
    """Return the limits of a simulation, with some set to checked values."""
    return limits_of(values, SIMULATION_LIMITS)


class Audience(Protocol):
    """Learns what a simulation gives, in its order."""

    def outputs(self, rows: list[Any]) -> None:
        """Take the outputs of some events."""
        ...

    def fault(self, error: dict[str, Any]) -> None:
        """Take an error at run time: code, stream and message."""
        ...

    def rejected(self, place: int, reason: str) -> None:
        """Take a reason why the event of a place is none."""
        ...


class Simulation:
    """Gives events to a pipeline and tells an audience what comes out.

    The clock of the pipeline stands at the event at hand. Events go in together where
    nothing depends on that: they go one by one if the program reads `now()`, if
    `pacing` holds them up, or if `in_turn` asks for it, so that no context begins an
    event before all have finished the one before. `form` says whether outputs are
    wanted or only counted.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        clock: EventClock,
        audience: Audience,
        *,
        form: OutputForm = "all",
        pacing: Pacing | None = None,
        in_turn: bool = False,
    ) -> None:
        self._pipeline = pipeline
        self._clock = clock
        self._audience = audience
        self._form: OutputForm = form
        self._pacing = pacing
        self._is_single = in_turn or pacing is not None or reads_clock(pipeline)
        self.totals = Totals()

    def feed(self, block: Block) -> None:
        """Run the events of a block; what is no event is counted and told."""
        if isinstance(block, PayloadBlock) and not self._is_single:
            self._batch(block)
            return
        for place, event in self._events(block):
            if self._pacing is not None:
                self._pacing.wait_for(event.timestamp or 0)
            self._one(place, event)

    def flush(self) -> None:
        """Let time run to infinity."""
        reply = self._pipeline.flush()
        self._tell(reply.rows, reply.errors, reply.output_count)

    def _batch(self, block: PayloadBlock) -> None:
        reply = self._pipeline.inject_batch(
            block.payload, form="ndjson", outputs=self._form
        )
        self.totals.events += reply.accepted
        self._tell(reply.rows, reply.errors, reply.output_count)
        for item in reply.rejected:
            self._reject(block.places[item["index"]], item["reason"])

    def _one(self, place: int, event: Event) -> None:
        if event.timestamp is not None:
            self._clock.ns = event.timestamp
        try:
            reply = self._pipeline.inject(event)
        except BadEventError as error:
            self._reject(place, str(error))
            return
        self.totals.events += 1
        self._tell(reply.rows, reply.errors, reply.output_count)

    def _events(self, block: Block) -> Iterator[tuple[int, Event]]:
        if not isinstance(block, PayloadBlock):
            yield from zip(block.places, block.events, strict=True)
            return
        for place, payload in block.payloads():
            try:
                yield place, parse_event(payload)
            except BadEventError as error:
                self._reject(place, str(error))

    def _tell(self, rows: list[Any], errors: list[dict[str, Any]], count: int) -> None:
        self.totals.outputs += count
        if rows and self._form == "all":
            self._audience.outputs(rows)
        for error in errors:
            self.totals.faults += 1
            self._audience.fault(error)

    def _reject(self, place: int, reason: str) -> None:
        self.totals.bad += 1
        self._audience.rejected(place, reason)


def reads_clock(pipeline: Pipeline) -> bool:
    """Tell whether the program calls `now()` anywhere."""
    return any(
        isinstance(node, nodes.Call)
        and isinstance(node.function, nodes.Name)
        and node.function.id == "now"
        for node in walk(*pipeline.program.body)
    )

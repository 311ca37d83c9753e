"""What a pipeline answers to events."""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from engine.encoding import encode, encode_lines, to_plain
from engine.runtime.columns import count_events, each_output

OutputForm = Literal["all", "count", "none"]
QUEUE_FULL: Final = "queue full"
"""Why events are rejected that found no room; they may be sent again."""


class Reply(msgspec.Struct, omit_defaults=True, gc=False):
    """The answer to one event; encoded it is the inject reply of vpl.md 18.2.

    `rows` are outputs, and columns for many of them. `errors` are
    `{"code", "stream", "message"}`; `complete` is false when the reply
    timeout came before all contexts had finished.
    """

    accepted: bool
    rows: list[Any] = msgspec.field(name="output_events")
    errors: list[dict[str, Any]] = []
    complete: bool = True

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """Return the output events, flat, in the order of vpl.md 8.2 and 13."""
        return [to_plain(output) for output in each_output(self.rows)]

    @property
    def output_count(self) -> int:
        """Return how many output events there are."""
        return count_events(self.rows)

    def to_json_bytes(self) -> bytes:
        """Return the inject reply of vpl.md 18.2."""
        return encode(self)


NO_OUTPUTS: Final = Reply(accepted=True, rows=[]).to_json_bytes()


@dataclass(slots=True)
class BatchReply:
    """The answer to a batch of events.

    `accepted` counts events processed, `rejected` holds `{"index", "reason"}` of the
    others, `rows` are as in a `Reply`, `output_count` counts all outputs whatever `form` asked for.
    """

    accepted: int
    rows: list[Any] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    complete: bool = True
    output_count: int = 0
    processing_time_us: int = 0
    form: OutputForm = "all"

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """Return the output events, flat; empty unless the form is `all`."""
        return [to_plain(output) for output in each_output(self.rows)]

    def to_json_bytes(self) -> bytes:
        """Return the batch reply of vpl.md 18.2."""
        body: dict[str, Any] = {"accepted": self.accepted}
        if self.form == "all":
            body["output_events"] = self.rows
        elif self.form == "count":
            body["output_count"] = self.output_count
        body["processing_time_us"] = self.processing_time_us
        if self.rejected:
            body["rejected"] = self.rejected
        if self.errors:
            body["errors"] = self.errors
        if not self.complete:
            body["complete"] = False
        return encode(body)

    def output_lines(self) -> bytes:
        """Return the output events as NDJSON."""
        return encode_lines(self.rows)

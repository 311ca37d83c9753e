"""What came of many events, as an answer tells it (api.md 7.1)."""

from typing import Any, Final

from engine import BatchReply
from engine.encoding import encode
from engine.reply import QUEUE_FULL, OutputForm, Reply
from engine.worker.answer_size import OutputText

# Errors of each kind that an answer lists. A coordinator sends as many events at most,
# and whoever repeats what found no room needs all of them.
BATCH_ERRORS: Final = 5000
STREAM_ERRORS: Final = 100


class Tally:
    """Counts the replies to the pieces of a batch or stream, in order.

    At most `most_errors` errors are kept, and outputs as far as an answer has room; what
    is left out is counted all the same, and the answer says so.
    """

    def __init__(self, form: OutputForm, most_errors: int = BATCH_ERRORS) -> None:
        self.accepted = 0
        self.failed = 0
        self.output_count = 0
        self.errors: list[dict[str, Any]] = []
        self.runtime_errors: list[dict[str, Any]] = []
        self.runtime_failed = 0
        self.complete = True
        self.was_refused = False
        self._form = form
        self._most = most_errors
        self._outputs = OutputText()

    def add(self, reply: BatchReply, most_bytes: int | None = None) -> None:
        """Count the reply to the next piece.

        Its outputs have at most `most_bytes` as JSON, if somebody knows.
        """
        if reply.rejected:
            self._reject(reply.rejected)
        self.accepted += reply.accepted
        self.failed += len(reply.rejected)
        self.output_count += reply.output_count
        if reply.errors:
            self._add_runtime_errors(reply.errors, len(reply.errors))
        self.complete = self.complete and reply.complete
        if reply.rows:
            self._outputs.add(reply.rows, most_bytes)

    def _reject(self, rejected: list[dict[str, Any]]) -> None:
        offset = self.accepted + self.failed
        self.was_refused = rejected[-1]["reason"] == QUEUE_FULL
        for item in rejected[: self._most - len(self.errors)]:
            self._note(item["index"] + offset, item["reason"])

    def append(self, later: "Tally") -> None:
        """Count what another tally has counted after this one."""
        offset, room = self.accepted + self.failed, self._most - len(self.errors)
        self.errors += [
            {**error, "index": error["index"] + offset} for error in later.errors[:room]
        ]
        self.accepted += later.accepted
        self.failed += later.failed
        self.output_count += later.output_count
        self._add_runtime_errors(later.runtime_errors, later.runtime_failed)
        self.complete = self.complete and later.complete
        self.was_refused = later.was_refused

    def _add_runtime_errors(self, errors: list[dict[str, Any]], count: int) -> None:
        self.runtime_errors += errors[: self._most - len(self.runtime_errors)]
        self.runtime_failed += count

    def add_refused(self, count: int, reason: str) -> None:
        """Count the next `count` events as refused for one reason."""
        self.was_refused = reason == QUEUE_FULL
        first = self.accepted + self.failed
        for index in range(first, first + min(count, self._most - len(self.errors))):
            self._note(index, reason)
        self.failed += count

    def _note(self, index: int, reason: str) -> None:
        code = "queue_full" if reason == QUEUE_FULL else "bad_request"
        self.errors.append({"index": index, "code": code, "error": reason})

    def batch_answer(self, took_us: int) -> bytes:
        """Return the answer to a batch as JSON.

        `errors` are the refused items by index; `runtime_errors` what programs ran
        into.
        """
        body: dict[str, Any] = {"accepted": self.accepted, "failed": self.failed}
        if self._form == "all":
            body["output_events"] = self._outputs.to_json()
        if self._form != "none":
            body["output_count"] = self.output_count
        if self._outputs.is_cut:
            body["outputs_truncated"] = True
        body["errors"] = self.errors
        if self.failed > len(self.errors):
            body["errors_truncated"] = True
        body["processing_time_us"] = took_us
        self._tell_runtime_errors(body)
        if not self.complete:
            body["complete"] = False
        return encode(body)

    def stream_answer(self, took_us: int) -> bytes:
        """Return the answer to a stream as JSON: the counts and the first errors."""
        body = self.counts() | {
            "errors_truncated": self.failed > len(self.errors),
            "processing_time_us": took_us,
        }
        self._tell_runtime_errors(body)
        return encode(body)

    def counts(self) -> dict[str, Any]:
        """Return what a refusal tells of a stream that it ends."""
        return {
            "accepted": self.accepted,
            "failed": self.failed,
            "output_count": self.output_count,
            "errors": self.errors,
        }

    def _tell_runtime_errors(self, body: dict[str, Any]) -> None:
        if self.runtime_errors:
            body["runtime_errors"] = self.runtime_errors
        if self.runtime_failed > len(self.runtime_errors):
            body["runtime_errors_truncated"] = True


def event_answer(reply: Reply) -> bytes:
    """Return the inject reply of vpl.md 18.2 as JSON, its outputs as far as they fit.

    If some do not, it says so and how many there are.
    """
    if not reply.rows:
        return reply.to_json_bytes()
    outputs = OutputText()
    outputs.add(reply.rows)
    body: dict[str, Any] = {"accepted": True, "output_events": outputs.to_json()}
    if reply.errors:
        body["errors"] = reply.errors
    if not reply.complete:
        body["complete"] = False
    if outputs.is_cut:
        body |= {"output_count": reply.output_count, "outputs_truncated": True}
    return encode(body)

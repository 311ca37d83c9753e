"""A batch of events on its way through a pipeline, piece by piece."""

import time
from dataclasses import dataclass

from engine import Pipeline, QueueFullError
from engine.reply import QUEUE_FULL, OutputForm
from engine.worker.bounded import Plainness
from engine.worker.hosted import HostedPipeline, OnTaken
from engine.worker.payloads import count_events
from engine.worker.pieces import Form, in_pieces
from engine.worker.tally import BATCH_ERRORS, Tally


@dataclass(frozen=True, slots=True)
class Batch:
    """Events as a caller sent them, and how the answer shall be.

    `family` is the prefix of the route that all of them came by.
    """

    payload: bytes
    form: Form
    outputs: OutputForm = "all"
    family: str | None = None
    most_errors: int = BATCH_ERRORS

    def answer(self, hosted: HostedPipeline, on_taken: OnTaken) -> bytes:
        """Run the batch and return its answer as JSON."""
        began = time.perf_counter_ns()
        tally = self.run(hosted, on_taken)
        return tally.batch_answer((time.perf_counter_ns() - began) // 1000)

    def run(self, hosted: HostedPipeline, on_taken: OnTaken) -> Tally:
        """Run the events in order and return what came of them; for any thread.

        What finds no room is refused, and with it all that follows. Raises
        `BadEventError` if this is no batch and `QueueFullError` if there was no room
        for any.
        """
        pipeline, plainness = hosted.pipeline, hosted.plainness
        tally = Tally(self.outputs, self.most_errors)
        pieces = in_pieces(self.payload, self.form)
        last = next(pieces)
        for piece in pieces:
            self._run_piece(pipeline, last, tally, plainness)
            last = piece
        self._run_piece(pipeline, last, tally, plainness, on_taken)
        return tally

    def _run_piece(
        self,
        pipeline: Pipeline,
        piece: tuple[bytes, Form],
        tally: Tally,
        plainness: Plainness | None,
        on_taken: OnTaken | None = None,
    ) -> None:
        payload, form = piece
        if tally.was_refused:
            tally.add_refused(count_events(payload, form), QUEUE_FULL)
            return
        try:
            reply = pipeline.inject_batch(
                payload,
                form=form,
                family=self.family,
                outputs=self.outputs,
                on_taken=on_taken,
            )
        except QueueFullError:
            if not tally.accepted and not tally.failed:
                raise
            tally.add_refused(count_events(payload, form), QUEUE_FULL)
            return
        most = None
        if plainness is not None:
            most = plainness.output_bytes(len(payload), reply.output_count)
        tally.add(reply, most)

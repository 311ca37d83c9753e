"""How a simulation is run: in this process, or shared by several."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from engine import Pipeline
from engine.event_files import Block
from engine.metrics import StreamMetrics
from engine.simulation import Simulation, Totals
from engine.simulation.saving import Checkpoints
from engine.simulation.shares import Shares
from engine.simulation.splitting import hindrance

CLOSE_TIMEOUT_S: Final = 30.0


class Runner(Protocol):
    """Takes the blocks of a simulation; `close` is called last, whatever happened."""

    totals: Totals

    def start(self) -> None:
        """Get ready for events."""
        ...

    def feed(self, block: Block) -> None:
        """Run the events of a block."""
        ...

    def finish(self) -> None:
        """Wait until everything is done, then let time run on if that is wanted."""
        ...

    def stop(self) -> None:
        """Keep what was done so far: no more events can be read."""
        ...

    def streams(self) -> Mapping[str, StreamMetrics]:
        """Return the counters of streams by name."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class OneProcess:
    """Runs a simulation here, with checkpoints if they are wanted."""

    def __init__(
        self,
        simulation: Simulation,
        pipeline: Pipeline,
        checkpoints: Checkpoints | None,
        *,
        is_flushed: bool,
        say: Callable[[str], None],
    ) -> None:
        self.totals = simulation.totals
        self._simulation = simulation
        self._pipeline = pipeline
        self._checkpoints = checkpoints
        self._is_flushed = is_flushed
        self._say = say

    def start(self) -> None:
        """Restore the newest checkpoint."""
        self._pipeline.start()
        restored = self._checkpoints and self._checkpoints.restore()
        if restored:
            parts = restored.to_json().items()
            known = [f"{word} {', '.join(names)}" for word, names in parts if names]
            self._say(f"restored from the newest checkpoint: {'; '.join(known)}")

    def feed(self, block: Block) -> None:
        """Run events, and save if it is time."""
        self._simulation.feed(block)
        if self._checkpoints is not None:
            self._checkpoints.save_if_due()

    def finish(self) -> None:
        """Save, then flush: a later run goes on before time has run on."""
        self.stop()
        if self._is_flushed:
            self._simulation.flush()

    def stop(self) -> None:
        """Save."""
        if self._checkpoints is not None:
            self._checkpoints.save()

    def streams(self) -> Mapping[str, StreamMetrics]:
        """Return the pipeline's counters."""
        return self._pipeline.metrics().streams

    def close(self) -> None:
        """Close the pipeline."""
        self._pipeline.close(CLOSE_TIMEOUT_S)


class SeveralProcesses:
    """Runs a simulation in several processes.

    There is nothing to flush: programs in which something waits are not shared.
    """

    def __init__(self, shares: Shares) -> None:
        self.totals = shares.totals
        self._shares = shares

    def start(self) -> None:
        """Do nothing: the processes have started."""

    def feed(self, block: Block) -> None:
        """Share events out."""
        self._shares.feed(block)

    def finish(self) -> None:
        """Wait for the processes."""
        self._shares.finish()

    def stop(self) -> None:
        """Wait for what was shared out, so that its outputs are told."""
        self._shares.finish()

    def streams(self) -> Mapping[str, StreamMetrics]:
        """Return the counters of all processes together."""
        return self._shares.streams

    def close(self) -> None:
        """End the processes."""
        self._shares.close()


def why_one_process(pipeline: Pipeline, options: Mapping[str, Any]) -> str | None:
    """Return why a simulation is not shared although several workers are wanted."""
    if options["partition_by"] is None:
        return "--partition-by says by which field events can be shared"
    for name, option in (("timed", "--timed"), ("checkpoint_dir", "--checkpoint-dir")):
        if options[name]:
            return f"{option} needs one"
    return hindrance(pipeline.program, options["partition_by"])

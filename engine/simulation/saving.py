"""Checkpoints of a simulation: restored first, written now and then."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from engine.checkpoint import Restored
from engine.errors import CheckpointError
from engine.worker.checkpoint_store import CheckpointStore

DEFAULT_INTERVAL_S: Final = 60.0


class Keeper(Protocol):
    """What has a state to keep: a pipeline."""

    name: str

    def checkpoint(self) -> dict[str, Any]:
        """Return the state as one document."""
        ...

    def restore(self, document: Any) -> Restored:
        """Take over a state; raises CheckpointError."""
        ...


class Checkpoints:
    """The checkpoints of one program in a folder, the last three of them.

    They are filed under the name of the program's file, so several programs may share
    a folder. `on_refused` is told why a checkpoint was passed over.
    """

    def __init__(
        self,
        folder: Path,
        keeper: Keeper,
        interval_s: float = DEFAULT_INTERVAL_S,
        *,
        on_refused: Callable[[str], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = CheckpointStore(folder)
        self._keeper = keeper
        self._id = Path(keeper.name).stem
        self._interval_s = interval_s
        self._on_refused = on_refused
        self._monotonic = monotonic
        self._saved_s = monotonic()

    def restore(self) -> Restored | None:
        """Take over the newest checkpoint that fits, None if there is none."""
        for saved, document in self._store.newest(self._id):
            try:
                return self._keeper.restore(document)
            except CheckpointError as error:
                self._on_refused(f"checkpoint {saved.sequence} is passed over: {error}")
        return None

    def save_if_due(self) -> None:
        """Save if the last time is long enough ago; raises OSError."""
        if self._monotonic() - self._saved_s >= self._interval_s:
            self.save()

    def save(self) -> None:
        """Write a checkpoint; raises OSError, and older ones are untouched then."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._store.save(self._id, self._keeper.checkpoint(), now)
        self._saved_s = self._monotonic()

"""The folder in which a worker's pipelines and its id survive a restart.

<state-dir>/workers/<worker-id | port-N>/
    lock            held by the running process
    worker-id       the id, when it was made by the worker
    pipelines/      one file per pipeline, written beside and renamed
    checkpoints/    one folder per pipeline, see `checkpoint_store`
    dead-letters/   what no sink could take
"""

import fcntl
import logging
import os
from pathlib import Path
from typing import IO
from urllib.parse import quote

import msgspec

from engine.worker.config import WorkerConfig, make_worker_id
from engine.worker.deployment import Deployment
from engine.worker.options import ConfigError

logger = logging.getLogger("varpulis")


class StateDir:
    """One worker's own folder, locked for as long as this object is open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pipelines = folder / "pipelines"
        self._lock: IO[str] | None = None

    @property
    def dead_letters(self) -> Path:
        """Return the folder for dead letters."""
        return self.folder / "dead-letters"

    @property
    def checkpoints(self) -> Path:
        """Return the folder for checkpoints."""
        return self.folder / "checkpoints"

    def open(self) -> None:
        """Make the folder and lock it; raises ConfigError if that is not possible."""
        try:
            self._pipelines.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = (self.folder / "lock").open("w", encoding="utf-8")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise ConfigError(
                f"--state-dir: another worker uses {self.folder}"
            ) from error
        except OSError as error:
            raise ConfigError(f"--state-dir: {error}") from error

    def close(self) -> None:
        """Unlock the folder."""
        if self._lock:
            self._lock.close()
            self._lock = None

    def worker_id(self) -> str:
        """Return the id made for this folder, the same after each restart."""
        path = self.folder / "worker-id"
        if path.exists() and (known := path.read_text(encoding="utf-8").strip()):
            return known
        made = make_worker_id()
        write_whole(path, made.encode())
        return made

    def save(self, deployment: Deployment) -> None:
        """Keep a deployment; its `id` must be set."""
        write_whole(self._path(deployment.id or ""), msgspec.json.encode(deployment))

    def forget(self, pipeline_id: str) -> None:
        """Drop a deployment."""
        self._path(pipeline_id).unlink(missing_ok=True)

    def load(self) -> list[Deployment]:
        """Return what was kept, oldest first; unreadable files are logged."""
        paths = sorted(
            self._pipelines.glob("*.json"), key=lambda path: path.stat().st_mtime_ns
        )
        found = []
        for path in paths:
            try:
                found.append(msgspec.json.decode(path.read_bytes(), type=Deployment))
            except (OSError, msgspec.DecodeError) as error:
                logger.error("Pipeline in %s cannot be restored: %s", path, error)
        return found

    def _path(self, pipeline_id: str) -> Path:
        # Ids of callers may hold dots; quoting keeps them inside the folder.
        return self._pipelines / f"{quote(pipeline_id, safe='')}.json"


def state_dir_of(config: WorkerConfig, port: int) -> StateDir | None:
    """Return this worker's folder below `--state-dir`, None without that option."""
    if config.state_dir is None:
        return None
    own = quote(config.worker_id, safe="") if config.worker_id else f"port-{port}"
    return StateDir(config.state_dir / "workers" / own)


def write_whole(path: Path, content: bytes) -> None:
    """Write beside and rename, so that a file is whole or not there."""
    beside = path.with_name(f"{path.name}.new")
    with beside.open("wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)

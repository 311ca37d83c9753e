"""What handlers need to know of the process they run in."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.requests import Request

from engine.worker.config import WorkerConfig
from engine.worker.host import PipelineHost
from engine.worker.identity import Identity

if TYPE_CHECKING:  # a worker on its own starts without it
    from engine.worker.coordinator_link import CoordinatorLink


@dataclass(slots=True, kw_only=True)
class Services:
    """The parts of one worker process; `link` is None for a worker on its own."""

    config: WorkerConfig
    identity: Identity
    host: PipelineHost
    link: "CoordinatorLink | None" = None
    clock: Callable[[], float] = time.monotonic
    started_at: float = field(default_factory=time.monotonic)

    @property
    def uptime_s(self) -> float:
        """Return how long this process has been running."""
        return self.clock() - self.started_at


def services_of(request: Request) -> Services:
    """Return the services of the app that got this request."""
    services: Services = request.app.state.services
    return services

"""Hand deploys to the background: a thread of the coordinator, or Celery.

What is handed over is only ids of claimed placements. The claim in the database makes
a lost hand-over harmless: it expires, and the next report or sweep takes it up again.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from django.db import connections, transaction

logger = logging.getLogger("varpulis_cluster")

PlacementIds = tuple[int, ...]
Dispatcher = Callable[[PlacementIds], None]
DeployJob = Callable[[PlacementIds], None]


def dispatch_on_commit(placement_ids: Sequence[int]) -> None:
    """Deploy the claimed placements soon after the current transaction commits."""
    ids = tuple(placement_ids)
    if ids:
        transaction.on_commit(lambda: _dispatcher(ids))


def use_dispatcher(dispatcher: Dispatcher) -> Dispatcher:
    """Hand deploys to `dispatcher` from now on; returns the one before."""
    global _dispatcher
    previous, _dispatcher = _dispatcher, dispatcher
    return previous


@contextmanager
def dispatched_to(dispatcher: Dispatcher) -> Iterator[None]:
    """Hand deploys to `dispatcher` inside the block (tests)."""
    previous = use_dispatcher(dispatcher)
    try:
        yield
    finally:
        use_dispatcher(previous)


def thread_dispatcher(job: DeployJob) -> Dispatcher:
    """Return a dispatcher that runs `job` in a daemon thread of this process."""

    def run(ids: PlacementIds) -> None:
        try:
            job(ids)
        except Exception:  # a thread's end is a process boundary: nobody above to tell
            logger.exception("Deploying placements %s failed", ids)
        finally:
            connections.close_all()  # those of this thread, which ends here

    def dispatch(ids: PlacementIds) -> None:
        threading.Thread(target=run, args=(ids,), name="deploy", daemon=True).start()

    return dispatch


def _nobody(ids: PlacementIds) -> None:
    logger.error("No dispatcher is set; placements %s wait for their claims", ids)


_dispatcher: Dispatcher = _nobody

"""Timing of functions in this process."""

import gc
import time
from collections.abc import Callable


def rates(work: Callable[[], object], units: int, repeats: int) -> tuple[float, ...]:
    """Return units per second of each repeat, after one that is not counted.

    CPU time of this process, not wall time: the machine may be busy with others.
    """
    work()
    found = []
    for _ in range(repeats):
        gc.collect()
        started = time.process_time()
        work()
        found.append(units / (time.process_time() - started))
    return tuple(found)

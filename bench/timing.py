"""Timing of functions in this process."""

import gc
import time
from collections.abc import Callable, Sequence

Work = Callable[[], object]


def rates(work: Work, units: int, repeats: int) -> tuple[float, ...]:
    """Return units per second of each repeat, after one that is not counted.

    CPU time of this process, not wall time: the machine may be busy with others.
    """
    return tuple(units / seconds for seconds in cpu_seconds(work, repeats))


def cpu_seconds(work: Work, repeats: int) -> tuple[float, ...]:
    """Return seconds of CPU time of each repeat, after one that is not counted."""
    work()
    found = []
    for _ in range(repeats):
        gc.collect()
        started = time.process_time()
        work()
        found.append(time.process_time() - started)
    return tuple(found)


def side_by_side(
    makers: Sequence[Callable[[], Work]], units: int, repeats: int
) -> list[tuple[float, ...]]:
    """Return units per second of each work, measured in turn in every repeat.

    A maker gives a new work each time, so that state of the last one does not count;
    making is not timed. The first round is not counted. CPU time of this process.
    """
    found: list[list[float]] = [[] for _ in makers]
    for repeat in range(repeats + 1):
        for place, make in enumerate(makers):
            work = make()
            gc.collect()
            started = time.process_time()
            work()
            took = time.process_time() - started
            if repeat:
                found[place].append(units / took)
    return [tuple(samples) for samples in found]

"""Measures all of it, and says where it stands."""

import functools
from collections.abc import Callable, Sequence

from bench.finding import Finding
from bench.language import (
    chains,
    filters,
    flatness,
    joins,
    memory,
    sequences,
    windows,
)
from bench.language.checking import BATCH, CHECKED, check
from bench.language.contest import engine_work, hand_work
from bench.language.workload import Workload
from bench.progress import step
from bench.result import Effort, Result
from bench.timing import Work, side_by_side
from bench.workload import batches
from engine import compile_program

WORKLOADS = (
    filters.ONE,
    filters.TEN_OF_ONE_TYPE,
    windows.KEYED,
    sequences.TWO_STEPS,
    chains.RISING,
    joins.PAID,
)
SINGLE_TARGET = 2e6  # of the filter, the only one that performance.md names


def run(effort: Effort) -> list[Finding]:
    """Measure speed, memory and flatness.

    Raises `WrongOutputError`.
    """
    speed = [result for workload in WORKLOADS for result in measure(workload, effort)]
    step("memory")
    used: list[Finding] = [*memory.measure(10_000 if effort.is_quick else 100_000)]
    used += memory.curves(memory.POINTS[:2] if effort.is_quick else memory.POINTS)
    return [*speed, *used, *flatness.windows(effort), *flatness.sequences(effort)]


def measure(workload: Workload, effort: Effort) -> list[Result]:
    """Measure one workload beside its hand-written program."""
    step(workload.name)
    lines = workload.lines(max(effort.events, workload.least))
    check(workload, lines)
    found = [_result(workload, "batches of 1000", lines, BATCH, effort)]
    if workload.is_single:
        found.append(_result(workload, "one event per call", lines, 1, effort))
    return found


def _result(
    workload: Workload, how: str, lines: Sequence[bytes], size: int, effort: Effort
) -> Result:
    engine: Callable[[], Work]
    if size == 1:
        payloads: Sequence[bytes] = lines
        engine = functools.partial(_calls, workload, payloads)
        target = SINGLE_TARGET if workload is filters.ONE else None
    else:
        payloads = batches(tuple(lines), size)
        engine = functools.partial(engine_work, workload, payloads)
        target = workload.target
    by_hand = functools.partial(hand_work, workload, payloads)
    measured, hand = side_by_side((engine, by_hand), len(lines), effort.repeats)
    return Result(
        f"{workload.name}, {how}",
        "events/s",
        measured,
        target=target,
        baseline=("hand-written Python", sorted(hand)[len(hand) // 2]),
        checked=CHECKED,
    )


def _calls(workload: Workload, payloads: Sequence[bytes]) -> Callable[[], None]:
    pipeline = compile_program(workload.program)
    pipeline.start()

    def work() -> None:
        process = pipeline.process
        for payload in payloads:
            process(payload)
        pipeline.close(5.0)

    return work

"""One workload by the engine, by hand, and by merely decoding its events."""

import functools
from collections.abc import Callable, Sequence

import msgspec

from bench.finding import Contender
from bench.language.checking import BATCH
from bench.language.workload import Workload
from bench.timing import Work, side_by_side
from bench.workload import batches
from engine import compile_program

OURS, BY_HAND, FLOOR = "Varpulis", "hand-written Python", "msgspec, decoding only"
BY_HAND_NOTE = (
    "one task, with the means of the engine (msgspec, one loop, dicts), without a "
    "language, checks of values, limits, metrics, or a way to stop and restore"
)


def contenders(
    workload: Workload, lines: Sequence[bytes], repeats: int
) -> list[Contender]:
    """Measure in turn, JSON bytes in and JSON bytes out, in batches of 1000.

    Nothing is checked here. CPU time of this process.
    """
    payloads = batches(tuple(lines), BATCH)
    makers: list[Callable[[], Work]] = [
        functools.partial(engine_work, workload, payloads),
        functools.partial(hand_work, workload, payloads),
    ]
    names = [(OURS, ""), (BY_HAND, BY_HAND_NOTE)]
    if workload.row is not None:
        makers.append(functools.partial(_floor_work, workload.row, payloads))
        names.append((FLOOR, "only the fields that are read"))
    samples = side_by_side(makers, len(lines), repeats)
    return [
        Contender(name, each, note)
        for (name, note), each in zip(names, samples, strict=True)
    ]


def engine_work(workload: Workload, payloads: Sequence[bytes]) -> Work:
    """Return work that gives the payloads to a new pipeline."""
    pipeline = compile_program(workload.program)
    pipeline.start()

    def work() -> None:
        for payload in payloads:
            pipeline.inject_batch(payload, form="ndjson").to_json_bytes()
        pipeline.close(5.0)

    return work


def hand_work(workload: Workload, payloads: Sequence[bytes]) -> Work:
    """Return work that gives the payloads to a new hand-written program."""
    handle = workload.by_hand()

    def work() -> None:
        for payload in payloads:
            handle(payload)

    return work


def _floor_work(row: type[msgspec.Struct], payloads: Sequence[bytes]) -> Work:
    decode = msgspec.json.Decoder(row).decode_lines

    def work() -> None:
        for payload in payloads:
            decode(payload)

    return work

"""Measures compute, contexts and messages."""

import os
import statistics

from bench.finding import Curve, Finding, NotMeasured
from bench.mandelbrot import compute, contexts, first_call, messages
from bench.mandelbrot.baselines import FLAGS, by_c, by_numpy_s, by_python_s
from bench.progress import step
from bench.result import Effort, Result, require
from cluster.demo.errors import UsageError
from cluster.demo.mandelbrot.formula import expected_iterations
from cluster.demo.mandelbrot.program import Mandelbrot

COMPUTE_TARGET_S, C_TARGET, FIRST_TARGET_S = 0.2, 1.6, 0.15
CORES_TARGET, SINGLE_TARGET_S, BATCH_TARGET_S = 1.8, 6.0, 0.3
BATCH = 1000  # pixels in a message, where they are not sent alone
FORMULA = "every pixel, once, with the formula by NumPy"
SIZES = (100, 320, 1000)


def run(effort: Effort) -> list[Finding]:
    """Measure all; raises `WrongOutputError`."""
    picture = Mandelbrot(size=200 if effort.is_quick else 1000)
    found = [*_compute(picture, effort), _first_call(effort)]
    found += [*_sizes(effort), *_contexts(picture, effort)]
    return [*found, *_messages(picture, effort)]


def _name(picture: Mandelbrot) -> str:
    return f"Mandelbrot {picture.size}x{picture.size}x{picture.max_iter}"


def _compute(picture: Mandelbrot, effort: Effort) -> list[Finding]:
    step("compute in process")
    ours = compute.seconds(picture, effort.repeats)
    step("compute by C")
    by_gcc = by_c(picture, effort.repeats)
    step("compute by NumPy and Python")
    others = {"NumPy": by_numpy_s(picture), "plain Python": by_python_s(picture)}
    note = "; ".join(f"{name} {seconds:.2f} s" for name, seconds in others.items())
    found: list[Finding] = [
        Result(
            f"{_name(picture)} on one core",
            "s",
            ours,
            better="less",
            target=None if effort.is_quick else COMPUTE_TARGET_S,
            checked=FORMULA,
            note=f"in the same run: {note} (from every 25th pixel); the reply stays columns",
        )
    ]
    if by_gcc is None:
        return [*found, NotMeasured("scalar C", "there is no gcc on this machine")]
    wrong = int((by_gcc.counts != expected_iterations(picture)).sum())
    require(wrong, 0, "pixels of C that differ from the formula")
    base = statistics.median(by_gcc.seconds)
    found.append(
        Result(
            f"{_name(picture)}, as a multiple of scalar C",
            "x",
            tuple(each / base for each in ours),
            better="less",
            target=C_TARGET,
            checked=f"{FORMULA}; C's too",
            note=f"gcc {' '.join(FLAGS)}: {base:.3f} s, least {min(by_gcc.seconds):.3f}",
        )
    )
    return found


def _first_call(effort: Effort) -> Result:
    step("first call of a new process")
    return Result(
        "first call of a native function in a new process",
        "s",
        first_call.measured(min(5, effort.repeats)),
        better="less",
        target=FIRST_TARGET_S,
        checked="number of pixels",
        note="machine code is made in it; the engine is imported before",
    )


def _sizes(effort: Effort) -> list[Finding]:
    sizes = SIZES[:2] if effort.is_quick else SIZES
    samples = []
    for size in sizes:
        step(f"{size} x {size} pixels")
        found = compute.seconds(Mandelbrot(size=size), min(3, effort.repeats))
        samples.append(tuple(1000 * each for each in found))
    points = tuple(size * size for size in sizes)
    return [
        Curve(
            "Mandelbrot in process", "pixels", points, tuple(samples),
            "ms of CPU time", FORMULA,
        )
    ]  # fmt: skip


def _contexts(picture: Mandelbrot, effort: Effort) -> list[Finding]:
    if len(os.sched_getaffinity(0)) < 2:
        return [NotMeasured("contexts on two cores", "this machine has one")]
    ratios = []
    for _ in range(min(3, effort.repeats)):
        step("16 contexts on one core, then on two")
        one, two = (contexts.measured(cores, picture, 3) for cores in (1, 2))
        ratios.append(min(one) / min(two))
    return [
        Result(
            "16 contexts, two cores as a multiple of one",
            "x",
            tuple(ratios),
            target=CORES_TARGET,
            checked=FORMULA,
            note="wall time, the best of three each; other work on the cores lowers it",
        )
    ]


def _messages(picture: Mandelbrot, effort: Effort) -> list[Finding]:
    repeats = min(3, effort.repeats)
    found: list[Finding] = []
    for name, batch, target in (
        ("one per message", 1, SINGLE_TARGET_S),
        (f"{BATCH} per message", BATCH, BATCH_TARGET_S),
    ):
        what = f"{picture.pixel_count:,} pixels through Mosquitto, {name}"
        step(what)
        try:
            samples = messages.seconds(picture, batch, repeats)
        except UsageError as exc:
            return [*found, NotMeasured("pixels by MQTT", str(exc))]
        found.append(
            Result(
                what,
                "s",
                samples,
                better="less",
                target=None if effort.is_quick else target,
                checked=FORMULA,
                note="from the first event to the last pixel at one subscriber; "
                "coordinator, four workers and broker share the cores",
            )
        )
    return found

"""`.forecast` -> parameters, and what stands where matches would be (vpl.md section 20)."""

from dataclasses import dataclass
from typing import Final

from engine.compiler.constants import constant_value, duration_ns, whole_number
from engine.compiler.current import Current
from engine.compiler.streams import Handler, StreamCompiler
from engine.errors import LoadError
from engine.runtime.forecasts import MAX_CONTEXTS, Forecaster, ForecastSpec
from engine.runtime.operators import is_number
from vpl import Program, nodes

MODES: Final = {"fast": (50, 3), "balanced": (100, 3), "accurate": (200, 5)}
"""Warm-up in events and greatest depth of contexts, by mode."""
DEFAULT_CONFIDENCE: Final = 0.5


@dataclass(frozen=True, slots=True)
class ForecastCode:
    """The `.forecast` of a stream: its place among the operations, and its model."""

    at: int
    variable: str
    model: Forecaster


def forecast_code(stream: StreamCompiler) -> ForecastCode | None:
    """Return the forecast of a stream, None if it has none."""
    places = [at for at, op in enumerate(stream.stream.ops) if op.name == "forecast"]
    if not places:
        return None
    at = places[0]
    spec = forecast_spec(stream.unit.plan.program, stream.stream.ops[at])
    bound = f"{MAX_CONTEXTS} contexts of up to {spec.max_depth} steps"
    name = stream.state("forecast", "forecast model", bound, lambda: Forecaster(spec))
    state = stream.unit.states[stream.stream.index, f"{stream.prefix}forecast"].state
    assert isinstance(state, Forecaster)
    return ForecastCode(at, name, state)


def forecast_spec(program: Program, op: nodes.Operation) -> ForecastSpec:
    """Return the parameters; raises `LoadError` for values that make no sense."""
    given = {arg.name: arg.value for arg in op.args}
    line = op.span.line
    mode = constant_value(program, given["mode"]) if "mode" in given else "balanced"
    if mode not in MODES:
        listed = ", ".join(f'"{name}"' for name in MODES)
        raise LoadError(f"line {line}: 'mode' of '.forecast' wants one of {listed}")
    warmup, max_depth = MODES[mode]
    if "warmup" in given:
        warmup = whole_number(program, given["warmup"], "'warmup'", 0)
    if "max_depth" in given:
        max_depth = whole_number(program, given["max_depth"], "'max_depth'", 1)
    horizon_ns = None
    if "horizon" in given:
        horizon_ns = duration_ns(program, given["horizon"], "'horizon'")
    return ForecastSpec(
        _confidence(program, given, line), warmup, max_depth, horizon_ns
    )


def _confidence(
    program: Program, given: dict[str | None, nodes.Expr], line: int
) -> float:
    if "confidence" not in given:
        return DEFAULT_CONFIDENCE
    value = constant_value(program, given["confidence"])
    if not is_number(value) or not 0 <= value <= 1:
        message = "'confidence' of '.forecast' wants a number from 0 to 1"
        raise LoadError(f"line {line}: {message}")
    return float(value)


def forecast(
    stream: StreamCompiler, at: int, op: nodes.Operation, current: Current
) -> None:
    """Let matches end here: predictions take their place, see `forecasts_runs`."""


HANDLERS: Final[dict[str, Handler]] = {"forecast": forecast}

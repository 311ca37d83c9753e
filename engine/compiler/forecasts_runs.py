"""What runs of a stream with `.forecast` say as they advance -> source lines."""

from dataclasses import replace
from typing import Final

from engine.compiler.code import Code, variable
from engine.compiler.current import Place
from engine.compiler.forecasts import ForecastCode
from engine.compiler.kinds import DURATION, FLOAT, INT, NULL, STR, TIMESTAMP
from engine.compiler.readers import CompoundReader
from engine.compiler.sequences_events import loading, match_event
from engine.compiler.sequences_runs import RunCode
from engine.compiler.steps import Branch, Step
from engine.compiler.streams import StreamCompiler

_FIELDS: Final = {
    "forecast_probability": FLOAT,
    "forecast_lower": FLOAT,
    "forecast_upper": FLOAT,
    "forecast_confidence": FLOAT,
    "forecast_time": DURATION | NULL,
    "forecast_expected_time": TIMESTAMP | NULL,
    "forecast_context_depth": INT,
}
"""What a prediction holds, in order."""


class ForecastWriter:
    """Writes what keeps the model of one stream informed, and its predictions."""

    def __init__(
        self,
        stream: StreamCompiler,
        code: RunCode,
        forecast: ForecastCode,
        place: Place,
    ) -> None:
        self._stream = stream
        self._code = code
        self._model = forecast.variable
        self._at = forecast.at
        self._place = place

    def arrive(self) -> None:
        """Write that an event arrived."""
        self._stream.lines.add(f"{self._model}.events += 1")

    def take(self, slot: int, row: str) -> None:
        """Write that the run at hand took an event, unless it matched before."""
        self._stream.lines.add(
            f"if run.path is not None: run.path += ({slot}, {row}.ts)"
        )

    def complete(self, row: str) -> None:
        """Write that the event completes the run at hand."""
        self._stream.lines.add(
            f"if run.path is not None: {self._model}.complete(run, {row}.ts)"
        )

    def predict(self, step: Step, row: str, *, is_waiting: bool) -> None:
        """Write what is said of the run at hand, which has taken `step`."""
        lines, found = self._stream.lines, self._stream.names.fresh("v")
        left = self._remaining(step, row, is_waiting=is_waiting)
        lines.add(f"{found} = {self._model}.predict(run.path, {row}.ts, {left})")
        name = self._stream.function(
            "forecast", ("run", "last", "found", "reached", "total"), self._prediction
        )
        branch = self._code.layout.places[step.number].branch
        total = str(sum(len(chain.steps) for chain in branch.chains))
        call = self._stream.call(
            name, "run", row, found, self._reached(step, branch), total
        )
        lines.add(f"if {found} is not None: {call}")

    def _reached(self, step: Step, branch: Branch) -> str:
        """Return the text of how many steps of a run's branch are reached."""
        [chain, *others] = branch.chains
        if not others:
            return str(chain.taken(step.number) + 1)
        ranks = {
            position: chain.taken(position) + 1
            for chain in branch.chains
            for position in chain.positions
        }
        known = self._stream.names.bind("N", ranks)
        columns = range(len(branch.chains))
        return " + ".join(f"{known}[run.p{column}]" for column in columns)

    def _remaining(self, step: Step, row: str, *, is_waiting: bool) -> str:
        """Return the text of what is left of the stretches, None if not all are bound."""
        deadlines = self._code.deadlines
        bound = deadlines.after(step, is_waiting=is_waiting)
        chains = self._code.layout.sequence.chains
        end = len(chains[0].steps) - 1 if len(chains) == 1 else 0
        branch = self._code.layout.places[step.number].branch
        if self._code.layout.is_awaiting(branch):
            end += 1
        later = (
            [] if bound is None else [b for b in deadlines.bounds if b.end > bound.end]
        )
        if bound is None or max(bound.end, *(b.end for b in later), -1) < end:
            return "None"
        more = sum(b.ns for b in later)
        return f"run.d - {row}.ts + {more}"

    def _prediction(self) -> None:
        """Write the function that sends one prediction on."""
        stream = self._stream
        names = [stream.names.fresh("f") for _ in _FIELDS]
        with loading(stream):
            length_ms = "((run.t - run.f) // 1000000)"
            stream.lines.add(f"{', '.join(names)} = found")
            event = match_event(stream, self._code, "last", length_ms)
            assert isinstance(event.reader, CompoundReader)
            parts = tuple(replace(p, may_miss=True) for p in event.reader.parts)
            fields = {
                field: variable(name, kinds)
                for (field, kinds), name in zip(_FIELDS.items(), names, strict=True)
            }
            fields |= {
                "forecast_state": Code('f"step_{reached}_of_{total}"', STR, 1),
                "active_runs": Code(f"{self._code.table}.active", INT, 1),
            }
            reader = replace(
                event.reader, parts=parts, extras=event.reader.extras | fields
            )
            stream.forget_frame()
            stream.go_on(self._place, self._at + 1, replace(event, reader=reader))
            stream.forget_frame()

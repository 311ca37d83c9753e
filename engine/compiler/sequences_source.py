"""What a sequence does with an arriving event -> source lines (vpl.md 10.2).

In this order: due runs end (the clock of the stream), negations end runs, runs are
offered the event, and the event starts a run. All filters are compiled by the one
expression compiler; an event looks only at the runs its keys name.
"""

from typing import Final

from engine.compiler.current import Current
from engine.compiler.sequences_events import (
    loading,
)
from engine.compiler.sequences_runs import PLACE
from engine.compiler.sequences_starts import StartWriter
from engine.compiler.steps import (
    Negation,
)
from engine.compiler.streams import StreamCompiler
from engine.runtime.keys import as_key
from engine.runtime.runs import NO_KEY, OUT, merged

RUNTIME: Final = {
    "as_key": as_key,
    "OUT": OUT,
    "NO_KEY": NO_KEY,
    "merged": merged,
    "tuple": tuple,
}


def sequence_source(
    stream: StreamCompiler, current: Current, matched: frozenset[str]
) -> None:
    """Write what happens to an event of a type the sequence looks at."""
    _Arrived(stream, current, matched).write()


class _Arrived(StartWriter):
    """Writes one arrival from its beginning to its end."""

    def write(self) -> None:
        """Write everything."""
        stream = self.stream
        if self.layout.sequence.absence or any(
            branch.is_awaiting for branch in self.layout.sequence.branches
        ):
            self.on_due()
        elif self.deadlines.bounds:
            stream.on_due(
                PLACE,
                self.table,
                f"if {self.table}.due <= now: {self.table}.take_due(now)",
            )
        if self.is_lagging:
            self.now = self.names.fresh("v")
            clock = f"{self.clock}.now"
            text = f"{self.row}.ts if {self.row}.ts > {clock} else {clock}"
            self.lines.add(f"{self.now} = {text}")
        if self.forecast is not None:
            self.forecast.arrive()
        self.partition()
        for negation in self.layout.sequence.negations:
            if negation.option.name in self.matched:
                self._negation(negation)
        self.offers()
        self.starts()

    def _negation(self, negation: Negation) -> None:
        option = negation.option
        if not self.layout.indexes[self.layout.lookups[option.slot].index].positions:
            return
        found = self.runs_of(option, self.key(option))
        with self.lines.block(f"for run in {found}:"), loading(self.stream):
            if self.is_lagging:
                self.lines.add(f"if {self.row}.ts > run.d: continue")
            for column in self._finals(negation):
                self.lines.add(f"if run.{column} not in {self.code.final}: continue")
            self.if_fits(
                option,
                self.layout.negated(negation),
                lambda: self.lines.add(f"{self.table}.kill(run)"),
            )

    def _finals(self, negation: Negation) -> list[str]:
        """Return the further positions that tell whether a run waits."""
        if negation is not self.layout.sequence.absence:
            return []
        return [f"p{column}" for column in range(1, self.layout.columns)]

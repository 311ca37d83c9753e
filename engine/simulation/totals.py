"""What a simulation did."""

from dataclasses import dataclass


@dataclass(slots=True)
class Totals:
    """Counts of a simulation; `faults` are errors at run time, `bad` no events."""

    events: int = 0
    outputs: int = 0
    bad: int = 0
    faults: int = 0
    seconds: float = 0.0

    def as_json(self) -> dict[str, int | float]:
        """Return the totals with the rate."""
        rate = self.events / self.seconds if self.seconds else 0.0
        return {
            "events": self.events,
            "outputs": self.outputs,
            "bad": self.bad,
            "faults": self.faults,
            "seconds": round(self.seconds, 3),
            "events_per_second": round(rate),
        }

    def __str__(self) -> str:
        bad = f", {self.bad} bad" if self.bad else ""
        faults = f", {self.faults} faults" if self.faults else ""
        return (
            f"{self.events} events, {self.outputs} outputs{bad}{faults}"
            f" in {self.seconds:.3f} s"
        )

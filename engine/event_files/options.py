"""How event files are to be read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from engine.event_files.errors import EventFileError
from engine.runtime.times import UNITS_NS

Form = Literal["evt", "csv", "jsonl", "json"]
FORMS: Final[tuple[Form, ...]] = ("evt", "csv", "jsonl", "json")
TIME_UNITS: Final = {unit: UNITS_NS[unit] for unit in ("s", "ms", "us", "ns")}

OnBad = Callable[[EventFileError], None]


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read a file of events.

    `form` is None where name and content shall decide. `event_type` is the type of
    events that name none. `time_field` is a field that dates events which have no
    envelope time: ISO 8601 text or a number of `time_unit` since 1970. `start_ns` is
    the instant of the first undated event and of offset 0. `declared` and `types` are
    the program's declared fields and consumed types. `on_bad` takes what is no event;
    without it the first bad event ends the reading.
    """

    form: Form | None = None
    event_type: str | None = None
    time_field: str | None = None
    time_unit: str = "ms"
    start_ns: int = 0
    declared: Mapping[str, Sequence[str]] = field(default_factory=dict)
    types: frozenset[str] = frozenset()
    on_bad: OnBad | None = None

    def bad(self, error: EventFileError) -> None:
        """Hand a bad event to `on_bad`; raises it if nobody takes those."""
        if self.on_bad is None:
            raise error
        self.on_bad(error)

"""What the doctor finds, and in which order it looks."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How much a finding matters: only `must` makes the command fail."""

    OK = "ok"
    ADVICE = "advice"
    MUST = "must"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `remedy` says what to do unless it is fine."""

    level: Level
    subject: str
    text: str
    remedy: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return asdict(self)


Examination = Callable[[], Iterable[Finding]]


def fine(subject: str, text: str) -> Finding:
    """Return that something is as it should be."""
    return Finding(Level.OK, subject, text)


def advice(subject: str, text: str, remedy: str) -> Finding:
    """Return what would be better."""
    return Finding(Level.ADVICE, subject, text, remedy)


def must(subject: str, text: str, remedy: str) -> Finding:
    """Return what has to change."""
    return Finding(Level.MUST, subject, text, remedy)


def diagnose(examinations: Iterable[Examination]) -> Iterator[Finding]:
    """Yield what each examination finds, in order."""
    for examine in examinations:
        yield from examine()

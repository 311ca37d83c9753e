"""What the parts found, kept as files so that one part can be measured again alone."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.finding import Finding

REPORT_FOLDER = Path(__file__).resolve().parent / "report"
_SUFFIX = ".json"


class PartReport(msgspec.Struct, frozen=True):
    """What one part found, and when.

    Attributes:
        started: UTC, ISO 8601 to the minute.
        load: processes that wanted a core, before and after (one-minute averages).
        failure: why the figures do not count; None if they do.
    """

    name: str
    title: str
    started: str
    seconds: float
    load: tuple[float, float]
    findings: list[Finding]
    failure: str | None = None


def save(report: PartReport, folder: Path) -> None:
    """Replace what is kept of this part."""
    parts = folder / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    written = msgspec.json.format(msgspec.json.encode(report))
    (parts / (report.name + _SUFFIX)).write_bytes(written)


def load(names: Sequence[str], folder: Path) -> list[PartReport]:
    """Return what is kept of these parts, in this order.

    Raises msgspec.DecodeError for a file of another version: measure again.
    """
    found = []
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            text = (folder / "parts" / (name + _SUFFIX)).read_bytes()
            found.append(msgspec.json.decode(text, type=PartReport))
    return found

"""Figures of streams as metric families (vpl.md section 19)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from engine import StreamMetrics
from engine.worker.hosted import HostedPipeline

Sample = tuple[Mapping[str, str], float]
Family = tuple[str, str, list[Sample]]

_COUNTS: Final = {
    "late_events": "varpulis_late_events_total",
    "runs_refused": "varpulis_runs_refused_total",
    "runs_expired": "varpulis_runs_expired_total",
    "runs_killed": "varpulis_runs_killed_total",
    "matches": "varpulis_matches_total",
}
_TAKEN: Final = frozenset(("pipeline", "stream", "counter"))
_NO_LABEL: Final = re.compile(r"[^a-zA-Z0-9_]")


def stream_families(pipelines: Iterable[HostedPipeline]) -> Iterator[Family]:
    """Yield what streams count besides events: errors, runs, drops, taps."""
    found = [
        ({"pipeline": hosted.name, "stream": stream}, figures)
        for hosted in pipelines
        for stream, figures in hosted.pipeline.metrics().streams.items()
    ]
    yield _plain("varpulis_pattern_runs", "gauge", "runs_active", found)
    for name, family in _COUNTS.items():
        yield _plain(family, "counter", name, found)
    yield (
        "varpulis_eval_errors_total",
        "counter",
        [
            ({**where, "reason": reason}, count)
            for where, figures in found
            for reason, count in figures.eval_errors.items()
        ],
    )
    yield (
        "varpulis_state_dropped_total",
        "counter",
        [
            ({**where, "kind": kind}, count)
            for where, figures in found
            for kind, count in figures.state_dropped.items()
        ],
    )
    yield (
        "varpulis_stopped_total",
        "counter",
        [
            ({**where, "code": code}, count)
            for where, figures in found
            for code, count in figures.stopped.items()
        ],
    )
    yield "varpulis_tap_total", "counter", list(_taps(found))


def _plain(
    family: str,
    kind: str,
    name: str,
    found: Iterable[tuple[dict[str, str], StreamMetrics]],
) -> Family:
    samples: list[Sample] = [
        (where, figures.counts[name])
        for where, figures in found
        if name in figures.counts
    ]
    return family, kind, samples


def _taps(found: Iterable[tuple[dict[str, str], StreamMetrics]]) -> Iterator[Sample]:
    """Yield the counters of `.tap`; label names are what Prometheus allows."""
    for where, figures in found:
        for (counter, labels), count in figures.taps.items():
            named = {_label(name): value for name, value in labels}
            yield {**named, **where, "counter": counter}, count


def _label(name: str) -> str:
    plain = _NO_LABEL.sub("_", name)
    if plain in _TAKEN or not plain or plain[0].isdigit():
        return f"tap_{plain}"
    return plain

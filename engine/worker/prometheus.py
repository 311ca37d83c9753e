"""Figures of a worker in Prometheus' text form (api.md section 9)."""

from collections.abc import Iterable, Iterator, Mapping

from engine.worker.hosted import HostedPipeline
from engine.worker.latency import BOUNDS_S, LatencyHistogram
from engine.worker.services import Services
from engine.worker.stream_families import Sample, stream_families

EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8"

OTHER = "other"
COUNTERS = {"in": ("received", "rejected"), "out": ("retries", "dead_letters")}


def exposition(services: Services) -> str:
    """Return all metric families of this worker."""
    pipelines = services.host.all()
    families = [
        *_process_families(services),
        *_pipeline_families(pipelines),
        *stream_families(pipelines),
        *_connector_families(pipelines),
    ]
    lines = [
        line
        for name, kind, samples in families
        for line in _family(name, kind, samples)
    ]
    calls = [(hosted.name, hosted.latency) for hosted in pipelines]
    kept = [(hosted.name, hosted.checkpoint_time) for hosted in pipelines]
    lines += _histogram("varpulis_processing_latency_seconds", calls)
    lines += _histogram("varpulis_checkpoint_duration_seconds", kept)
    return "\n".join([*lines, ""])


def _process_families(
    services: Services,
) -> Iterator[tuple[str, str, list[Sample]]]:
    version = {"version": services.identity.version}
    totals = services.host.totals()
    registered = bool(services.link and services.link.is_registered)
    yield "varpulis_build_info", "gauge", [(version, 1)]
    yield "varpulis_pipelines", "gauge", [({"status": "running"}, totals.pipelines)]
    yield "varpulis_active_streams", "gauge", [({}, totals.streams)]
    yield "varpulis_coordinator_connected", "gauge", [({}, registered)]


def _pipeline_families(
    pipelines: Iterable[HostedPipeline],
) -> Iterator[tuple[str, str, list[Sample]]]:
    processed: list[Sample] = []
    outputs: list[Sample] = []
    handed: list[Sample] = []
    sent: list[Sample] = []
    errors: list[Sample] = []
    depth: list[Sample] = []
    limit: list[Sample] = []
    lost: list[Sample] = []
    mismatches: list[Sample] = []
    kept: list[Sample] = []
    for hosted in pipelines:
        label = {"pipeline": hosted.name}
        metrics = hosted.pipeline.metrics()
        for stream, figures in metrics.streams.items():
            where = {**label, "stream": stream}
            processed.append((where, figures.events_in))
            made = hosted.output_types.get(stream, frozenset())
            # A stream counts all its outputs together: several types share one line.
            kind = next(iter(made)) if len(made) == 1 else OTHER
            outputs.append(({**where, "event_type": kind}, figures.outputs))
            handed.append((where, figures.events_out))
            sent.append((where, figures.sink_sent))
        errors += [({**label, "kind": k}, n) for k, n in metrics.errors.items()]
        depth.append((label, hosted.queue_depth))
        limit.append((label, hosted.queue_limit))
        lost.append((label, metrics.unrouted))
        mismatches.append((label, metrics.type_mismatches))
        if hosted.checkpoint:
            kept.append((label, hosted.checkpoint.bytes))
    yield "varpulis_events_processed_total", "counter", processed
    yield "varpulis_output_events_total", "counter", outputs
    yield "varpulis_stream_events_out_total", "counter", handed
    yield "varpulis_sink_sent_total", "counter", sent
    yield "varpulis_errors_total", "counter", errors
    yield "varpulis_pipeline_queue_depth", "gauge", depth
    yield "varpulis_pipeline_queue_limit", "gauge", limit
    yield "varpulis_unrouted_events_total", "counter", lost
    yield "varpulis_type_mismatches_total", "counter", mismatches
    yield "varpulis_checkpoint_bytes", "gauge", kept


def _connector_families(
    pipelines: Iterable[HostedPipeline],
) -> Iterator[tuple[str, str, list[Sample]]]:
    uses = [(hosted.name, use) for hosted in pipelines for use in hosted.connectors()]
    labelled = [
        (
            {"pipeline": name, "connector": use.spec.name, "direction": use.direction},
            use,
        )
        for name, use in uses
    ]
    yield (
        "varpulis_connector_connected",
        "gauge",
        [(label, use.connected) for label, use in labelled],
    )
    yield (
        "varpulis_connector_messages_total",
        "counter",
        [(label, use.messages) for label, use in labelled],
    )
    for direction, names in COUNTERS.items():
        for name in names:
            samples: list[Sample] = [
                ({k: v for k, v in label.items() if k != "direction"}, use.count(name))
                for label, use in labelled
                if use.direction == direction
            ]
            where = "source" if direction == "in" else "sink"
            yield f"varpulis_{where}_{name}_total", "counter", samples


def _histogram(
    name: str, found: Iterable[tuple[str, LatencyHistogram]]
) -> Iterator[str]:
    """Yield a family of the times of pipelines, by their name."""
    yield f"# TYPE {name} histogram"
    bounds = (*map(str, BOUNDS_S), "+Inf")
    for pipeline, (counts, total_s) in _by_name(found).items():
        label = {"pipeline": pipeline}
        reached = 0
        for bound, count in zip(bounds, counts, strict=True):
            reached += count
            yield f"{name}_bucket{_labels({**label, 'le': bound})} {reached}"
        yield f"{name}_sum{_labels(label)} {total_s:.6f}"
        yield f"{name}_count{_labels(label)} {reached}"


def _by_name(
    found: Iterable[tuple[str, LatencyHistogram]],
) -> dict[str, tuple[list[int], float]]:
    """Return counts and seconds by pipeline; those of one name are added up."""
    summed: dict[str, tuple[list[int], float]] = {}
    for name, times in found:
        counts, total_s = summed.get(name, ([0] * len(times.counts), 0.0))
        added = [
            before + more for before, more in zip(counts, times.counts, strict=True)
        ]
        summed[name] = added, total_s + times.total_s
    return summed


def _family(name: str, kind: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# TYPE {name} {kind}"
    # Two pipelines of one name share their labels; Prometheus wants one line then.
    summed: dict[str, float] = {}
    for labels, value in samples:
        text = _labels(labels)
        summed[text] = summed.get(text, 0) + float(value)
    for text, value in summed.items():
        yield f"{name}{text} {value:.15g}"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    inner = ",".join(f'{name}="{_escape(value)}"' for name, value in labels.items())
    return f"{{{inner}}}"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

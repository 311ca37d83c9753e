"""What this process counts and times as it goes along."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# seconds (api.md section 9)
LATENCIES = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
    10.0,
)  # fmt: skip
ACCEPTED, FAILED = "accepted", "failed"  # what became of injected events
OPERATIONS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Series:
    """The counters and histograms of one process, each under its documented name."""

    def __init__(self) -> None:
        """Make them in a registry of their own, all at zero."""
        self.registry = CollectorRegistry()
        cluster = "varpulis_cluster_"
        self.inject_events = self._counter(
            f"{cluster}inject_events", "Events injected.", "group", "result"
        )
        self.inject_duration = self._histogram(
            f"{cluster}inject_duration_seconds", "Time of an inject.", "group"
        )
        self.deploys = self._counter(
            f"{cluster}deploys", "Group deploys that ended.", "result"
        )
        self.deploy_duration = self._histogram(
            f"{cluster}deploy_duration_seconds",
            "Time of a group deploy.",
            "result",
            buckets=OPERATIONS,
        )
        self.worker_calls = self._histogram(
            f"{cluster}worker_call_duration_seconds",
            "Time of a call to a worker.",
            "call",
            "result",
        )
        self.failovers = self._counter(
            f"{cluster}failovers", "Placements moved off a dead worker.", "result"
        )
        self.sweep_duration = self._histogram(
            f"{cluster}sweep_duration_seconds", "Time of a look at the whole cluster."
        )
        self.ws_clients = self._gauge(
            f"{cluster}ws_clients", "Connected live clients.", "socket"
        )
        self.ws_dropped = self._counter(
            f"{cluster}ws_dropped", "Live clients dropped for being slow.", "socket"
        )
        self.http_requests = self._counter(
            "varpulis_http_requests", "Answered requests.", "route", "method", "status"
        )
        self.http_duration = self._histogram(
            "varpulis_http_request_duration_seconds",
            "Time of a request.",
            "route",
            "method",
        )
        self._injected: dict[tuple[str, str], tuple[Counter, Histogram]] = {}

    def injected(
        self, group: str, result: str, events: int, took_s: float | None
    ) -> None:
        """Count events of one inject or batch of a group; called for every event."""
        try:
            count, times = self._injected[group, result]
        except KeyError:
            count = self.inject_events.labels(group, result)
            times = self.inject_duration.labels(group)
            self._injected[group, result] = count, times
        count.inc(events)
        if took_s is not None:
            times.observe(took_s)

    @contextmanager
    def deploying(self) -> Iterator[None]:
        """Count a deploy and its time by how it ends."""
        started, result = time.perf_counter(), "failed"
        try:
            yield
            result = "ok"
        finally:
            took_s = time.perf_counter() - started
            self.deploys.labels(result).inc()
            self.deploy_duration.labels(result).observe(took_s)

    @contextmanager
    def calling(self, call: str) -> Iterator[None]:
        """Time a call to a worker by how it ends."""
        started, result = time.perf_counter(), "failed"
        try:
            yield
            result = "ok"
        finally:
            took_s = time.perf_counter() - started
            self.worker_calls.labels(call, result).observe(took_s)

    def answered(self, route: str, method: str, status: int, took_s: float) -> None:
        """Count a request and its time."""
        self.http_requests.labels(route, method, status).inc()
        self.http_duration.labels(route, method).observe(took_s)

    def keep_groups(self, names: Iterable[str]) -> None:
        """Forget the series of groups that are none any more."""
        known = frozenset(names)
        for group, result in [key for key in self._injected if key[0] not in known]:
            del self._injected[group, result]
            self.inject_events.remove(group, result)
            if not any(other == group for other, _ in self._injected):
                self.inject_duration.remove(group)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(
        self,
        name: str,
        text: str,
        *labels: str,
        buckets: tuple[float, ...] = LATENCIES,
    ) -> Histogram:
        return Histogram(name, text, labels, registry=self.registry, buckets=buckets)


SERIES = Series()

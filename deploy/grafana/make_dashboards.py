"""Writes the dashboards beside it: `python deploy/grafana/make_dashboards.py`.

Grafana's own format repeats each panel's geometry and options; here a panel is a title,
a unit and its queries. A test holds the files to what this makes of them.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("dashboards")
SOURCE = {"type": "prometheus", "uid": "varpulis-prometheus"}
COLUMNS = 24


@dataclass(frozen=True)
class Panel:
    """One plot: queries by legend; `unit` is Grafana's name of one."""

    title: str
    queries: dict[str, str]
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 8
    options: dict[str, Any] = field(default_factory=dict)

    def to_json(self, number: int, x: int, y: int) -> dict[str, Any]:
        """Return the panel at its place."""
        height = 4 if self.kind == "stat" else 8
        targets = [
            {"datasource": SOURCE, "expr": query, "legendFormat": legend, "refId": ref}
            for ref, (legend, query) in zip(
                "ABCDEF", self.queries.items(), strict=False
            )
        ]
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "datasource": SOURCE,
            "gridPos": {"h": height, "w": self.width, "x": x, "y": y},
            "fieldConfig": {"defaults": {"unit": self.unit, "min": 0}, "overrides": []},
            "options": self.options,
            "targets": targets,
        }


def rate(metric: str, by: str) -> str:
    """Return the query of a counter's rate."""
    return f"sum by ({by}) (rate({metric}[$__rate_interval]))"


def quantile(share: float, metric: str, by: str = "le") -> str:
    """Return the query of a histogram's quantile."""
    return (
        f"histogram_quantile({share}, "
        f"sum by ({by}) (rate({metric}_bucket[$__rate_interval])))"
    )


C = "varpulis_cluster_"
CLUSTER = [
    Panel("Workers", {"{{status}}": f"{C}workers"}, kind="stat", width=8),
    Panel("Groups", {"{{status}}": f"{C}pipeline_groups"}, kind="stat", width=8),
    Panel("Placements", {"{{status}}": f"{C}placements"}, kind="stat", width=8),
    Panel("Injected events", {"{{group}} {{result}}": rate(f"{C}inject_events_total", "group, result")}, "eps"),
    Panel("Time of an inject, p99", {"{{group}}": quantile(0.99, f"{C}inject_duration_seconds", "le, group")}, "s"),
    Panel("Requests", {"{{status}}": rate("varpulis_http_requests_total", "status")}, "reqps"),
    Panel("Age of the last heartbeat", {"{{worker}}": f"{C}worker_heartbeat_age_seconds"}, "s"),
    Panel("Pipelines per worker", {"{{worker}}": f"{C}worker_pipelines"}),
    Panel("Room left", {"pipelines": f"sum({C}worker_capacity) - sum({C}worker_pipelines)"}),
    Panel("Calls to workers, p99", {"{{call}}": quantile(0.99, f"{C}worker_call_duration_seconds", "le, call")}, "s"),
    Panel("Sweep", {"p99": quantile(0.99, f"{C}sweep_duration_seconds"), "age": f"{C}sweep_age_seconds"}, "s"),
    Panel("Deploys", {"{{result}}": rate(f"{C}deploys_total", "result")}, "ops"),
    Panel("Failovers", {"{{result}}": rate(f"{C}failovers_total", "result")}, "ops"),
    Panel("Live clients", {"{{socket}}": f"{C}ws_clients"}),
    Panel("CPU of the coordinator", {"cores": 'rate(process_cpu_seconds_total{job="varpulis-coordinator"}[$__rate_interval])'}),
]  # fmt: skip
W = "varpulis_"
PIPELINES = [
    Panel("Pipelines", {"running": f"sum({W}pipelines)"}, kind="stat", width=6),
    Panel("Streams", {"active": f"sum({W}active_streams)"}, kind="stat", width=6),
    Panel("Connected to the coordinator", {"workers": f"sum({W}coordinator_connected)"}, kind="stat", width=6),
    Panel("Connectors down", {"connectors": f"count({W}connector_connected == 0) or vector(0)"}, kind="stat", width=6),
    Panel("Events", {"{{pipeline}} {{stream}}": rate(f"{W}events_processed_total", "pipeline, stream")}, "eps"),
    Panel("Output events", {"{{pipeline}} {{stream}}": rate(f"{W}output_events_total", "pipeline, stream")}, "eps"),
    Panel("Errors", {"{{pipeline}} {{kind}}": rate(f"{W}errors_total", "pipeline, kind")}, "eps"),
    Panel("Time of a call, p99", {"{{pipeline}}": quantile(0.99, f"{W}processing_latency_seconds", "le, pipeline")}, "s"),
    Panel("Queue", {"{{pipeline}}": f"{W}pipeline_queue_depth / {W}pipeline_queue_limit"}, "percentunit"),
    Panel("Nobody consumed", {"{{pipeline}}": rate(f"{W}unrouted_events_total", "pipeline")}, "eps"),
    Panel("Connector messages", {"{{connector}} {{direction}}": rate(f"{W}connector_messages_total", "connector, direction")}, "eps"),
    Panel("Sent to sinks", {"{{pipeline}} {{stream}}": rate(f"{W}sink_sent_total", "pipeline, stream")}, "eps"),
    Panel("Checkpoint size", {"{{pipeline}}": f"{W}checkpoint_bytes"}, "bytes"),
]  # fmt: skip
DASHBOARDS = {
    "cluster": ("Varpulis cluster", CLUSTER),
    "pipelines": ("Varpulis pipelines", PIPELINES),
}


def dashboard(name: str) -> str:
    """Return a dashboard as the text of its file."""
    title, panels = DASHBOARDS[name]
    placed, x, y, row = [], 0, 0, 0
    for number, panel in enumerate(panels, 1):
        if x + panel.width > COLUMNS:
            x, y = 0, y + row
        shown = panel.to_json(number, x, y)
        placed.append(shown)
        row = shown["gridPos"]["h"]
        x += panel.width
    body = {
        "uid": f"varpulis-{name}",
        "title": title,
        "tags": ["varpulis"],
        "schemaVersion": 41,
        "version": 1,
        "editable": False,
        "refresh": "10s",
        "time": {"from": "now-30m", "to": "now"},
        "timezone": "browser",
        "panels": placed,
    }
    return json.dumps(body, indent=2) + "\n"


if __name__ == "__main__":
    for known in DASHBOARDS:
        (FOLDER / f"{known}.json").write_text(dashboard(known), encoding="utf-8")

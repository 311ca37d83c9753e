"""The messages of `/ws/topology/`, typed as they go over the wire."""

from typing import Any, Literal, NotRequired, TypedDict

Kind = Literal["worker", "group", "placement", "link"]


class WorkerNode(TypedDict):
    """A worker; `heartbeat_age_seconds` is as of the moment of sending."""

    id: str
    address: str
    status: str
    status_reason: str | None
    reachable: bool
    cordoned: bool
    pipelines_running: int
    max_pipelines: int
    cpu_cores: float
    version: str
    labels: dict[str, str]
    pipeline_groups: list[str]
    heartbeat_age_seconds: NotRequired[float]


class RouteItem(TypedDict):
    """A route as in the spec of its group."""

    from_pipeline: str
    to_pipeline: str
    event_types: list[str]


class PipelineItem(TypedDict):
    """A pipeline and where it is."""

    name: str
    worker_id: str | None
    worker_address: str | None


class GroupNode(TypedDict):
    """A group as in `GET topology`, with its status."""

    group_id: str
    group_name: str
    status: str
    pipelines: list[PipelineItem]
    routes: list[RouteItem]


class PlacementNode(TypedDict):
    """One pipeline of a group; the id is `<group>/<pipeline>` with `#replica`."""

    id: str
    group_id: str
    pipeline_name: str
    pipeline_id: str
    worker_id: str | None
    status: str
    generation: int
    reason: str
    error: str | None


class LinkNode(TypedDict):
    """A way events take; `default` is the way taken when a group has no routes."""

    id: str
    group_id: str
    to: str
    source_worker: str | None
    target_worker: str | None
    transport: str
    event_types: list[str]
    default: bool


# `from` is a word of Python, so this member is added in the functional form.
LinkFrom = TypedDict("LinkFrom", {"from": str})


class FullLinkNode(LinkNode, LinkFrom):
    """A link with both ends."""


class Topology(TypedDict):
    """Everything that is drawn."""

    groups: list[GroupNode]
    workers: list[WorkerNode]
    placements: list[PlacementNode]
    links: list[FullLinkNode]


class Summary(TypedDict):
    """The figures at the head of the page."""

    workers_ready: int
    workers_total: int
    groups_running: int
    groups_total: int
    pipelines_running: int
    pipelines_total: int
    events_per_second: float


class Change(TypedDict):
    """One change: `set` has the members that changed, or all of a new entry."""

    op: Literal["set", "remove"]
    kind: Kind
    id: str
    value: NotRequired[dict[str, Any]]


class SnapshotMessage(TypedDict):
    """All there is, at one version."""

    type: Literal["snapshot"]
    version: int
    at: str
    topology: Topology
    summary: Summary


class DeltaMessage(TypedDict):
    """Changes that lead from the version before to this one."""

    type: Literal["delta"]
    version: int
    changes: list[Change]
    summary: Summary


class WorkerRates(TypedDict):
    """Events per second of a worker, its load, and seconds since its report."""

    out: float
    cpu: float | None
    memory: int | None
    pipelines: int
    age: float


WorkerIn = TypedDict("WorkerIn", {"in": float})


class FullWorkerRates(WorkerRates, WorkerIn):
    """Rates of a worker in both directions."""


class LinkRates(TypedDict):
    """Events per second over a link, and what waits at its end."""

    rate: float
    queue: int


class RatesMessage(TypedDict):
    """Figures that changed since the last message of this type."""

    type: Literal["rates"]
    version: int
    events_per_second: float
    workers: dict[str, FullWorkerRates]
    links: dict[str, LinkRates]


class EventMessage(TypedDict):
    """An entry of the cluster history (api.md 5.11)."""

    type: Literal["event"]
    event: dict[str, Any]


class HeartbeatMessage(TypedDict):
    """A sign of life of the coordinator."""

    type: Literal["heartbeat"]
    at: str
    sweep_age_seconds: float | None


class ErrorMessage(TypedDict):
    """The client sent something that cannot be meant."""

    type: Literal["error"]
    code: str
    error: str


ServerMessage = (
    SnapshotMessage
    | DeltaMessage
    | RatesMessage
    | EventMessage
    | HeartbeatMessage
    | ErrorMessage
)

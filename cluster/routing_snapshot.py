"""What the hot path needs of the database, frozen at one topology version.

A snapshot is built by `cluster.routing_reader.RoutingReader` and never changed;
who holds one replaces it when `cluster.services.notify` tells of a newer version.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from cluster.event_routing import RouteRule
from cluster.state import GroupStatus, PlacementStatus, WorkerStatus


@dataclass(frozen=True, slots=True)
class RoutedPlacement:
    """Where one pipeline of a group answers.

    `worker_id` and `address` are None for a placement without a worker. `pinned_host`
    is the IP address resolved at registration: connect there, with the host of
    `address` in the Host header and in TLS. `api_key` is the worker's key in clear.
    """

    pipeline_name: str
    worker_id: str | None
    address: str | None
    pinned_host: str
    api_key: str = field(repr=False)
    pipeline_id: str
    generation: int
    status: PlacementStatus
    worker_status: WorkerStatus | None
    reachable: bool


@dataclass(frozen=True, slots=True)
class RoutedGroup:
    """One standing group with its routes and placements, in the order of the spec."""

    id: UUID
    name: str
    status: GroupStatus
    default_route: str
    routes: tuple[RouteRule, ...]
    placements: Mapping[str, RoutedPlacement]

    @property
    def pipelines(self) -> tuple[str, ...]:
        """Return the pipeline names in the order of the spec."""
        return tuple(self.placements)


@dataclass(frozen=True, slots=True)
class KnownWorker:
    """What is needed to check and to judge a heartbeat without the database.

    `key_hash` is checked with `cluster.secrets.matches_hash`. An empty `instance_id`
    means that the worker did not tell one. `deregistered` workers are listed too.
    `pipelines` are the ids of those placed on it, each with what is wanted of it: as
    long as they stay equal, a report that said nothing new still says nothing new.
    """

    id: str
    key_hash: str = field(repr=False)
    instance_id: str
    status: WorkerStatus
    deregistered: bool
    keeps_pipelines: bool
    pipelines: Mapping[str, tuple[int, PlacementStatus]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RoutingSnapshot:
    """Groups and workers at one version of the topology.

    `torn_down` are ids of groups that once stood, so that their calls are answered
    `group_torn_down`. `group_ids_by_name` has every standing group; a name with more
    than one id is ambiguous (409 `ambiguous_name`).
    """

    cluster_id: str
    version: int
    groups: Mapping[UUID, RoutedGroup]
    group_ids_by_name: Mapping[str, tuple[UUID, ...]]
    torn_down: frozenset[UUID]
    workers: Mapping[str, KnownWorker]

    def is_ambiguous(self, name: str) -> bool:
        """Tell whether more than one standing group bears the name."""
        return len(self.group_ids_by_name.get(name, ())) > 1

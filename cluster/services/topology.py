"""The identity of the cluster and the version of its topology."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import F

from cluster.models import ClusterState
from cluster.models.topology import THE_ROW
from cluster.services.notify import TopologyChanged, publish_on_commit


def load_cluster_state() -> ClusterState:
    """Return the one row, made on first use."""
    state, _ = ClusterState.objects.get_or_create(pk=THE_ROW)
    return state


class ClusterVersion(NamedTuple):
    """Which cluster this is, and the version its topology has now."""

    cluster_id: UUID
    version: int


def load_version() -> ClusterVersion:
    """Return which cluster this is, and at what version."""
    row = ClusterState.objects.filter(pk=THE_ROW).values_list("cluster_id", "version")
    found = row.first()
    if found is None:
        state = load_cluster_state()
        found = state.cluster_id, state.version
    return ClusterVersion(*found)


def bump_version(
    *, worker_ids: Iterable[str] = (), group_ids: Iterable[UUID] = ()
) -> ClusterVersion:
    """Count one change of the topology and tell listeners once it is committed.

    Called in the transaction of the change, so that whoever reads the new version
    reads the change with it.
    """
    row = ClusterState.objects.filter(pk=THE_ROW)
    if not row.update(version=F("version") + 1):
        load_cluster_state()
    now = ClusterVersion(*row.values_list("cluster_id", "version").get())
    publish_on_commit(
        TopologyChanged(now.version, frozenset(worker_ids), frozenset(group_ids))
    )
    return now


def mark_coordinator_started(*, now: datetime) -> ClusterState:
    """Note that the coordinator came up: silence counts from here at the earliest."""
    state = load_cluster_state()
    state.started_at = now
    state.save(update_fields=["started_at"])
    return state

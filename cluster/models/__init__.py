"""Rows of the coordinator: what should run, and what workers report."""

from cluster.models.api_key import ApiKey
from cluster.models.audit import AuditEntry
from cluster.models.event import ClusterEvent
from cluster.models.group import PipelineGroup, Revision
from cluster.models.placement import Placement, Route
from cluster.models.topology import ClusterState
from cluster.models.worker import Worker

__all__ = [
    "ApiKey",
    "AuditEntry",
    "ClusterEvent",
    "ClusterState",
    "PipelineGroup",
    "Placement",
    "Revision",
    "Route",
    "Worker",
]

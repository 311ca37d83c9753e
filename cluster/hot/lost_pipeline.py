"""A worker does not know the pipeline it should run: start it again at once.

The next heartbeat would find it too; who waits for an answer cannot wait for that.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from cluster.models import Placement
from cluster.routing_snapshot import RoutedPlacement
from cluster.services.background import dispatch_on_commit
from cluster.services.events import WARNING, record_event
from cluster.services.placements import claim_placement
from cluster.services.topology import bump_version
from cluster.state import PlacementStatus

REASON = "unknown to its worker, deployed again"


def deploy_lost_pipeline(
    *, group_id: UUID, lost: RoutedPlacement, now: datetime
) -> bool:
    """Claim the placement and hand its deploy to the background.

    False if it is not running any more under the generation that was called, which
    means that somebody else is already at it.
    """
    with transaction.atomic():
        place = Placement.objects.filter(
            group_id=group_id,
            pipeline_name=lost.pipeline_name,
            pipeline_id=lost.pipeline_id,
            generation=lost.generation,
            status=PlacementStatus.RUNNING.value,
        ).first()
        worker_id = lost.worker_id or ""
        if place is None or not claim_placement(
            place, worker_id=worker_id, reason=REASON, now=now
        ):
            return False
        record_event(
            event_type="pipeline.restarted",
            severity=WARNING,
            worker_id=worker_id,
            group_id=group_id,
            message=f"pipeline '{lost.pipeline_name}' was {REASON}",
            now=now,
        )
        bump_version(worker_ids=[worker_id], group_ids=[group_id])
        dispatch_on_commit([place.pk])
    return True

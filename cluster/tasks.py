"""Work for Celery: each task calls one service. Without a broker none of it is used."""

from celery import shared_task
from django.utils import timezone

from cluster.services.background import PlacementIds
from cluster.services.first_deploys import deploy_again
from cluster.services.sweep import run_sweep


@shared_task(name="cluster.tasks.sweep", ignore_result=True)
def sweep() -> None:
    """Look at the whole cluster; beat sends this at the sweep interval."""
    run_sweep(timezone.now())


@shared_task(name="cluster.tasks.deploy_placements", ignore_result=True)
def deploy_placements(placement_ids: list[int]) -> None:
    """Deploy claimed placements; ids whose claim was lost are passed over."""
    deploy_again(placement_ids=placement_ids)


def dispatch_deploys(placement_ids: PlacementIds) -> None:
    """Hand deploys to Celery: the dispatcher of processes that have a broker."""
    deploy_placements.delay(list(placement_ids))

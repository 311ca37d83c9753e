"""Work for Celery: each task calls one service. Without a broker none of it is used."""

import logging

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from cluster.services.background import Dispatcher, PlacementIds
from cluster.services.first_deploys import deploy_again
from cluster.services.sweep import run_sweep

logger = logging.getLogger("varpulis_cluster")


@shared_task(name="cluster.tasks.sweep", ignore_result=True)
def sweep() -> None:
    """Look at the whole cluster; beat sends this at the sweep interval."""
    run_sweep(timezone.now())


@shared_task(name="cluster.tasks.deploy_placements", ignore_result=True)
def deploy_placements(placement_ids: list[int]) -> None:
    """Deploy claimed placements; ids whose claim was lost are passed over."""
    deploy_again(placement_ids=placement_ids)


def celery_dispatcher(otherwise: Dispatcher) -> Dispatcher:
    """Return a dispatcher that hands deploys to Celery, else to `otherwise`."""

    def dispatch(placement_ids: PlacementIds) -> None:
        try:
            deploy_placements.apply_async((list(placement_ids),), retry=False)
        except OperationalError as error:
            logger.warning("The broker is away, deploying here: %s", error)
            otherwise(placement_ids)

    return dispatch

"""Decide once per process who deploys in the background."""

from cluster import conf
from cluster.services.background import PlacementIds, thread_dispatcher, use_dispatcher
from cluster.services.first_deploys import deploy_again


def choose_dispatcher() -> None:
    """Use Celery if a broker is set and there, else threads of this process."""
    threads = thread_dispatcher(_deploy)
    if conf.current().broker:
        # Celery costs 80 ms and 15 MB, which a process without a broker need not pay
        from cluster.tasks import celery_dispatcher

        use_dispatcher(celery_dispatcher(threads))
    else:
        use_dispatcher(threads)


def _deploy(placement_ids: PlacementIds) -> None:
    deploy_again(placement_ids=placement_ids)

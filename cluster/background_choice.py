"""Decide once per process who deploys in the background."""

from cluster import conf
from cluster.services.background import PlacementIds, thread_dispatcher, use_dispatcher
from cluster.services.first_deploys import deploy_again


def choose_dispatcher() -> None:
    """Use Celery if a broker is set, else threads of this process."""
    if conf.current().broker:
        # Celery costs 80 ms and 15 MB, which a process without a broker need not pay
        from cluster.tasks import dispatch_deploys

        use_dispatcher(dispatch_deploys)
    else:
        use_dispatcher(thread_dispatcher(_deploy))


def _deploy(placement_ids: PlacementIds) -> None:
    deploy_again(placement_ids=placement_ids)

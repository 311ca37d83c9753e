"""From a row of the registry to what a call needs."""

from cluster.models import Worker
from cluster.secrets import decrypt_key
from cluster.worker_client import WorkerTarget


def target_of(worker: Worker) -> WorkerTarget:
    """Return where and with what key the worker is called."""
    return WorkerTarget(
        worker_id=worker.id,
        address=worker.address,
        pinned_host=worker.pinned_host,
        api_key=decrypt_key(worker.api_key_encrypted),
    )

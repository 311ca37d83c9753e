"""From a row of the registry to what a call needs."""

from cluster.models import Worker
from cluster.secrets import UndecryptableKeyError, decrypt_key
from cluster.worker_client import WorkerTarget


def target_of(worker: Worker) -> WorkerTarget:
    """Return where and with what key the worker is called.

    Without a key if SECRET_KEY changed: the worker refuses the call, which is told as
    any refusal is, and sends its key again when its next report is refused.
    """
    return WorkerTarget(
        worker_id=worker.id,
        address=worker.address,
        pinned_host=worker.pinned_host,
        api_key=clear_key(worker.api_key_encrypted),
    )


def clear_key(api_key_encrypted: str) -> str:
    """Return a worker's key in clear, empty if it cannot be read any more."""
    try:
        return decrypt_key(api_key_encrypted)
    except UndecryptableKeyError:
        return ""

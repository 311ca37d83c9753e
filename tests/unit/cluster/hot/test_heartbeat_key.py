"""Whose key may report for a worker (api.md 2 and 6.3)."""

from typing import Any

import pytest

from cluster.exceptions import BadWorkerKeyError, ClusterError, MissingKeyError
from cluster.hot.heartbeat import check_worker_key
from cluster.routing_snapshot import KnownWorker
from cluster.secrets import hash_key
from cluster.state import WorkerStatus


@pytest.fixture(autouse=True)
def with_key(settings: Any) -> None:
    settings.VARPULIS = settings.VARPULIS | {"API_KEY": "admin-key"}


def worker(*, deregistered: bool = False) -> KnownWorker:
    key_hash = hash_key("own")
    return KnownWorker("w", key_hash, "", WorkerStatus.READY, deregistered, False)


@pytest.mark.parametrize("key", ["own", "admin-key"])
def test_its_own_key_and_that_of_the_coordinator_may(key: str) -> None:
    check_worker_key(key, worker(), "POST")


def test_another_key_may_not() -> None:
    with pytest.raises(BadWorkerKeyError):
        check_worker_key("other", worker(), "POST")


@pytest.mark.parametrize("known", [worker(), worker(deregistered=True), None])
def test_no_key_at_all_is_missing_whoever_is_meant(known: KnownWorker | None) -> None:
    with pytest.raises(MissingKeyError):
        check_worker_key("", known, "POST")


@pytest.mark.parametrize("known", [worker(deregistered=True), None])
def test_a_worker_nobody_knows_is_told_so_with_any_key(
    known: KnownWorker | None,
) -> None:
    check_worker_key("whatever", known, "POST")


def test_without_a_coordinator_key_everybody_may(settings: Any) -> None:
    settings.VARPULIS = settings.VARPULIS | {"API_KEY": ""}
    check_worker_key("", worker(), "POST")


def test_errors_never_show_a_key() -> None:
    with pytest.raises(ClusterError) as caught:
        check_worker_key("s3cret", worker(), "POST")
    assert "s3cret" not in str(caught.value.to_json())

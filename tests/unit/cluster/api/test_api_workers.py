"""GET and DELETE of workers (api.md 4.2, 5.3)."""

from typing import Any

import pytest

from cluster.models import Worker
from cluster.services.groups import deploy_group
from cluster.testing import FakeWorkers, ManualClock, make_spec

pytestmark = pytest.mark.django_db

TUTORIAL = {
    "id": "worker-0",
    "address": "http://127.0.0.1:9000",
    "status": "ready",
    "pipelines_running": 0,
    "max_pipelines": 100,
    "assigned_pipelines": [],
}


def test_there_is_nobody_at_first(api: Any) -> None:
    body = api.get("workers").json()
    assert (body["workers"], body["total"]) == ([], 0)


def test_a_worker_is_shown_as_in_the_tutorial(api: Any, join: Any) -> None:
    join("worker-0")
    (shown,) = api.get("workers").json()["workers"]
    assert dict(list(shown.items())[:6]) == TUTORIAL
    assert api.get("workers/worker-0").json().keys() == shown.keys()


def test_what_runs_on_a_worker_is_listed(
    api: Any, join: Any, workers: FakeWorkers, clock: ManualClock
) -> None:
    join("worker-0")
    deploy_group(spec=make_spec(pipelines=["b", "a"]), requested_by="test", clock=clock)
    shown = api.get("workers/worker-0").json()
    assert shown["assigned_pipelines"] == ["b", "a"]
    assert shown["pipelines_running"] == 2


def test_no_answer_shows_a_key(api: Any, join: Any) -> None:
    join("worker-0", api_key="s3cret-key")
    worker = Worker.objects.get()
    for path in ("workers", "workers/worker-0", "topology", "events"):
        text = api.get(path).content.decode()
        assert "s3cret-key" not in text
        assert worker.api_key_hash not in text
        assert worker.api_key_encrypted not in text


def test_the_list_is_in_natural_order(api: Any, join: Any) -> None:
    for number in (10, 2, 1):
        join(f"worker-{number}", port=9000 + number)
    ids = [item["id"] for item in api.get("workers").json()["workers"]]
    assert ids == ["worker-1", "worker-2", "worker-10"]


def test_the_list_comes_in_pages(api: Any, join: Any) -> None:
    for number in range(3):
        join(f"w{number}", port=9000 + number)
    body = api.get("workers?limit=2&offset=1").json()
    assert [item["id"] for item in body["workers"]] == ["w1", "w2"]
    assert body["total"] == 3
    assert body["pagination"] == {
        "total": 3,
        "limit": 2,
        "offset": 1,
        "has_more": False,
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=ready", ["b"]),
        ("status=unhealthy", ["a"]),
        ("label=zone:north", ["a"]),
        ("label=zone", ["a", "b"]),
        ("label=zone:west", []),
        ("q=9001", ["b"]),
        ("q=A", ["a"]),
    ],
)
def test_the_list_can_be_narrowed(
    api: Any, join: Any, query: str, found: list[str]
) -> None:
    join("a", port=9000, labels={"zone": "north"})
    join("b", port=9001, labels={"zone": "south"})
    Worker.objects.filter(pk="a").update(status="unhealthy")
    shown = api.get(f"workers?{query}").json()["workers"]
    assert [item["id"] for item in shown] == found


def test_an_unknown_status_is_400(api: Any, assert_error: Any) -> None:
    assert_error(api.get("workers?status=asleep"), 400, "bad_request")


def test_listing_takes_the_same_queries_for_many(
    api: Any, join: Any, workers: FakeWorkers, django_assert_num_queries: Any
) -> None:
    for number in range(2):
        join(f"w{number}", port=9000 + number)
    with django_assert_num_queries(2):
        api.get("workers")
    for number in range(2, 9):
        join(f"w{number}", port=9000 + number)
    with django_assert_num_queries(2):
        api.get("workers")


@pytest.mark.parametrize("worker_id", ["ghost", "-odd id-"])
def test_an_unknown_worker_is_404(api: Any, assert_error: Any, worker_id: str) -> None:
    assert_error(api.get(f"workers/{worker_id}"), 404, "worker_not_found")
    assert_error(api.delete(f"workers/{worker_id}"), 404, "worker_not_found")


def test_deleting_answers_exactly_and_once(
    api: Any, join: Any, assert_error: Any
) -> None:
    join("w")
    response = api.delete("workers/w")
    assert (response.status_code, response.json()) == (200, {"deleted": True})
    assert_error(api.delete("workers/w"), 404, "worker_not_found")
    assert_error(api.get("workers/w"), 404, "worker_not_found")
    assert api.get("workers").json()["total"] == 0


def test_deleting_with_an_unknown_wish_is_400(
    api: Any, join: Any, assert_error: Any
) -> None:
    join("w")
    assert_error(api.delete("workers/w?pipelines=burn"), 400, "bad_request")
    assert Worker.objects.registered().exists()

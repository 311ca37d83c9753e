"""Services against real worker processes."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from cluster.addresses import check_worker_address
from cluster.exceptions import ClusterError
from cluster.group_spec import GroupSpec
from cluster.models import Placement
from cluster.selectors import get_group
from cluster.services.background import dispatched_to
from cluster.services.first_deploys import deploy_again
from cluster.services.groups import deploy_group, teardown_group
from cluster.services.heartbeats import Heartbeat, record_heartbeats
from cluster.services.workers import Registration, register_worker
from cluster.testing import make_spec

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.process]


def register(worker_id: str, url: str, **facts: Any) -> None:
    registration = Registration(
        worker_id=worker_id, address=check_worker_address(url), api_key="test", **facts
    )
    register_worker(registration=registration, has_credential=True, now=timezone.now())


def test_a_group_runs_on_real_workers_and_goes_again(
    start_worker: Callable[[], Any],
) -> None:
    first, second = start_worker(), start_worker()
    register("worker-0", first.url)
    register("worker-1", second.url)
    group = deploy_group(spec=make_spec(pipelines=["a", "b"]), requested_by="test")
    ids = {place.pipeline_name: place.pipeline_id for place in group.placements.all()}
    assert first.pipelines() == {"a": ids["a"]}
    assert second.pipelines() == {"b": ids["b"]}
    assert teardown_group(group=group) == ()
    assert first.pipelines() == second.pipelines() == {}


def test_coordinator_and_worker_agree_on_fingerprints(
    start_worker: Callable[[], Any],
) -> None:
    worker = start_worker()
    register("w", worker.url)
    spec = make_spec(pipelines=["a"])
    group = deploy_group(spec=spec, requested_by="test")
    recorded = group.placements.get().fingerprint
    assert recorded.startswith("b3:")
    report = {
        "id": group.placements.get().pipeline_id,
        "name": "a",
        "group_id": str(group.pk),
        "generation": 1,
        "fingerprint": recorded,
    }
    beat = Heartbeat(worker_id="w", pipelines=[report])
    outcome = record_heartbeats([beat], timezone.now())["w"]
    assert outcome.actions == ()
    assert not outcome.is_unsettled


def test_a_dead_worker_leaves_nothing_on_the_living(
    start_worker: Callable[[], Any],
) -> None:
    living, dying = start_worker(), start_worker()
    register("worker-0", living.url, max_pipelines=1)
    register("worker-1", dying.url)
    dying.kill()
    with pytest.raises(ClusterError) as caught:
        deploy_group(spec=make_spec(pipelines=["a", "b"]), requested_by="test")
    assert caught.value.error_code == "worker_unreachable"
    assert living.pipelines() == {}
    assert get_group(caught.value.details["group_id"]).status == "failed"


def test_a_worker_that_lost_everything_gets_it_back(
    start_worker: Callable[[], Any],
) -> None:
    before, after = start_worker(), start_worker()
    register("w", before.url, instance_id="one")
    deploy_group(spec=make_spec(pipelines=["a"]), requested_by="test")
    before.kill()
    with dispatched_to(lambda ids: deploy_again(placement_ids=ids)):
        register("w", after.url, instance_id="two", pipelines=[])
    place = Placement.objects.get()
    assert (place.status, place.generation) == ("Running", 2)
    assert after.pipelines() == {"a": place.pipeline_id}


def limited(limits: Mapping[str, float]) -> GroupSpec:
    spec = make_spec(pipelines=["a"])
    return replace(spec, pipelines=(replace(spec.pipelines[0], limits=limits),))


def test_limits_go_to_a_worker_that_allows_them(
    start_worker: Callable[..., Any],
) -> None:
    usual, generous = start_worker(), start_worker("--max-limit", "runs=50000")
    register("worker-0", usual.url)
    register("worker-1", generous.url)
    deploy_group(spec=limited({"runs": 20_000}), requested_by="test")
    place = Placement.objects.get()
    assert (place.worker_id, place.limits) == ("worker-1", {"runs": 20_000})
    assert list(generous.pipelines()) == ["a"]
    with pytest.raises(ClusterError) as caught:
        deploy_group(spec=limited({"runs": 60_000}), requested_by="test")
    assert (caught.value.error_status, caught.value.error_code) == (422, "invalid_spec")
    assert caught.value.details["errors"][0]["path"] == "limits.runs"
    assert list(generous.pipelines()) == ["a"]

"""`/metrics` of a real coordinator: who may read it and what it says."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.hot.coordinator_process import route

pytestmark = pytest.mark.process


@pytest.fixture
def scrape(coordinator):
    def read(**options):
        answer = coordinator.call("GET", "/metrics", **{"key": None} | options)
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/plain")
        return {
            (sample.name, *sorted(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(answer.body)
            for sample in family.samples
        }

    return read


def test_it_tells_workers_groups_and_placements(coordinator, join, scrape):
    worker = join()
    before = scrape()
    group = coordinator.deploy("metered", {"a": worker.id}, routes=[route("a", "A")])
    after = scrape()
    assert after["varpulis_cluster_workers", "ready"] >= 1
    assert after["varpulis_cluster_worker_capacity", worker.id] == 100
    assert after["varpulis_cluster_worker_heartbeat_age_seconds", worker.id] >= 0
    for name, status in (("pipeline_groups", "running"), ("placements", "Running")):
        series = (f"varpulis_cluster_{name}", status)
        assert after[series] == before[series] + 1
    coordinator.call("DELETE", f"pipeline-groups/{group['id']}")


def test_injected_events_are_counted_until_their_group_is_gone(
    coordinator, join, scrape
):
    worker = join()
    group = coordinator.deploy("counted", {"a": worker.id}, routes=[route("a", "A")])
    inject = f"pipeline-groups/{group['id']}/inject"
    event = {"event_type": "A", "fields": {}}
    for _ in range(3):
        assert coordinator.call("POST", inject, event).status == 200
    assert coordinator.call("POST", f"{inject}?explain=true", event).status == 200
    coordinator.call("POST", f"{inject}-batch", [event, event, {"no": "event"}])
    found = scrape()
    assert found["varpulis_cluster_inject_events_total", "accepted", "counted"] == 6
    assert found["varpulis_cluster_inject_events_total", "counted", "failed"] == 1
    assert found["varpulis_cluster_inject_duration_seconds_count", "counted"] == 5
    assert found["varpulis_cluster_deploys_total", "ok"] >= 1
    calls = "varpulis_cluster_worker_call_duration_seconds_count"
    assert found[calls, "deploy", "ok"] >= 1
    coordinator.call("DELETE", f"pipeline-groups/{group['id']}")
    assert not any("counted" in series for series in scrape())


def test_series_of_a_removed_worker_are_gone(coordinator, join, scrape):
    worker = join()
    assert any(worker.id in series for series in scrape())
    coordinator.call("DELETE", f"workers/{worker.id}?pipelines=leave")
    assert not any(worker.id in series for series in scrape())


def test_it_tells_build_process_and_sweep(scrape):
    found = scrape()
    names = {name for name, *_ in found}
    assert {"process_cpu_seconds_total", "varpulis_cluster_sweep_leader"} <= names
    assert found["varpulis_build_info", "0.1.0"] == 1


def test_requests_are_counted_by_pattern_and_not_by_what_was_asked(coordinator, scrape):
    for path in ("/api/v1/cluster/workers/nobody-1", "/made/up/1", "/made/up/2"):
        coordinator.call("GET", path)
    found = scrape()
    pattern = "/api/v1/cluster/workers/<str:worker_id>"
    assert found["varpulis_http_requests_total", *sorted(("404", "GET", pattern))] >= 1
    assert not any(re.search("nobody-1|made", " ".join(key)) for key in found)


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded"])
def test_callers_from_elsewhere_need_a_key_that_may_look(coordinator, scrape, name):
    headers = {name: "10.0.0.7"}
    refused = coordinator.call("GET", "/metrics", key=None, headers=headers)
    assert (refused.status, refused.body["code"]) == (401, "missing_key")
    assert scrape(key=coordinator.key, headers=headers)


def test_a_wrong_key_is_refused_even_here(coordinator):
    refused = coordinator.call("GET", "/metrics", key="wrong")
    assert (refused.status, refused.body["code"]) == (401, "invalid_api_key")


def test_it_is_only_read(coordinator):
    assert coordinator.call("POST", "/metrics", {}).status == 405

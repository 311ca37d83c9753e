"""Root, topology, validation, history, documents (api.md 4.1, 4.5)."""

import json
from typing import Any

import pytest

from cluster.services.groups import deploy_group
from cluster.services.workers import deregister_worker
from cluster.testing import FakeWorkers, ManualClock, make_spec

pytestmark = pytest.mark.django_db


def test_the_url_of_the_banner_answers(api: Any) -> None:
    body = api.get("/api/v1/cluster/").json()
    assert body["name"] == "varpulis"
    assert body["version"]
    for link in body["links"].values():
        path = link.removeprefix("http://testserver")
        assert api.get(path).status_code in {200, 405}


@pytest.fixture
def group(join: Any, workers: FakeWorkers, clock: ManualClock) -> Any:
    join("worker-0", port=9000)
    join("worker-1", port=9001)
    routes = [("_external", "a", ("A*",)), ("a", "b", ("X",))]
    spec = make_spec(pipelines=["a", "b"], routes=routes)
    return deploy_group(spec=spec, requested_by="test", clock=clock)


def test_the_topology_is_as_in_the_tutorial(api: Any, group: Any) -> None:
    body = api.get("topology").json()
    assert body["groups"] == [
        {
            "group_id": str(group.pk),
            "group_name": "group",
            "pipelines": [
                {
                    "name": name,
                    "worker_id": f"worker-{number}",
                    "worker_address": f"http://127.0.0.1:900{number}",
                }
                for number, name in enumerate("ab")
            ],
            "routes": [
                {
                    "from_pipeline": "_external",
                    "to_pipeline": "a",
                    "event_types": ["A*"],
                },
                {"from_pipeline": "a", "to_pipeline": "b", "event_types": ["X"]},
            ],
        }
    ]
    assert [worker["pipeline_groups"] for worker in body["workers"]] == [["group"]] * 2
    links = [(link["source_worker"], link["target_worker"]) for link in body["links"]]
    assert links == [(None, "worker-0"), ("worker-0", "worker-1")]


def test_the_topology_can_be_narrowed(api: Any, group: Any) -> None:
    assert len(api.get(f"topology?group={group.pk}").json()["groups"]) == 1
    assert len(api.get("topology?group=group").json()["groups"]) == 1
    assert api.get("topology?group=other").json()["groups"] == []


def test_the_version_of_the_topology_grows_with_every_change(
    api: Any, group: Any, join: Any
) -> None:
    before = api.get("topology").json()["version"]
    assert api.get("topology").json()["version"] == before
    join("worker-2", port=9002)
    assert api.get("topology").json()["version"] > before


def test_the_topology_takes_the_same_queries_for_many(
    api: Any, group: Any, clock: ManualClock, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(5):
        api.get("topology")
    for number in range(4):
        spec = make_spec(f"g{number}", pipelines=["p", "q"])
        deploy_group(spec=spec, requested_by="test", clock=clock)
    with django_assert_num_queries(5):
        api.get("topology")


def test_an_unchanged_topology_is_asked_for_once(
    api: Any, group: Any, join: Any, django_assert_num_queries: Any
) -> None:
    first = api.get("topology")
    with django_assert_num_queries(1):
        assert api.get("topology").content == first.content
    join("worker-2", port=9002)
    assert [w["id"] for w in api.get("topology").json()["workers"]] == [
        "worker-0",
        "worker-1",
        "worker-2",
    ]


def test_a_caller_that_has_the_topology_is_told_so(
    api: Any, group: Any, join: Any
) -> None:
    tag = api.get("topology")["ETag"]
    for known in (tag, f'"other", W/{tag}', "*"):
        answer = api.get("topology", If_None_Match=known)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer["ETag"] == tag
    assert api.get("topology", If_None_Match='"other"').status_code == 200
    join("worker-2", port=9002)
    answer = api.get("topology", If_None_Match=tag)
    assert answer.status_code == 200
    assert answer["ETag"] != tag


def test_the_topology_has_other_forms_than_plain_json(api: Any, group: Any) -> None:
    plain = api.get("topology")
    assert plain["Content-Type"] == "application/json"
    spread = api.get("topology", Accept="application/json; indent=4")
    assert spread.content.startswith(b'{\n    "groups"')
    assert spread.json() == plain.json()
    page = api.get("topology", Accept="text/html")
    assert "worker-1" in page.content.decode()


def test_groups_keep_to_themselves_in_the_topology(
    api: Any, group: Any, clock: ManualClock
) -> None:
    """A second group of the same name, and the worker of both deregistered."""
    clock.advance(1)
    routes = [("_external", "c", ("C", "D*")), ("_external", "d", ("*",))]
    spec = make_spec("group", pipelines=["c", "d"], routes=routes)
    deploy_group(spec=spec, requested_by="test", clock=clock)
    deregister_worker(worker_id="worker-0", pipelines="leave", now=clock.now)
    body = api.get("topology").json()
    homes = [
        [(p["name"], p["worker_address"]) for p in item["pipelines"]]
        for item in body["groups"]
    ]
    one, two = "http://127.0.0.1:9000", "http://127.0.0.1:9001"
    assert homes == [[("c", one), ("d", two)], [("a", one), ("b", two)]]
    types = [[r["event_types"] for r in item["routes"]] for item in body["groups"]]
    assert types == [[["C", "D*"], ["*"]], [["A*"], ["X"]]]
    assert [link["to"] for link in body["links"]] == ["c", "d", "a", "b"]
    assert [(w["id"], w["pipeline_groups"]) for w in body["workers"]] == [
        ("worker-1", ["group"])
    ]
    narrow = api.get(f"topology?group={group.pk}").json()
    assert narrow["groups"] == body["groups"][1:]
    assert narrow["links"] == body["links"][2:]


def test_validation_tells_what_a_program_takes_and_gives(api: Any) -> None:
    source = "stream Hot = Reading .where(t > 3) .emit(t: t)"
    body = api.post("validate", {"source": source}).json()
    assert body == {
        "valid": True,
        "diagnostics": [],
        "consumes": ["Reading"],
        "emits": ["Hot"],
        "streams": ["Hot"],
    }


def test_an_invalid_program_is_an_answer(api: Any) -> None:
    response = api.post("validate", {"source": "stream = ="})
    assert response.status_code == 200
    body = response.json()
    assert body["valid"] is False
    assert body["diagnostics"][0]["line"] == 1


@pytest.mark.parametrize("body", [{}, {"source": 7}, {"source": None}])
def test_validation_needs_a_source(api: Any, assert_error: Any, body: Any) -> None:
    assert_error(api.post("validate", body), 400, "bad_request")


def test_the_history_is_newest_first_and_comes_in_pages(api: Any, group: Any) -> None:
    whole = api.get("events").json()
    types = [event["type"] for event in whole["events"]]
    assert types[0] == "group.deployed"
    assert types[-1] == "worker.joined"
    assert whole["next_cursor"] is None
    first = api.get("events?limit=2").json()
    rest = api.get(f"events?cursor={first['next_cursor']}").json()
    assert first["events"] + rest["events"] == whole["events"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("type=worker.", 2),
        ("worker=worker-0", 2),
        ("severity=error", 0),
        ("type=group.", 1),
    ],
)
def test_the_history_can_be_narrowed(
    api: Any, group: Any, query: str, count: int
) -> None:
    assert len(api.get(f"events?{query}").json()["events"]) == count


@pytest.mark.parametrize("query", ["severity=loud", "group=x", "cursor=x", "limit=0"])
def test_bad_filters_are_400(api: Any, assert_error: Any, query: str) -> None:
    assert_error(api.get(f"events?{query}"), 400, "bad_request")


def test_the_document_names_every_call(api: Any) -> None:
    document = json.loads(api.get("/api/schema/?format=json").content)
    assert document["openapi"].startswith("3.1")
    base = "/api/v1/cluster"
    calls = {
        (method, path.removeprefix(base))
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert {
        ("get", ""),
        ("post", "/workers/register"),
        ("get", "/workers"),
        ("post", "/workers/{worker_id}/heartbeat"),
        ("post", "/pipeline-groups/{group_id}/inject"),
        ("post", "/pipeline-groups/{group_id}/inject-batch"),
        ("get", "/workers/{worker_id}"),
        ("delete", "/workers/{worker_id}"),
        ("post", "/pipeline-groups"),
        ("get", "/pipeline-groups/{group_id}"),
        ("delete", "/pipeline-groups/by-name/{name}"),
        ("get", "/topology"),
        ("post", "/validate"),
        ("get", "/events"),
    } <= calls
    assert not [path for _, path in calls if path.endswith("/")]


def test_the_document_is_yaml_unless_asked_otherwise(api: Any) -> None:
    assert api.get("/api/schema/").content.startswith(b"openapi: 3.1")


def test_the_document_is_made_without_complaint(api: Any, capfd: Any) -> None:
    api.get("/api/schema/")
    output = capfd.readouterr()
    assert "Warning" not in output.err
    assert "Error" not in output.err


def test_the_document_can_be_browsed(api: Any) -> None:
    page = api.get("/api/docs/").content.decode()
    assert "swagger-ui" in page
    assert "https://" not in page
    script = api.get("/api/docs/?script=")
    assert "javascript" in script.headers["Content-Type"]


def test_a_person_without_a_key_is_led_to_the_login_page(api: Any) -> None:
    answer = api.get("/api/docs/", key=None, Accept="text/html")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/login/?next=/api/docs/"


def test_a_program_without_a_key_is_told_so(api: Any) -> None:
    answer = api.get("/api/docs/", key=None, Accept="application/json")
    assert answer.status_code == 401

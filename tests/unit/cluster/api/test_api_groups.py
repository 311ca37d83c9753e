"""Pipeline groups over HTTP (api.md 4.3, 5.4 to 5.6)."""

from typing import Any

import pytest

from cluster.exceptions import WorkerRefusedError
from cluster.models import PipelineGroup
from cluster.testing import FakeWorkers

pytestmark = pytest.mark.django_db

SPEC: dict[str, Any] = {
    "name": "my-first-group",
    "pipelines": [
        {
            "name": "pipeline-a",
            "source": 'stream A = EventA .emit(result: "from-a")',
            "worker_affinity": "worker-0",
        },
        {
            "name": "pipeline-b",
            "source": 'stream B = EventB .emit(result: "from-b")',
            "worker_affinity": "worker-1",
        },
    ],
    "routes": [
        {
            "from_pipeline": "_external",
            "to_pipeline": "pipeline-a",
            "event_types": ["EventA*"],
        },
        {
            "from_pipeline": "_external",
            "to_pipeline": "pipeline-b",
            "event_types": ["EventB*"],
        },
    ],
}
ONE = {"name": "a", "source": "stream S = E .emit(n: 1)"}


@pytest.fixture(autouse=True)
def two_workers(join: Any, workers: FakeWorkers, background: Any) -> None:
    join("worker-0", port=9000)
    join("worker-1", port=9001)


def deploy(api: Any, spec: Any = SPEC, query: str = "") -> Any:
    return api.post(f"pipeline-groups{query}", spec)


def test_deploying_answers_as_in_the_tutorial(api: Any) -> None:
    response = deploy(api)
    assert response.status_code == 201
    body = response.json()
    keys = ["id", "name", "status", "pipeline_count", "placements"]
    assert list(body)[:5] == keys
    assert (body["name"], body["status"]) == ("my-first-group", "running")
    assert body["pipeline_count"] == 2
    for number, place in enumerate(body["placements"]):
        assert list(place)[:5] == [
            "pipeline_name",
            "worker_id",
            "worker_address",
            "pipeline_id",
            "status",
        ]
        assert place["worker_id"] == f"worker-{number}"
        assert place["worker_address"] == f"http://127.0.0.1:900{number}"
        assert place["status"] == "Running"
    assert body["routes"] == SPEC["routes"]
    assert body["sources"]["pipeline-a"] == SPEC["pipelines"][0]["source"]
    assert body["warnings"] == []
    assert response.headers["ETag"] == '"rev-1"'


def test_list_and_detail_show_the_same(api: Any) -> None:
    made = deploy(api).json()
    listed = api.get("pipeline-groups").json()
    assert listed["pipeline_groups"] == [made]
    assert listed["total"] == 1
    assert api.get(f"pipeline-groups/{made['id']}").json() == made
    assert api.get("pipeline-groups/by-name/my-first-group").json() == made


def test_detail_shows_the_spec_if_asked(api: Any) -> None:
    made = deploy(api).json()
    shown = api.get(f"pipeline-groups/{made['id']}?include=spec").json()
    assert shown["spec"]["pipelines"] == SPEC["pipelines"]


def test_asking_for_an_unknown_part_is_400(api: Any, assert_error: Any) -> None:
    group_id = deploy(api, {"name": "x", "pipelines": [ONE]}).json()["id"]
    for path in ("pipeline-groups", f"pipeline-groups/{group_id}"):
        assert_error(api.get(f"{path}?include=colour"), 400, "bad_request")


def test_names_may_hold_a_slash(api: Any) -> None:
    made = deploy(api, SPEC | {"name": "a/b c"}).json()
    found = api.get("pipeline-groups/by-name/a%2Fb%20c").json()
    assert found["id"] == made["id"]


def test_a_repeated_name_is_ambiguous(api: Any, assert_error: Any) -> None:
    deploy(api)
    assert deploy(api).json()["warnings"]
    response = api.get("pipeline-groups/by-name/my-first-group")
    body = assert_error(response, 409, "ambiguous_name")
    assert len(body["details"]["group_ids"]) == 2


def test_the_list_is_newest_first_and_can_be_narrowed(api: Any) -> None:
    spec = {"name": "one", "pipelines": [ONE], "labels": {"team": "x"}}
    deploy(api, spec)
    deploy(api, spec | {"name": "two", "labels": {}})

    def names(query: str) -> list[str]:
        found = api.get(f"pipeline-groups?{query}").json()["pipeline_groups"]
        return [group["name"] for group in found]

    assert names("") == ["two", "one"]
    assert names("name=one") == ["one"]
    assert names("status=running") == ["two", "one"]
    assert names("status=failed") == []
    assert names("label=team:x") == ["one"]
    assert names("worker=worker-0") == ["one"]
    assert names("limit=1&offset=1") == ["one"]


def test_tearing_down_answers_exactly_and_twice(api: Any) -> None:
    made = deploy(api).json()
    for _ in range(2):
        response = api.delete(f"pipeline-groups/{made['id']}")
        assert (response.status_code, response.json()) == (200, {"torn_down": True})
    assert api.get("pipeline-groups").json()["total"] == 0
    assert api.get("pipeline-groups?include=torn_down").json()["total"] == 1
    assert api.get("topology").json()["groups"] == []
    shown = api.get(f"pipeline-groups/{made['id']}").json()
    assert shown["status"] == "torn_down"


@pytest.mark.parametrize("path", ["{id}", "by-name/x"])
def test_tearing_down_another_revision_than_meant_is_412(
    api: Any, assert_error: Any, path: str
) -> None:
    group = deploy(api, {"name": "x", "pipelines": [ONE]})
    full = "pipeline-groups/" + path.format(id=group.json()["id"])
    refused = assert_error(
        api.delete(full, If_Match='"rev-2"'), 412, "revision_conflict"
    )
    assert refused["details"] == {"current": group.headers["ETag"]}
    assert api.get(full).json()["status"] == "running"
    gone = api.delete(full, If_Match=f'"rev-7", {group.headers["ETag"]}')
    assert gone.json() == {"torn_down": True}
    assert api.delete(full, If_Match="*").status_code == 200


def test_tearing_down_by_name(api: Any, workers: FakeWorkers) -> None:
    deploy(api)
    response = api.delete("pipeline-groups/by-name/my-first-group")
    assert response.json() == {"torn_down": True}
    assert workers["worker-0"].names() == []


def test_tearing_down_names_what_a_dead_worker_keeps(
    api: Any, workers: FakeWorkers
) -> None:
    made = deploy(api).json()
    workers["worker-1"].is_dead = True
    body = api.delete(f"pipeline-groups/{made['id']}").json()
    assert body["torn_down"] is True
    assert body["pending_removals"] == [
        {
            "pipeline_name": "pipeline-b",
            "worker_id": "worker-1",
            "pipeline_id": made["placements"][1]["pipeline_id"],
        }
    ]


@pytest.mark.parametrize("group_id", ["00000000-0000-4000-8000-000000000000", "x"])
def test_an_unknown_group_is_404(api: Any, assert_error: Any, group_id: str) -> None:
    path = f"pipeline-groups/{group_id}"
    assert_error(api.get(path), 404, "group_not_found")
    assert_error(api.delete(path), 404, "group_not_found")
    by_name = f"pipeline-groups/by-name/{group_id}"
    assert_error(api.get(by_name), 404, "group_not_found")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "name"),
        ({"name": "x"}, "pipelines"),
        ({"name": "x", "pipelines": [{"name": "a"}]}, "pipelines[0].source"),
        ({"name": 7, "pipelines": [ONE]}, "name"),
        ({"name": "x", "pipelines": {}}, "pipelines"),
        ({"name": "x", "pipelines": [7]}, "pipelines[0]"),
        ({"name": "x", "pipelines": [ONE], "atomic": "yes"}, "atomic"),
        ({"name": "x", "pipelines": [ONE], "routes": [{}]}, "routes[0].from_pipeline"),
        (
            {
                "name": "x",
                "pipelines": [ONE],
                "routes": [
                    {"from_pipeline": "a", "to_pipeline": "a", "event_types": [1]}
                ],
            },
            "routes[0].event_types[0]",
        ),
    ],
)
def test_a_spec_of_the_wrong_shape_is_400(
    api: Any, assert_error: Any, body: Any, path: str
) -> None:
    found = assert_error(deploy(api, body), 400, "bad_request")
    assert path in [item["path"] for item in found["details"]["errors"]]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"pipelines": []}, "pipelines"),
        ({"pipelines": [ONE, ONE]}, "pipelines[1].name"),
        ({"pipelines": [ONE | {"name": "_external"}]}, "pipelines[0].name"),
        ({"pipelines": [ONE | {"name": "a#0"}]}, "pipelines[0].name"),
        ({"pipelines": [ONE | {"name": ""}]}, "pipelines[0].name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 129}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"placement": "by_mood"}, "placement"),
        ({"default_route": "zz"}, "default_route"),
    ],
)
def test_a_spec_that_cannot_be_meant_is_422(
    api: Any, assert_error: Any, changes: Any, path: str
) -> None:
    spec = {"name": "x", "pipelines": [ONE]} | changes
    found = assert_error(deploy(api, spec), 422, "invalid_spec")
    assert [item["path"] for item in found["details"]["errors"]] == [path]
    assert not PipelineGroup.objects.exists()


def test_a_route_to_nowhere_names_what_is_known(api: Any, assert_error: Any) -> None:
    route = {"from_pipeline": "_external", "to_pipeline": "z", "event_types": ["*"]}
    spec = {"name": "x", "pipelines": [ONE], "routes": [route]}
    body = assert_error(deploy(api, spec), 422, "invalid_spec")
    assert body["error"] == "routes[0].to_pipeline: unknown pipeline 'z'"
    (error,) = body["details"]["errors"]
    assert error == {
        "path": "routes[0].to_pipeline",
        "message": "unknown pipeline 'z'",
        "hint": "known: a",
    }


def test_broken_vpl_names_pipeline_line_and_column(
    api: Any, assert_error: Any, workers: FakeWorkers
) -> None:
    broken = {"name": "broken", "source": "stream S = E .emit(n: 1)\nstream = ="}
    spec = {"name": "bad", "pipelines": [ONE, broken]}
    found = assert_error(deploy(api, spec), 400, "parse_error")
    first = found["details"]["diagnostics"][0]
    assert (first["pipeline"], first["line"]) == ("broken", 2)
    keys = {"severity", "code", "column", "end_line", "end_column", "message"}
    assert keys <= set(first)
    assert workers["worker-0"].names() == workers["worker-1"].names() == []
    assert api.get("pipeline-groups").json()["total"] == 0


def test_vpl_that_does_not_check_has_its_own_code(api: Any, assert_error: Any) -> None:
    source = "stream S = E .emit(n: no_such_function(1))"
    spec = {"name": "bad", "pipelines": [{"name": "p", "source": source}]}
    assert_error(deploy(api, spec), 400, "invalid_vpl")


def test_unknown_keys_are_ignored_and_named(api: Any) -> None:
    spec = {"name": "x", "pipelines": [ONE | {"replicas": 2}], "colour": "red"}
    warnings = deploy(api, spec).json()["warnings"]
    assert any("pipelines[0].replicas" in text for text in warnings)
    assert any("colour" in text for text in warnings)


def test_unknown_keys_are_refused_if_strict(api: Any, assert_error: Any) -> None:
    spec = {"name": "x", "pipelines": [ONE], "colour": "red"}
    found = assert_error(deploy(api, spec, "?strict=true"), 422, "invalid_spec")
    assert found["details"]["errors"][0]["path"] == "colour"


def test_a_dry_run_answers_the_plan_and_does_nothing(
    api: Any, workers: FakeWorkers
) -> None:
    spec = SPEC | {"pipelines": [SPEC["pipelines"][0] | {"worker_affinity": "gone"}]}
    response = deploy(api, spec | {"routes": []}, "?dry_run=true")
    assert response.status_code == 200
    body = response.json()
    assert (body["action"], body["valid"], body["changed"]) == ("create", True, True)
    assert body["placements"] == [
        {
            "pipeline_name": "pipeline-a",
            "worker_id": "worker-0",
            "reason": "round_robin",
            "rejected": [{"worker_id": "gone", "why": "not registered"}],
        }
    ]
    assert "gone" in body["warnings"][0]
    assert not PipelineGroup.objects.exists()
    assert not workers["worker-0"].pipelines


def test_a_dry_run_with_faults_is_an_answer(api: Any) -> None:
    broken = {"name": "p", "source": "stream = ="}
    body = deploy(api, {"name": "x", "pipelines": [broken]}, "?dry_run=true").json()
    assert body["valid"] is False
    assert body["diagnostics"][0]["pipeline"] == "p"


@pytest.mark.parametrize(
    ("make", "status", "code"),
    [
        ("dead", 502, "worker_unreachable"),
        ("refusing", 400, "invalid_vpl"),
        ("nobody", 503, "no_workers_available"),
    ],
)
def test_what_workers_do_wrong_has_its_code(
    api: Any,
    assert_error: Any,
    workers: FakeWorkers,
    make: str,
    status: int,
    code: str,
) -> None:
    for name in ("worker-0", "worker-1"):
        if make == "dead":
            workers[name].is_dead = True
        elif make == "refusing":
            workers[name].refusal = WorkerRefusedError(
                "no", code="invalid_vpl", status=400, details={"worker_id": name}
            )
        else:
            api.delete(f"workers/{name}")
    body = assert_error(deploy(api), status, code)
    if make != "nobody":
        assert body["details"]["group_id"]
        assert len(body["details"]["placements"]) == 2


def test_without_workers_the_caller_may_try_again(api: Any) -> None:
    for name in ("worker-0", "worker-1"):
        api.delete(f"workers/{name}")
    assert deploy(api).headers["Retry-After"] == "5"


def test_listing_takes_the_same_queries_for_many(
    api: Any, django_assert_num_queries: Any
) -> None:
    for number in range(2):
        deploy(api, {"name": f"g{number}", "pipelines": [ONE, ONE | {"name": "b"}]})
    with django_assert_num_queries(3):
        api.get("pipeline-groups")
    for number in range(2, 6):
        deploy(api, {"name": f"g{number}", "pipelines": [ONE, ONE | {"name": "b"}]})
    with django_assert_num_queries(3):
        api.get("pipeline-groups")

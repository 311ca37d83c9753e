"""Keeping a group that is there, replacing one that differs."""

from typing import Any

import pytest

from cluster.demo.errors import NotReadyError
from cluster.demo.group_up import ensure_group

ROUTE = {"from_pipeline": "_external", "to_pipeline": "p", "event_types": ["A*"]}
SPEC = {
    "name": "g",
    "pipelines": [{"name": "p", "source": "stream S = A"}],
    "routes": [ROUTE],
}


class FakeClient:
    """Holds groups as the coordinator would answer them."""

    def __init__(self, *groups: dict[str, Any]) -> None:
        self.groups = {group["id"]: group for group in groups}
        self.torn_down: list[str] = []

    def groups_named(self, name: str) -> list[dict[str, Any]]:
        return [g for g in self.groups.values() if g["name"] == name]

    def group(self, group_id: str) -> dict[str, Any]:
        return self.groups[group_id]

    def deploy(self, spec: dict[str, Any]) -> dict[str, Any]:
        return group("new")

    def tear_down(self, group_id: str) -> None:
        self.torn_down.append(group_id)


def group(group_id: str, **changed: Any) -> dict[str, Any]:
    return {
        "id": group_id,
        "name": "g",
        "status": "running",
        "sources": {"p": "stream S = A"},
        "routes": [dict(ROUTE)],
        "placements": [],
        **changed,
    }


def ensure(client: FakeClient) -> dict[str, Any]:
    return ensure_group(client, SPEC, pause=lambda seconds: None)  # type: ignore[arg-type] # a fake of the client


def test_it_deploys_what_is_not_there() -> None:
    assert ensure(FakeClient())["id"] == "new"


def test_it_keeps_the_same_group() -> None:
    client = FakeClient(group("old"))
    assert ensure(client)["id"] == "old"
    assert client.torn_down == []


@pytest.mark.parametrize(
    "changed",
    [
        {"sources": {"p": "stream S = B"}},
        {"routes": []},
        {"status": "failed"},
    ],
)
def test_it_replaces_a_group_that_differs(changed: dict[str, Any]) -> None:
    client = FakeClient(group("old", **changed))
    assert ensure(client)["id"] == "new"
    assert client.torn_down == ["old"]


def test_it_keeps_one_of_several() -> None:
    client = FakeClient(group("young"), group("old"))
    assert ensure(client)["id"] == "young"
    assert client.torn_down == ["old"]


def test_it_says_so_when_the_kept_one_does_not_run() -> None:
    with pytest.raises(NotReadyError, match="degraded"):
        ensure(FakeClient(group("old", status="degraded")))

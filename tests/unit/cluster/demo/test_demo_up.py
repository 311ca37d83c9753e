"""What `varpulis up` refuses, tells and watches, without processes."""

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cluster.demo import up
from cluster.demo.console import Console
from cluster.demo.errors import ChildDiedError, UsageError
from cluster.demo.local_cluster import ClusterLayout, LocalCluster


def request(**changed: Any) -> up.Request:
    return up.Request(**{
        "workers": 2, "port": 9100, "worker_port": 9000, "api_key": "admin",
        "worker_key": "test", "spec_path": None, "open_browser": False,
        "ephemeral": True, **changed,
    })  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"workers": 0}, "at least one"),
        ({"worker_port": 65_535}, "65535 to 65536"),
        ({"port": 9001}, "also one of the workers' ports"),
    ],
)
def test_it_refuses_what_cannot_be(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        request(**changed)


@dataclass
class FakeChild:
    """A process that is alive or not."""

    name: str
    alive: bool = True
    exit_status: int = -9
    lines: list[str] = field(default_factory=lambda: ["last words"])

    def last_lines(self) -> list[str]:
        return self.lines


def watch(*alive: bool) -> tuple[up.Watch, io.StringIO]:
    layout = ClusterLayout(port=1, worker_ports=(7, 8))
    names = ["coordinator", "worker-0", "worker-1"]
    children: list[Any] = [FakeChild(n, a) for n, a in zip(names, alive, strict=True)]
    stream = io.StringIO()
    cluster = LocalCluster(layout, children=children)
    return up.Watch(cluster, Console(11, stream)), stream


def test_it_says_nothing_while_all_are_well() -> None:
    watching, stream = watch(True, True, True)
    watching.look()
    assert stream.getvalue() == ""


def test_one_worker_that_ends_is_told_once_and_how_to_start_it_again() -> None:
    watching, stream = watch(True, True, False)
    watching.look()
    watching.look()
    assert stream.getvalue().count("worker-1 ended with status -9") == 1
    assert "varpulis server --port 8 --api-key test" in stream.getvalue()


@pytest.mark.parametrize("alive", [(False, True, True), (True, False, False)])
def test_it_is_over_without_coordinator_or_workers(
    alive: tuple[bool, bool, bool],
) -> None:
    watching, _ = watch(*alive)
    with pytest.raises(ChildDiedError, match="last words"):
        watching.look()


GROUP = {
    "id": "g-1",
    "name": "iot",
    "status": "running",
    "warnings": ["'a': worker 'x' is not there"],
    "placements": [{"pipeline_name": "a", "worker_id": "worker-0"}],
    "routes": [
        {
            "from_pipeline": "_external",
            "to_pipeline": "a",
            "event_types": ["Temp*", "T"],
        },
        {"from_pipeline": "a", "to_pipeline": "b", "event_types": ["Alert"]},
    ],
}


def welcome(asked: up.Request) -> str:
    stream = io.StringIO()
    up._welcome(asked, GROUP, Console(11, stream))
    return stream.getvalue()


def test_it_tells_what_to_try_with_the_real_group(tmp_path: Path) -> None:
    text = welcome(request(spec_path=tmp_path / "group.json"))
    assert "http://127.0.0.1:9100/topology/" in text
    assert "a on worker-0" in text
    assert "worker 'x' is not there" in text
    assert "/api/v1/cluster/pipeline-groups/g-1/inject" in text
    assert """-d '{"event_type": "Temp", "fields": {}}'""" in text


def test_events_beside_the_spec_are_offered_first(tmp_path: Path) -> None:
    event = {"event_type": "Temp", "fields": {"t": 5}}
    (tmp_path / "events.ndjson").write_text(json.dumps(event) + "\n")
    assert json.dumps(event) in welcome(request(spec_path=tmp_path / "group.json"))


def test_a_key_of_the_users_own_is_not_shown(tmp_path: Path) -> None:
    asked = request(api_key="s3cret", spec_path=tmp_path / "group.json")
    text = welcome(asked)
    assert "s3cret" not in text
    assert "$VARPULIS_API_KEY" in text

"""`varpulis inject GROUP -f FILE` through a real coordinator to two workers."""

import gzip
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from cluster.management import file_sending
from tests.integration.hot.conftest import RegisteredWorker
from tests.integration.hot.coordinator_process import KEY, CoordinatorProcess, route

pytestmark = pytest.mark.process


@pytest.fixture
def pair(join: Callable[[], RegisteredWorker]) -> list[RegisteredWorker]:
    return [join(), join()]


@pytest.fixture
def inject(
    coordinator: CoordinatorProcess,
    pair: list[RegisteredWorker],
    capsys: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Any]:
    """Send a file to a group; return exit code, standard output and error."""
    monkeypatch.delenv("VARPULIS_URL", raising=False)
    name = f"file-{pair[0].id}"
    coordinator.deploy(
        name,
        {"a": pair[0].id, "b": pair[1].id},
        routes=[route("a", "A"), route("b", "B")],
        default_route="reject",
    )

    def command(path: Path, *words: str) -> Any:
        url = f"http://127.0.0.1:{coordinator.port}"
        code: Any = 0
        try:
            call_command(
                "inject", name, "-f", str(path), "--url", url, "--key", KEY, *words
            )
        except SystemExit as left:
            code = left.code
        out, err = capsys.readouterr()
        return code, out, err

    return command


def numbers(worker: RegisteredWorker) -> list[list[int]]:
    calls: Any = worker.events("events-batch")
    return [[event["fields"]["n"] for event in call["body"]] for call in calls]


def lines(types: str) -> bytes:
    return b"".join(
        json.dumps({"event_type": name, "fields": {"n": at}}).encode() + b"\n"
        for at, name in enumerate(types)
    )


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_goes_to_its_targets_in_order(
    inject: Any, pair: list[RegisteredWorker], tmp_path: Path, packed: bool
) -> None:
    path = tmp_path / "events.ndjson"
    path.write_bytes(gzip.compress(lines("AABAB")) if packed else lines("AABAB"))
    code, out, err = inject(path, "--batch", "2")
    assert (code, out, err) == (0, "5 events sent, 5 outputs\n", "")
    assert numbers(pair[0]) == [[0, 1], [3]]
    assert numbers(pair[1]) == [[2], [4]]


def test_other_forms_are_sent_too(
    inject: Any, pair: list[RegisteredWorker], tmp_path: Path
) -> None:
    evt = tmp_path / "events.evt"
    evt.write_text("# two\n@0s A { n: 1 }\n@5s A { n: 2 }\n")
    array = tmp_path / "events.json"
    array.write_text('{"events": [{"event_type": "B", "fields": {"n": 3}}]}')
    table = tmp_path / "events.csv"
    table.write_text("n\n4\n5\n")
    assert inject(evt)[0] == inject(array)[0] == 0
    assert inject(table, "--type", "B")[1] == "2 events sent, 2 outputs\n"
    assert numbers(pair[0]) == [[1, 2]]
    assert numbers(pair[1]) == [[3], [4, 5]]
    calls: Any = pair[0].events("events-batch")
    first, second = (
        datetime.fromisoformat(event["timestamp"]) for event in calls[0]["body"]
    )
    assert second - first == timedelta(seconds=5)


def test_what_is_refused_is_named_by_its_line_and_the_rest_is_sent(
    inject: Any, pair: list[RegisteredWorker], tmp_path: Path
) -> None:
    path = tmp_path / "events.ndjson"
    path.write_bytes(lines("AC") + b"\n{no json\n" + lines("B"))
    code, out, err = inject(path)
    assert (code, out) == (1, "2 events sent, 2 refused, 2 outputs\n")
    assert [line.partition(": ")[0] for line in err.splitlines()] == [
        "events.ndjson:2",
        "events.ndjson:4",
    ]
    assert "no route" in err.splitlines()[0]


def test_a_full_worker_gets_its_events_again_and_the_other_only_once(
    inject: Any,
    pair: list[RegisteredWorker],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []
    clock = file_sending.Clock(sleep=waited.append)
    monkeypatch.setattr(file_sending, "Clock", lambda: clock)
    full = [1, 1]

    def script(call: dict[str, Any]) -> Any:
        if not call["path"].endswith("/events-batch") or not full:
            return None
        full.pop()
        details = {"retry_after_seconds": 1}
        return 429, {"error": "full", "code": "queue_full", "details": details}

    pair[1].script = script
    path = tmp_path / "events.ndjson"
    path.write_bytes(lines("AB" * 300))
    code, out, err = inject(path, "--batch", "400")
    assert (code, out, err) == (0, "600 events sent, 600 outputs\n", "")
    sent_to_b = numbers(pair[1])
    taken = [n for call in sent_to_b[2:] for n in call]
    assert taken == list(range(1, 600, 2))
    assert sum(map(len, numbers(pair[0]))) == 300
    assert waited == [1.0, 1.0]


def test_a_batch_that_finds_no_room_is_told_when_to_come_again(
    coordinator: CoordinatorProcess, worker: RegisteredWorker
) -> None:
    group = coordinator.deploy(f"full-{worker.id}", {"a": worker.id})
    worker.script = lambda call: (
        (429, {"error": "full", "code": "queue_full"})
        if call["path"].endswith("/events-batch")
        else None
    )
    path = f"pipeline-groups/{group['id']}/inject-batch"
    headers = {"Content-Type": "application/x-ndjson"}
    reply = coordinator.call("POST", path, lines("AA"), headers=headers)
    assert (reply.status, reply.body["code"]) == (429, "queue_full")
    assert reply.headers["retry-after"] == "1"
    assert reply.body["details"]["retry_after_seconds"] == 1


def test_scripts_get_the_summary(inject: Any, tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_bytes(lines("AC"))
    code, out, _ = inject(path, "--json")
    summary = json.loads(out)
    assert (code, summary["events_sent"], summary["events_failed"]) == (1, 1, 1)
    assert summary["errors"][0]["place"] == "2"
    assert summary["complete"]


def test_a_group_that_is_not_there_ends_with_1(inject: Any, tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_bytes(lines("A"))
    code, _, err = inject(path, "--key", "wrong")
    assert code == 1
    assert "invalid_api_key" in err

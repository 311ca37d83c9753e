"""`varpulis groups`, `workers` and `inject` against an API behind real HTTP."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from cluster.addresses import check_worker_address
from cluster.management.commands.inject import read_fields
from cluster.management.coordinator_calls import CallError
from cluster.management.tables import print_table
from cluster.models import PipelineGroup, Worker
from cluster.services.groups import deploy_group
from cluster.services.workers import Registration, register_worker
from cluster.testing import FakeWorkers, make_spec
from cluster.worker_client import use_client

KEY = "admin-key"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VARPULIS_URL", "VARPULIS_API_KEY", "VARPULIS_TLS_CA_CERT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run(capsys: Any) -> Callable[..., str]:
    """Run a command and return what it prints."""

    def command(*words: str) -> str:
        call_command(*words)
        found: str = capsys.readouterr().out
        return found

    return command


@pytest.fixture
def fails(capsys: Any) -> Callable[..., str]:
    """Run a command that has to leave with `code`; return what it complains of."""

    def command(code: int, *words: str) -> str:
        with pytest.raises(SystemExit) as caught:
            call_command(*words)
        assert caught.value.code == code
        found: str = capsys.readouterr().err
        return found

    return command


@pytest.fixture
def api(transactional_db: None, live_server: Any, settings: Any) -> Any:
    """Serve the API, with a group of two pipelines on one worker."""
    settings.VARPULIS = settings.VARPULIS | {"API_KEY": KEY}
    address = check_worker_address("http://127.0.0.1:9000")
    registration = Registration(worker_id="w", address=address, api_key="k")
    register_worker(registration=registration, has_credential=True, now=timezone.now())
    with use_client(FakeWorkers()):
        route = ("_external", "a", ("E*",))
        spec = make_spec("a group/1", pipelines=["a", "b"], routes=[route])
        deploy_group(spec=spec, requested_by="test")
        yield ["--url", live_server.url, "--key", KEY]


def test_groups_are_listed_for_scripts_tab_separated(run: Any, api: Any) -> None:
    group = PipelineGroup.objects.get()
    assert run("groups", "list", *api).splitlines() == [
        "NAME\tSTATUS\tPIPELINES\tWORKERS\tID",
        f"a group/1\trunning\t2\tw\t{group.pk}",
    ]
    assert run("groups", "list", "--status", "failed", *api).count("\n") == 1


@pytest.mark.parametrize("by", ["name", "pk"])
def test_a_group_is_shown_by_name_and_by_id(run: Any, api: Any, by: str) -> None:
    selector = str(getattr(PipelineGroup.objects.get(), by))
    shown = run("groups", "show", selector, *api)
    assert shown.startswith("a group/1: running, revision 1\n")
    assert "a\tRunning\tw\t1\tround_robin" in shown
    assert "_external\ta\tE*" in shown


def test_json_is_the_answer_itself(run: Any, api: Any) -> None:
    group = json.loads(run("groups", "show", "a group/1", "--json", *api))
    assert [place["pipeline_name"] for place in group["placements"]] == ["a", "b"]
    assert json.loads(run("groups", "list", "--json", *api))["total"] == 1
    assert json.loads(run("workers", "list", "--json", *api))["total"] == 1
    assert json.loads(run("workers", "show", "w", "--json", *api))["id"] == "w"


def test_a_group_is_torn_down(run: Any, api: Any) -> None:
    out = run("groups", "delete", "a group/1", *api)
    assert out == "group 'a group/1' is torn down\n"
    assert PipelineGroup.objects.get().status == "torn_down"


def test_workers_are_listed_shown_and_deregistered(run: Any, api: Any) -> None:
    listed = run("workers", "list", *api).splitlines()
    assert listed[1].startswith("w\tready\t2/100\t")
    assert "assigned_pipelines\ta, b\n" in run("workers", "show", "w", *api)
    run("workers", "delete", "w", "--pipelines", "leave", *api)
    assert Worker.objects.get().keeps_pipelines
    assert run("workers", "list", *api).count("\n") == 1


def test_what_is_refused_ends_with_1_and_says_why(fails: Any, api: Any) -> None:
    assert "group_not_found" in fails(1, "groups", "show", "none", *api)
    assert "worker_not_found" in fails(1, "workers", "delete", "none", *api)
    wrong = fails(1, "groups", "list", *api[:2], "--key", "wrong")
    assert "invalid_api_key" in wrong


def test_the_environment_names_coordinator_and_key(
    run: Any, api: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "key"
    secret.write_text(f"{KEY}\n")
    monkeypatch.setenv("VARPULIS_URL", api[1])
    monkeypatch.setenv("VARPULIS_API_KEY", f"@{secret}")
    assert "a group/1" in run("groups", "list")


def test_without_a_coordinator_the_exit_code_is_3(
    fails: Any, unused_tcp_port: int
) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}"
    assert url in fails(3, "workers", "list", "--url", url)


@pytest.mark.parametrize(
    "words", [("--url", "localhost:9100"), ("--key", "@/no/such/file")]
)
def test_options_that_cannot_be_meant_end_with_2(fails: Any, words: Any) -> None:
    assert words[0] in fails(2, "groups", "list", *words)


def test_an_event_is_sent_and_its_outputs_printed(run: Any, scripted: Any) -> None:
    outputs = [{"event_type": "A", "x": 5}]
    response = {"accepted": True, "output_events": outputs}
    scripted.answer(
        200, {"routed_to": "a", "worker_id": "w", "worker_response": response}
    )
    url = f"http://127.0.0.1:{scripted.server_address[1]}"
    printed = run("inject", "my group", "E", "x=5", "y=five", "--url", url)
    assert printed == 'a on w\n{"event_type": "A", "x": 5}\n'
    ((method, path, _, sent),) = scripted.calls
    assert (method, path) == (
        "POST",
        "/api/v1/cluster/pipeline-groups/by-name/my%20group/inject?ack=processed",
    )
    assert sent == {"event_type": "E", "fields": {"x": 5, "y": "five"}}


def test_an_answer_that_is_no_json_ends_with_1(fails: Any, scripted: Any) -> None:
    scripted.answer(200, b"<html>")
    url = f"http://127.0.0.1:{scripted.server_address[1]}"
    assert "is a coordinator there?" in fails(1, "inject", "g", "E", "--url", url)


def test_values_that_are_json_count_as_such() -> None:
    pairs = ["a=5", "b=true", 'c="5"', "d=[1]", "e=", "f=x=y", "g=NaN", "h=1e999"]
    assert read_fields(pairs) == {
        "a": 5,
        "b": True,
        "c": "5",
        "d": [1],
        "e": "",
        "f": "x=y",
        "g": "NaN",
        "h": "1e999",
    }


@pytest.mark.parametrize("word", ["x", "=5"])
def test_a_word_that_is_no_field_is_refused(word: str) -> None:
    with pytest.raises(CallError) as caught:
        read_fields([word])
    assert caught.value.exit_code == 2


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_table_and_no_control_characters() -> None:
    screen = Terminal()
    print_table(("NAME", "WHY"), [("a\x1b[2J", None)], screen)
    head, row = screen.getvalue().splitlines()
    assert "NAME" in head
    assert row.split() == ["a?[2J", "-"]

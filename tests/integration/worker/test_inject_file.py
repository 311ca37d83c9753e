"""`varpulis inject PIPELINE -f FILE --server URL`: straight to a worker."""

import json

import pytest
from django.core.management import call_command

from cluster.management.event_receivers import HttpReceiver

ECHO = "stream S = X .where(v > 0) .emit(v: v)"


@pytest.fixture
def inject(worker, capsys, tmp_path):
    """Send a text to a pipeline; return exit code, standard output and error."""
    worker.deploy(ECHO, "echo")

    def command(text, *words, name="events.ndjson", to="echo"):
        path = tmp_path / name
        path.write_text(text)
        url = f"http://127.0.0.1:{worker.port}"
        code = 0
        try:
            call_command(
                "inject", to, "-f", str(path), "--server", url, "--key", "test", *words
            )
        except SystemExit as left:
            code = left.code
        out, err = capsys.readouterr()
        return code, out, err

    return command


def lines(values):
    return "".join(json.dumps({"event_type": "X", "v": v}) + "\n" for v in values)


def test_a_file_goes_straight_to_a_pipeline(inject, worker):
    code, out, err = inject(lines(range(5000)))
    assert (code, out, err) == (0, "5000 events sent, 4999 outputs\n", "")
    assert worker.call("GET", "/ready")[1]["events_processed"] == 5000


def test_a_pipeline_is_found_by_its_id_too(inject, worker):
    pipeline_id = worker.call("GET", "/api/v1/pipelines")[1]["pipelines"][0]["id"]
    assert inject(lines([1]), to=pipeline_id)[0] == 0


def test_bad_lines_are_named(inject):
    code, out, err = inject(lines([1]) + "{no\n" + lines([2]))
    assert (code, out) == (1, "2 events sent, 1 refused, 2 outputs\n")
    assert err.startswith("events.ndjson:2: no valid JSON")


def test_a_file_of_bad_lines_only_is_read_to_its_end(inject):
    code, out, err = inject("{no\n" * 250, "--batch", "100")
    assert (code, out) == (1, "0 events sent, 250 refused, 0 outputs\n")
    assert err.endswith(".. and 150 more\n")


def test_an_unknown_pipeline_ends_with_1(inject):
    code, _, err = inject(lines([1]), to="nothing")
    assert code == 1
    assert "it runs: echo" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--batch", "0"), "--batch"),
        (("--batch", "9999"), "--batch"),
        (("--rate", "-1"), "--rate"),
        (("--rate", "nan"), "--rate"),
        (("--explain",), "--explain"),
        (("X", "v=1"), "TYPE"),
        (("--server", "localhost"), "--url"),
    ],
)
def test_options_that_cannot_be_meant_end_with_2(inject, words, told):
    code, _, err = inject(lines([1]), *words)
    assert code == 2
    assert told in err


def test_a_file_that_is_not_there_ends_with_2(capsys):
    with pytest.raises(SystemExit) as left:
        call_command("inject", "g", "-f", "/no/such/file")
    assert left.value.code == 2
    assert "/no/such/file" in capsys.readouterr().err


def test_a_broken_file_tells_what_was_sent_before(inject):
    text = "[" + ",".join(json.dumps({"event_type": "X", "v": 1}) for _ in range(20000))
    code, out, err = inject(text, name="a.json")
    assert code == 1
    assert "no valid JSON at the end" in err
    assert "stopped after a.json:event " in out
    assert not out.startswith("0 events")


def test_ctrl_c_tells_what_was_sent(inject, monkeypatch):
    send, calls = HttpReceiver.send, []

    def send_twice(self, body, count):
        calls.append(count)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return send(self, body, count)

    monkeypatch.setattr(HttpReceiver, "send", send_twice)
    code, out, _ = inject(lines(range(100)), "--batch", "30")
    assert code == 130
    counts = "60 events sent, 30 not answered, 59 outputs"
    assert out == f"{counts}\nstopped after events.ndjson:60\n"


@pytest.mark.parametrize("words", [(), ("X", "--type", "X"), ("X", "--server", "u")])
def test_one_event_needs_a_type_and_a_coordinator(capsys, words):
    with pytest.raises(SystemExit) as left:
        call_command("inject", "g", *words)
    assert left.value.code == 2
    assert " -f" in capsys.readouterr().err

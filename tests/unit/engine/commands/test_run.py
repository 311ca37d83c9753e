"""`varpulis run`: events from standard input and from sources, until it is stopped."""

import json
import threading

import pytest

from engine.connectors.base import Message
from engine.management.commands import run as run_module
from engine.management.commands.run import _Run
from engine.management.connections import Connections
from engine.management.stopping import Stopped

STDIN = "stream S = X .where(v > 1) .emit(v: v)\n"


def test_a_program_without_sources_ends_with_standard_input(run, write):
    write("a.vpl", STDIN)
    result = run("run", "-f", "a.vpl", stdin='{"event_type":"X","v":2}\n')
    assert (result.code, result.out) == (0, '{"event_type":"S","v":2}\n')


def test_run_time_errors_end_with_1(run):
    code = "fn f(n):\n    f(n + 1)\nstream S = X .emit(v: f(1))"
    result = run("run", "-c", code, stdin='{"event_type":"X"}\n')
    assert (result.code, "line 1: R002 " in result.err) == (1, True)


def test_an_unknown_log_level_is_a_usage_error(run, monkeypatch):
    monkeypatch.setenv("VARPULIS_LOG_LEVEL", "loud")
    assert run("run", "-c", STDIN).code == 2


class FakeSource:
    """Delivers what it is given as soon as it is open."""

    def __init__(self, payloads=(), *, connected=True):
        self.connected = connected
        self._payloads = payloads
        self.acknowledged = 0
        self.is_closed = False

    def open(self, deliver):
        deliver([Message(p, "t", None, self._acknowledge) for p in self._payloads])

    def _acknowledge(self):
        self.acknowledged += 1

    def close(self, timeout_s):
        self.is_closed = True

    def status(self):
        return {"error": None if self.connected else "nobody there"}


SOURCED = (
    'connector In = mqtt (host: "localhost")\n'
    'stream S = X.from(In, topic: "t") .emit(v: v)\n'
)


@pytest.fixture
def source(monkeypatch):
    """Put a fake behind every source."""

    def use(made):
        monkeypatch.setattr(run_module, "SourceMaker", lambda _around: lambda _s: made)
        return made

    return use


@pytest.fixture
def stopped(monkeypatch):
    """Stop the program at its first look at the connections, like a signal."""
    look = Connections.look

    def look_and_stop(self):
        look(self)
        raise Stopped

    monkeypatch.setattr(Connections, "look", look_and_stop)


@pytest.mark.usefixtures("stopped")
def test_sources_feed_the_program_until_it_is_stopped(run, source):
    made = source(FakeSource([b'{"event_type":"X","v":7}', b"no event"]))
    result = run("run", "-c", SOURCED)
    assert (result.code, result.out) == (0, '{"event_type":"S","v":7}\n')
    assert (made.acknowledged, made.is_closed) == (2, True)
    assert "running <code>; Ctrl+C stops it\n" in result.err
    assert "source In t: connected\n" in result.err
    assert result.err.endswith("1 events, 1 outputs\n")


@pytest.mark.usefixtures("stopped")
def test_what_was_never_reached_is_told_with_3(run, source):
    source(FakeSource(connected=False))
    result = run("run", "-c", SOURCED)
    assert result.code == 3
    assert "never reached source In t: nobody there\n" in result.err


def test_it_gives_up_when_nothing_is_reached_in_time(run, source):
    source(FakeSource(connected=False))
    assert run("run", "-c", SOURCED, "--connect-timeout", "0").code == 3


@pytest.mark.usefixtures("stopped")
def test_dead_letters_are_kept_in_the_state_folder(run, source, tmp_path):
    source(FakeSource([b"no event"]))
    run("run", "-c", SOURCED, "--state-dir", "kept")
    (path,) = (tmp_path / "kept").iterdir()
    assert json.loads(path.read_text())["connector"] == "In"


class Link:
    """A connection whose state a test sets."""

    connected = False

    def __init__(self, **status):
        self._status = status

    def status(self):
        return self._status


def test_changes_of_connections_are_told_once():
    link, said = Link(), []
    watch = Connections([("sink A", link)], said.append)
    watch.look()
    link.connected = True
    watch.look()
    watch.look()
    link.connected = False
    watch.look()
    assert said == ["sink A: connected", "sink A: connection lost"]
    assert watch.missing() == []


def test_what_has_carried_events_was_reached():
    links = [("a", Link(sent=1)), ("b", Link(received=2)), ("c", Link(error="no"))]
    assert Connections(links, print).missing() == ["c: no"]


def test_a_reader_that_goes_away_ends_the_program(monkeypatch):
    def write(_data):
        raise BrokenPipeError

    monkeypatch.setattr(run_module, "write_lines", write)
    runs = _Run.__new__(_Run)
    runs._options, runs._is_broken = {"quiet": False}, threading.Event()
    thread = threading.Thread(target=runs._write, args=([{"event_type": "S"}],))
    thread.start()
    thread.join()
    assert runs._is_broken.is_set()
    with pytest.raises(BrokenPipeError):
        runs._write([{"event_type": "S"}])


def test_limits_of_the_program_can_be_set(run):
    code = "fn f(n):\n    for i in 0..n: emit P(i: i)\nstream S = X .process(f(v))"
    stdin = '{"event_type":"X","v":4}\n'
    result = run("run", "-c", code, "--limit", "outputs_per_event=3", stdin=stdin)
    assert (result.code, len(result.out.splitlines())) == (1, 3)
    assert "R003" in result.err


def test_a_limit_that_is_none_is_wrong_usage(run):
    result = run("run", "-c", STDIN, "--limit", "runs=0")
    assert (result.code, "--limit: 'runs' must be above zero" in result.err) == (
        2,
        True,
    )

"""`varpulis lsp`: how it listens, and what it says without pygls."""

import sys

import pytest

from engine.lsp import server
from engine.management.commands.lsp import Command


class FakeServer:
    """Notes how it was started."""

    def __init__(self):
        self.started = []

    def start_io(self):
        self.started.append("io")

    def start_tcp(self, host, port):
        self.started.append((host, port))


@pytest.mark.parametrize(
    ("arguments", "started"),
    [((), "io"), (("--stdio",), "io"), (("--tcp", "7001"), ("127.0.0.1", 7001))],
)
def test_it_listens_where_it_is_told(monkeypatch, arguments, started):
    fake = FakeServer()
    monkeypatch.setattr(server, "create_server", lambda: fake)
    Command().run_from_argv(["varpulis", "lsp", *arguments])
    assert fake.started == [started]


def test_without_pygls_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pygls.lsp.server", None)
    monkeypatch.setitem(sys.modules, "pygls", None)
    monkeypatch.delitem(sys.modules, "engine.lsp.server", raising=False)
    with pytest.raises(SystemExit) as ended:
        Command().run_from_argv(["varpulis", "lsp"])
    assert ended.value.code == 2
    assert "pip install 'varpulis[lsp]'" in capsys.readouterr().err

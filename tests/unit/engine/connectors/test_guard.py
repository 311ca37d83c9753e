"""Where programs may connect to, and which files they may open."""

from ipaddress import ip_address, ip_network

import pytest

from engine import InvalidProgramError, LoadError, compile_program
from engine.connectors.base import ConnectorSpec
from engine.connectors.guard import Guard, RefusedError

STRICT = Guard(is_strict=True)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "fe80::1",
        "224.0.0.1",
        "0.0.0.0",
        "::",
        "fd00:ec2::254",
        "100.100.100.200",
        "::ffff:169.254.169.254",
    ],
)
def test_addresses_no_program_needs_are_refused(address):
    with pytest.raises(RefusedError, match="not allowed"):
        STRICT.check(ip_address(address))
    Guard().check(ip_address(address))
    Guard(networks=(ip_network("0.0.0.0/0"), ip_network("::/0"))).check(
        ip_address(address)
    )


def test_loopback_and_private_addresses_are_allowed_by_default():
    for address in ("127.0.0.1", "::1", "10.1.2.3", "192.168.1.1", "8.8.8.8"):
        STRICT.check(ip_address(address))


def test_with_networks_only_addresses_inside_them_are_allowed():
    guard = Guard(networks=(ip_network("10.0.0.0/8"),), is_strict=True)
    guard.check(ip_address("10.1.2.3"))
    guard.check(ip_address("::ffff:10.1.2.3"))
    with pytest.raises(RefusedError, match="none of the networks"):
        guard.check(ip_address("127.0.0.1"))


def test_names_are_checked_by_the_address_they_mean():
    assert STRICT.resolve("localhost", 80) in {"127.0.0.1", "::1"}
    guard = Guard(networks=(ip_network("10.0.0.0/8"),))
    with pytest.raises(RefusedError):
        guard.resolve("localhost", 80)


def test_a_path_stays_below_the_working_directory(tmp_path):
    guard = Guard(workdir=tmp_path)
    assert guard.path("a/../b.jsonl") == tmp_path.resolve() / "b.jsonl"
    assert guard.path(str(tmp_path / "c")) == tmp_path.resolve() / "c"
    for path in ("../x", "/etc/passwd", ".", "", "a/../../x", "x\0y"):
        with pytest.raises(RefusedError):
            guard.path(path)


def test_links_that_lead_out_are_refused(tmp_path):
    inside = tmp_path / "work"
    inside.mkdir()
    (inside / "file").symlink_to(tmp_path / "secret")
    (inside / "folder").symlink_to(tmp_path)
    (inside / "fine").symlink_to(inside / "real")
    guard = Guard(workdir=inside)
    for path in ("file", "folder/secret"):
        with pytest.raises(RefusedError, match="not below"):
            guard.path(path)
    assert guard.path("fine") == inside.resolve() / "real"


def test_without_a_working_directory_every_path_is_allowed():
    assert str(Guard().path("/tmp/x")) == "/tmp/x"


@pytest.mark.parametrize(
    ("kind", "params", "reason"),
    [
        ("http", {"url": "http://169.254.169.254/latest"}, "not allowed"),
        ("http", {"url": "http://[fe80::1]/"}, "not allowed"),
        ("http", {"url": "ftp://example.org/"}, "http:// or https://"),
        ("http", {"url": "example.org"}, "http:// or https://"),
        ("redis", {"url": "unix:///run/redis.sock"}, "redis://"),
        ("mqtt", {"host": "169.254.169.254"}, "not allowed"),
        ("kafka", {"brokers": "10.0.0.1:9092,169.254.1.1:9092"}, "not allowed"),
        ("http", {"url": "http://[broken/"}, "Invalid IPv6"),
    ],
)
def test_what_is_known_beforehand_is_refused_beforehand(kind, params, reason):
    assert reason in str(STRICT.refusal(ConnectorSpec("C", kind, params)))


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("mqtt", {}),
        ("mqtt", {"host": "localhost"}),
        ("mqtt", {"host": "broker:1884"}),
        ("mqtt", {"url": "mqtts://broker"}),
        ("http", {"url": "https://user:pass@example.org/x?y"}),
        ("file", {}),
        ("console", {}),
    ],
)
def test_the_usual_is_not_refused(kind, params):
    assert STRICT.refusal(ConnectorSpec("C", kind, params)) is None


def findings(source, guard):
    with pytest.raises(InvalidProgramError) as raised:
        compile_program(source, guard=guard)
    found = [item for item in raised.value.diagnostics if item.code == "E035"]
    return [(item.span.line, item.message) for item in found]


def test_a_program_that_uses_what_is_refused_has_errors(tmp_path):
    guard = Guard(workdir=tmp_path, is_strict=True)
    source = (
        'connector F = file (path: "../x")\n'
        'connector H = http (url: "http://169.254.169.254/")\n'
        'connector G = file (path: "fine")\n'
        'stream S = A.emit().to(F).to(G).to(G, path: "/etc/x")\n'
        "stream T = A.emit()\n"
        "    .to(H)\n"
    )
    found = findings(source, guard)
    assert [line for line, _ in found] == [4, 4, 6]
    assert "connector 'F': path '../x' is not below" in found[0][1]
    compile_program(source)


def test_a_connector_nobody_uses_does_no_harm(tmp_path):
    source = 'connector F = file (path: "../x")\nstream S = A.emit()'
    compile_program(source, guard=Guard(workdir=tmp_path))


def test_topics_and_keys_that_are_no_constants_are_left_alone(tmp_path):
    guard = Guard(workdir=tmp_path, is_strict=True)
    source = (
        'connector M = mqtt (host: "h")\n'
        'const NAME = "in"\nlet PATH = NAME + ".jsonl"\n'
        "connector F = file (path: PATH)\n"
        "fn f(x): x\n"
        'stream S = A.from(F).emit(x).to(M, topic: "t/" + x + f(x)).to(M, qos: x + f(1))'
    )
    compile_program(source, guard=guard)


@pytest.mark.parametrize("keyword", ["let", "var"])
def test_constants_that_need_themselves_are_an_error(keyword):
    source = (
        f"{keyword} a = b\n{keyword} b = a\n"
        "connector M = mqtt (host: a)\nstream S = A.emit().to(M)"
    )
    with pytest.raises(LoadError, match="is given by itself"):
        compile_program(source, guard=Guard())

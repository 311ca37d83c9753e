"""Which heads are plain, and that they are read once."""

import pytest

from cluster.hot import plain_head
from cluster.hot.plain_head import PlainHeads

GROUP = "f2b1d7a0-93b7-4f0e-8d27-0c6f4f2f8a55"
BASE = "/api/v1/cluster/"
PATH = f"{BASE}pipeline-groups/{GROUP}/inject"
HEADERS = {
    "Host": "127.0.0.1:9100",
    "X-API-Key": " k ",
    "Content-Type": "application/json; charset=utf-8",
    "Content-Length": "17",
}


def head_of(
    path: str = PATH, method: str = "POST", version: str = "1.1", **changes: str | None
) -> bytes:
    named = {name.replace("_", "-"): value for name, value in changes.items()}
    lines = [f"{n}: {v}" for n, v in (HEADERS | named).items() if v is not None]
    return "\r\n".join([f"{method} {path} HTTP/{version}", *lines, "", ""]).encode()


def test_a_plain_head_says_what_is_called_by_whom() -> None:
    head = PlainHeads().read(head_of())
    assert head is not None
    assert (head.call, head.target, head.host) == ("inject", GROUP, "127.0.0.1:9100")
    assert (head.key, head.length, head.sent_id) == ("k", 17, "")
    assert head.media_type == "application/json"


def test_a_plain_head_is_a_scope_for_the_long_way() -> None:
    head = PlainHeads().read(head_of(f"{PATH}?explain=true&x=%20"))
    assert head is not None
    assert head.scope["path"] == PATH
    assert head.scope["query_string"] == b"explain=true&x=%20"
    assert (b"host", b"127.0.0.1:9100") in head.scope["headers"]


@pytest.mark.parametrize(
    ("path", "call", "target"),
    [
        (f"{PATH}-batch?outputs=none", "inject-batch", GROUP),
        (f"{BASE}workers/depot-7.a:b/heartbeat", "heartbeat", "depot-7.a:b"),
    ],
)
def test_batches_and_heartbeats_are_plain_too(
    path: str, call: str, target: str
) -> None:
    head = PlainHeads().read(head_of(path))
    assert head is not None
    assert (head.call, head.target) == (call, target)


@pytest.mark.parametrize(
    ("path", "largest"),
    [(PATH, 1024 * 1024), (f"{PATH}-batch", 16 * 1024 * 1024)],
)
def test_bodies_have_the_limits_of_their_calls(path: str, largest: int) -> None:
    assert PlainHeads().read(head_of(path, Content_Length=str(largest))) is not None
    assert PlainHeads().read(head_of(path, Content_Length=str(largest + 1))) is None


def test_the_key_may_come_as_authorization() -> None:
    head = PlainHeads().read(head_of(X_API_Key=None, Authorization="Bearer b"))
    assert head is not None
    assert head.key == "b"


def test_a_head_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    heads = PlainHeads()
    first = heads.read(head_of())
    monkeypatch.setattr(plain_head, "_parse", lambda raw: None)
    assert heads.read(head_of()) is first
    assert heads.read(head_of(Content_Length="18")) is None


def test_a_head_with_a_request_id_is_not_remembered() -> None:
    heads = PlainHeads()
    head = heads.read(head_of(X_Request_Id="job-7"))
    assert head is not None
    assert head.sent_id == "job-7"
    assert heads._known == {}


def test_heads_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_head, "KNOWN_HEADS", 3)
    heads = PlainHeads()
    for length in range(1, 10):
        assert heads.read(head_of(Content_Length=str(length))) is not None
    assert len(heads._known) <= 3


@pytest.mark.parametrize(
    "raw",
    [
        head_of(f"{PATH}?x=\x80"),
        head_of(f"{BASE}workers/a%2Fb/heartbeat"),
        head_of(f"{BASE}workers/register"),
        head_of(f"{PATH}/"),
        head_of(f"{PATH}-other"),
        head_of(PATH.replace(GROUP, "by-name/parcels")),
        head_of(method="PUT"),
        head_of(version="1.0"),
        head_of(Content_Length="0"),
        head_of(Content_Length="+17"),
        head_of(Content_Length=None),
        head_of(Content_Length=None, Transfer_Encoding="chunked"),
        head_of(Transfer_Encoding="chunked"),
        head_of(Connection="close"),
        head_of(Connection="Upgrade", Upgrade="websocket"),
        head_of(Cookie="sessionid=x"),
        head_of(Origin="https://evil.example"),
        head_of(Expect="100-continue"),
        head_of(Idempotency_Key="1"),
        head_of(X_Padding="x" * 3000),
        head_of().replace(b"X-API-Key", b"Host: two\r\nX-API-Key"),
        b"POST nonsense\r\n\r\n",
    ],
)
def test_any_other_head_goes_the_long_way(raw: bytes) -> None:
    assert PlainHeads().read(raw) is None

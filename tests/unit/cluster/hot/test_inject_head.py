"""Which heads of inject requests are plain, and that they are read once."""

from uuid import UUID

import pytest

from cluster.hot import inject_head
from cluster.hot.inject_head import InjectHeads

GROUP = UUID("f2b1d7a0-93b7-4f0e-8d27-0c6f4f2f8a55")
PATH = f"/api/v1/cluster/pipeline-groups/{GROUP}/inject"
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


def test_a_plain_head_says_group_host_key_and_length() -> None:
    head = InjectHeads().read(head_of())
    assert head is not None
    assert (head.group_id, head.host) == (GROUP, "127.0.0.1:9100")
    assert (head.key, head.length, head.sent_id) == ("k", 17, "")


def test_the_key_may_come_as_authorization() -> None:
    head = InjectHeads().read(head_of(X_API_Key=None, Authorization="Bearer b"))
    assert head is not None
    assert head.key == "b"


def test_a_head_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    heads = InjectHeads()
    first = heads.read(head_of())
    monkeypatch.setattr(inject_head, "_parse", lambda raw: None)
    assert heads.read(head_of()) is first
    assert heads.read(head_of(Content_Length="18")) is None


def test_a_head_with_a_request_id_is_not_remembered() -> None:
    heads = InjectHeads()
    head = heads.read(head_of(X_Request_Id="job-7"))
    assert head is not None
    assert head.sent_id == "job-7"
    assert heads._known == {}


def test_heads_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inject_head, "KNOWN_HEADS", 3)
    heads = InjectHeads()
    for length in range(1, 10):
        assert heads.read(head_of(Content_Length=str(length))) is not None
    assert len(heads._known) <= 3


@pytest.mark.parametrize(
    "raw",
    [
        head_of(f"{PATH}?explain=true"),
        head_of(f"{PATH}/"),
        head_of(f"{PATH}-batch"),
        head_of(PATH.replace(str(GROUP), "by-name/parcels")),
        head_of(PATH.replace(str(GROUP), "-" * 36)),
        head_of(method="PUT"),
        head_of(version="1.0"),
        head_of(Content_Type="text/plain"),
        head_of(Content_Type=None),
        head_of(Content_Length="0"),
        head_of(Content_Length="99999"),
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
    assert InjectHeads().read(raw) is None

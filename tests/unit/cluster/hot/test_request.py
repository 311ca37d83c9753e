"""Requests read straight from ASGI."""

from collections.abc import Sequence
from typing import Any

import pytest

from cluster.exceptions import ClusterError
from cluster.hot.caller import check_host, presented_key
from cluster.hot.request import ClientGoneError, HotRequest

END = {"type": "http.disconnect"}


def chunk(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def request(*messages: dict[str, Any], query: str = "", **headers: str) -> HotRequest:
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    sent: Sequence[tuple[bytes, bytes]] = [
        (name.replace("_", "-").encode(), value.encode())
        for name, value in headers.items()
    ]
    return HotRequest(
        {
            "type": "http",
            "method": "POST",
            "path": "/x",
            "query_string": query.encode(),
            "headers": sent,
        },
        receive,
    )


def code_of(caught: "pytest.ExceptionInfo[ClusterError]") -> tuple[int, str]:
    return caught.value.error_status, caught.value.error_code


async def test_a_body_in_pieces_is_put_together() -> None:
    found = request(chunk(b"a", more=True), chunk(b"b", more=True), chunk(b"c"))
    assert await found.body(10) == b"abc"


@pytest.mark.parametrize(
    "messages",
    [[chunk(b"123456")], [chunk(b"123", more=True), chunk(b"456", more=True)]],
)
async def test_a_body_beyond_the_limit_is_413(messages: list[dict[str, Any]]) -> None:
    with pytest.raises(ClusterError) as caught:
        await request(*messages).body(5)
    assert code_of(caught) == (413, "body_too_large")


async def test_an_announced_length_beyond_the_limit_is_not_even_read() -> None:
    with pytest.raises(ClusterError) as caught:
        await request(content_length="6").body(5)
    assert code_of(caught) == (413, "body_too_large")


async def test_a_caller_that_goes_away_is_no_empty_body() -> None:
    with pytest.raises(ClientGoneError):
        await request(chunk(b"a", more=True), END).body(5)


@pytest.mark.parametrize(
    "sent", ["", "text/plain", "application/x-www-form-urlencoded"]
)
def test_another_media_type_is_415(sent: str) -> None:
    with pytest.raises(ClusterError) as caught:
        request(content_type=sent).media_type("application/json")
    assert code_of(caught) == (415, "unsupported_media_type")


def test_parameters_of_the_media_type_do_not_matter() -> None:
    found = request(content_type="Application/JSON; charset=utf-8")
    assert found.media_type("application/json") == "application/json"


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"x_api_key": " k "}, "k"),
        ({"authorization": "Bearer k"}, "k"),
        ({"authorization": "ApiKey k"}, "k"),
        ({"authorization": "Basic k"}, ""),
        ({"x_api_key": "a", "authorization": "Bearer b"}, "a"),
        ({}, ""),
    ],
)
def test_a_key_comes_in_one_of_three_forms(headers: dict[str, str], key: str) -> None:
    assert presented_key(request(**headers)) == key


@pytest.mark.parametrize("sent", ["a" * 129, "with space", "new\nline", "ünï"])
def test_a_strange_request_id_is_replaced(sent: str) -> None:
    assert request(x_request_id=sent).request_id != sent


def test_a_sane_request_id_is_kept() -> None:
    assert request(x_request_id="job-7").request_id == "job-7"


@pytest.mark.parametrize("query", ["explain=maybe", "explain=2"])
def test_a_flag_that_is_none_is_400(query: str) -> None:
    with pytest.raises(ClusterError) as caught:
        request(query=query).flag("explain")
    assert code_of(caught) == (400, "bad_request")


@pytest.mark.parametrize("host", ["evil.example", "", "127.0.0.1.evil.example"])
def test_a_foreign_host_name_is_refused(settings: Any, host: str) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
    with pytest.raises(ClusterError) as caught:
        check_host(request(host=host))
    assert code_of(caught) == (400, "bad_request")


@pytest.mark.parametrize("host", ["localhost:9100", "127.0.0.1", "[::1]:9100"])
def test_local_host_names_are_ours(settings: Any, host: str) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
    check_host(request(host=host))

"""Who may open a WebSocket."""

import base64
from typing import Any

import pytest

from cluster.access import Role
from cluster.realtime.handshake import (
    chosen_subprotocol,
    is_from_here,
    presented_key,
    role_of_handshake,
)

HOST = "localhost:9100"


def scope(*subprotocols: str, **headers: str) -> dict[str, Any]:
    return {
        "type": "websocket",
        "path": "/ws/topology/",
        "query_string": b"key=admin-key",
        "subprotocols": list(subprotocols),
        "headers": [
            (name.replace("_", "-").encode(), value.encode())
            for name, value in {"host": HOST, **headers}.items()
        ],
    }


def key_word(key: str) -> str:
    text = base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")
    return f"varpulis.key.{text}"


@pytest.fixture(autouse=True)
def with_key(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["localhost"]
    settings.VARPULIS = settings.VARPULIS | {"API_KEY": "admin-key"}


@pytest.mark.parametrize(
    ("origin", "fits"),
    [
        (f"http://{HOST}", True),
        (f"https://{HOST}", True),
        ("http://localhost:3000", False),
        ("http://evil.example", False),
        ("null", False),
        ("http://localhost:9100.evil.example", False),
    ],
)
def test_a_page_must_be_ours(origin: str, fits: bool) -> None:
    assert is_from_here(scope(origin=origin)) is fits


def test_a_program_sends_no_origin() -> None:
    assert is_from_here(scope())


def test_a_foreign_host_name_is_not_us() -> None:
    foreign = scope(host="evil.example", origin="http://evil.example")
    assert not is_from_here(foreign)


def test_a_listed_origin_may_connect(settings: Any) -> None:
    settings.CORS_ORIGINS = ["https://board.example"]
    assert is_from_here(scope(origin="https://board.example"))


@pytest.mark.parametrize("key", ["admin-key", "schlüssel/+?="])
def test_a_key_comes_in_a_subprotocol(key: str) -> None:
    assert presented_key(scope("varpulis", key_word(key))) == key


@pytest.mark.parametrize(
    "word", ["varpulis.key.", "varpulis.key.!!", "varpulis.key.__8"]
)
def test_a_subprotocol_that_holds_no_key_is_none(word: str) -> None:
    assert presented_key(scope(word)) == ""


def test_the_subprotocol_without_the_key_is_answered_if_there_is_one() -> None:
    assert chosen_subprotocol(scope(key_word("k"), "varpulis")) == "varpulis"
    assert chosen_subprotocol(scope(key_word("k"))) == key_word("k")
    assert chosen_subprotocol(scope()) is None


@pytest.mark.parametrize(
    ("sent", "role"),
    [
        (scope(x_api_key="admin-key"), Role.ADMIN),
        (scope(key_word("admin-key")), Role.ADMIN),
        (scope(x_api_key="wrong"), None),
        (scope(), None),
    ],
    ids=["header", "subprotocol", "wrong", "in the query only"],
)
async def test_the_role_is_that_of_the_key(sent: Any, role: Role | None) -> None:
    assert await role_of_handshake(sent) == role


async def test_without_a_key_on_the_coordinator_everybody_may(settings: Any) -> None:
    settings.VARPULIS = settings.VARPULIS | {"API_KEY": ""}
    assert await role_of_handshake(scope()) == Role.ADMIN

"""The hot path and the API views answer the same questions alike."""

from typing import Any

import pytest

from tests.integration.hot.coordinator_process import CoordinatorProcess

pytestmark = pytest.mark.process

NOBODY = "00000000-0000-4000-8000-000000000000"
HOT = f"pipeline-groups/{NOBODY}/inject"
TEXT = {"Content-Type": "text/plain"}


def shape(reply: Any) -> tuple[int, Any, set[str]]:
    """Return what must agree: status, code and the members of an error."""
    return reply.status, reply.body["code"], set(reply.body) - {"details"}


@pytest.mark.parametrize(
    ("key", "headers", "expected"),
    [
        (None, {}, (401, "missing_key")),
        ("wrong", {}, (401, "invalid_api_key")),
        (None, {"Authorization": "Bearer wrong"}, (401, "invalid_api_key")),
        (None, {"Authorization": "Basic YTpi"}, (401, "missing_key")),
        (None, {"Cookie": "sessionid=unknown"}, (401, "missing_key")),
    ],
    ids=["no key", "wrong key", "wrong bearer", "another scheme", "old cookie"],
)
def test_keys_are_judged_alike(
    coordinator: CoordinatorProcess,
    key: str | None,
    headers: dict[str, str],
    expected: tuple[int, str],
) -> None:
    hot = coordinator.call("POST", HOT, {}, key=key, headers=headers)
    view = coordinator.call("POST", "pipeline-groups", {}, key=key, headers=headers)
    assert shape(hot) == shape(view)
    assert shape(hot)[:2] == expected
    assert hot.headers["www-authenticate"] == view.headers["www-authenticate"]
    assert hot.body["error"] == view.body["error"]


@pytest.mark.parametrize("scheme", ["Bearer", "ApiKey"])
def test_a_key_may_come_as_authorization(
    coordinator: CoordinatorProcess, scheme: str
) -> None:
    headers = {"Authorization": f"{scheme} {coordinator.key}"}
    hot = coordinator.call("POST", HOT, {}, key=None, headers=headers)
    view = coordinator.call("GET", "workers", key=None, headers=headers)
    assert (hot.status, view.status) == (404, 200)


def test_unknown_groups_are_told_alike(coordinator: CoordinatorProcess) -> None:
    for selector in (NOBODY, "no-such-group", "by-name/none"):
        hot = coordinator.call("POST", f"pipeline-groups/{selector}/inject", {})
        view = coordinator.call("GET", f"pipeline-groups/{selector}")
        assert shape(hot) == shape(view) == (404, "group_not_found", {"error", "code"})
        assert hot.body["error"] == view.body["error"]


def test_methods_are_judged_after_the_key(coordinator: CoordinatorProcess) -> None:
    path = "workers/nobody/heartbeat"
    hot = coordinator.call("PUT", path, {})
    view = coordinator.call("PUT", "workers", {})
    assert shape(hot) == shape(view)
    assert hot.headers["allow"] == "POST"
    assert coordinator.call("PUT", path, {}, key=None).status == 401


@pytest.fixture
def standing(coordinator: CoordinatorProcess, worker: Any) -> str:
    return str(coordinator.deploy(f"rules-{worker.id}", {"p": worker.id})["id"])


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"x", TEXT, (415, "unsupported_media_type")),
        (b"{nope", {}, (400, "bad_json")),
        (b"{}", {}, (400, "bad_request")),
        (b'{"a":"' + b"x" * 1024 * 1024 + b'"}', {}, (413, "body_too_large")),
    ],
    ids=["media type", "no json", "missing members", "too large"],
)
def test_bodies_are_judged_alike(
    coordinator: CoordinatorProcess,
    standing: str,
    body: bytes,
    headers: dict[str, str],
    expected: tuple[int, str],
) -> None:
    hot_path = f"pipeline-groups/{standing}/inject"
    hot = coordinator.call("POST", hot_path, body, headers=headers)
    view = coordinator.call("POST", "workers/register", body, headers=headers)
    assert shape(hot) == shape(view)
    assert shape(hot)[:2] == expected


def test_foreign_host_names_are_refused_alike(coordinator: CoordinatorProcess) -> None:
    headers = {"Host": "evil.example"}
    hot = coordinator.call("POST", HOT, {}, headers=headers)
    view = coordinator.call("GET", "workers", headers=headers)
    assert shape(hot)[:2] == shape(view)[:2] == (400, "bad_request")


def test_a_login_cookie_needs_the_csrf_token_for_both(
    coordinator: CoordinatorProcess, standing: str
) -> None:
    cookie, token = sign_in(coordinator)
    hot_path = f"pipeline-groups/{standing}/inject"
    event = {"event_type": "P"}
    bare = {"Cookie": cookie}
    hot = coordinator.call("POST", hot_path, event, key=None, headers=bare)
    view = coordinator.call("POST", "validate", {}, key=None, headers=bare)
    assert shape(hot) == shape(view) == (403, "csrf_failed", {"error", "code"})
    signed = {"Cookie": cookie, "X-CSRFToken": token}
    assert (
        coordinator.call("POST", hot_path, event, key=None, headers=signed).status
        == 200
    )


def sign_in(coordinator: CoordinatorProcess) -> tuple[str, str]:
    """Sign in with the key as a browser does; return cookies and CSRF token."""
    page = coordinator.call("GET", "/login/", key=None)
    token = page.headers["set-cookie"].split("csrftoken=")[1].split(";")[0]
    form = f"csrfmiddlewaretoken={token}&key={coordinator.key}".encode()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": f"csrftoken={token}",
    }
    done = coordinator.call("POST", "/login/", form, key=None, headers=headers)
    assert done.status == 302, done
    session = done.headers["set-cookie"].split("sessionid=")[1].split(";")[0]
    return f"csrftoken={token}; sessionid={session}", token

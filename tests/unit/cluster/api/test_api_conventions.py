"""What holds for every call (api.md sections 1 to 3)."""

from typing import Any

import pytest

from cluster.api.views.overview import TopologyView

pytestmark = pytest.mark.django_db

CALLS = [
    ("GET", "/api/v1/cluster"),
    ("GET", "workers"),
    ("GET", "workers/x"),
    ("DELETE", "workers/x"),
    ("GET", "pipeline-groups"),
    ("POST", "pipeline-groups"),
    ("GET", "pipeline-groups/00000000-0000-4000-8000-000000000000"),
    ("DELETE", "pipeline-groups/00000000-0000-4000-8000-000000000000"),
    ("GET", "pipeline-groups/by-name/x"),
    ("GET", "topology"),
    ("POST", "validate"),
    ("GET", "events"),
    ("GET", "/api/schema/"),
    ("GET", "/api/docs/"),
    ("GET", "no-such-thing"),
    ("PATCH", "/api/no-such-thing"),
]


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_every_call_needs_a_key(
    api: Any, assert_error: Any, method: str, path: str
) -> None:
    response = api.call(method, path, {} if method == "POST" else None, key=None)
    assert_error(response, 401, "missing_key")
    assert response.headers["WWW-Authenticate"] == "ApiKey"


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_wrong_key_is_401_whatever_else_is_sent(
    api: Any, assert_error: Any, method: str, path: str
) -> None:
    response = api.call(method, path, b"{broken", key="wrong")
    assert_error(response, 401, "invalid_api_key")


@pytest.mark.parametrize("scheme", ["Bearer", "ApiKey", "bearer"])
def test_the_key_may_come_as_authorization(api: Any, scheme: str) -> None:
    authorization = f"{scheme} admin-key"
    assert api.get("workers", key=None, Authorization=authorization).status_code == 200


def test_without_a_configured_key_everybody_is_admin(api: Any, settings: Any) -> None:
    settings.VARPULIS = settings.VARPULIS | {"API_KEY": ""}
    assert api.get("workers", key=None).status_code == 200
    assert api.get("workers", key="whatever").status_code == 200
    assert api.delete("workers/x", key=None).status_code == 404


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
def test_an_unknown_path_is_404_for_every_method(
    api: Any, assert_error: Any, method: str
) -> None:
    assert_error(api.call(method, "no-such-thing"), 404, "not_found")


def test_a_wrong_method_is_405_and_names_the_right_ones(
    api: Any, assert_error: Any
) -> None:
    response = api.call("PUT", "workers", b"{broken")
    assert_error(response, 405, "method_not_allowed")
    assert {"GET", "HEAD", "OPTIONS"} == set(response.headers["Allow"].split(", "))


def test_the_method_is_judged_before_the_role(login: Any, assert_error: Any) -> None:
    api = login("viewer")
    response = api.call("PUT", "workers/x", key=None, X_CSRFToken=_token(api))
    assert_error(response, 405, "method_not_allowed")


@pytest.mark.parametrize("path", ["workers", "pipeline-groups", "topology", "events"])
def test_a_trailing_slash_answers_alike(api: Any, path: str) -> None:
    plain, slashed = api.get(path), api.get(f"{path}/")
    assert plain.status_code == slashed.status_code == 200
    assert plain.json() == slashed.json()


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", ""]
)
def test_other_media_types_are_415(
    api: Any, assert_error: Any, media_type: str
) -> None:
    response = api.call(
        "POST", "validate", b'{"source": ""}', **{"Content-Type": media_type}
    )
    assert_error(response, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "body",
    [
        b"{not json",
        b'{"source": NaN}',
        b'{"source": 1e999}',
        b'{"source": "\\ud800"}',
        b'{"source": "\xff"}',
        b'{"source": ""} trailing',
        b"[" * 5000,
    ],
)
def test_what_is_not_strict_json_is_400(
    api: Any, assert_error: Any, body: bytes
) -> None:
    assert_error(api.post("validate", body), 400, "bad_json")


@pytest.mark.parametrize("body", [[], "text", 7])
def test_a_body_that_is_no_object_is_400(
    api: Any, assert_error: Any, body: Any
) -> None:
    raw = b'"text"' if body == "text" else body
    assert_error(api.post("validate", raw), 400, "bad_request")


def test_of_equal_keys_the_last_counts(api: Any) -> None:
    body = b'{"source": "stream =", "source": "stream S = E .emit(n: 1)"}'
    assert api.post("validate", body).json()["valid"] is True


def test_nul_in_a_text_is_allowed(api: Any) -> None:
    assert api.post("validate", {"source": "# \x00"}).status_code == 200


def test_a_body_too_large_is_413(api: Any, assert_error: Any) -> None:
    body = b'{"source": "%b"}' % (b"x" * 4 * 1024 * 1024)
    found = assert_error(api.post("validate", body), 413, "body_too_large")
    assert found["details"]["limit_bytes"] == 4 * 1024 * 1024


def test_small_bodies_have_a_smaller_limit(api: Any, assert_error: Any) -> None:
    body = b'{"worker_id": "%b"}' % (b"x" * 1024 * 1024)
    assert_error(api.post("workers/register", body), 413, "body_too_large")


def test_a_sane_request_id_is_kept(api: Any) -> None:
    response = api.get("workers", X_Request_Id="abc-1.2:3")
    assert response.headers["X-Request-Id"] == "abc-1.2:3"


@pytest.mark.parametrize("sent", ["", "a b", "x" * 200, "a\tb"])
def test_a_strange_request_id_is_replaced(api: Any, sent: str) -> None:
    found = api.get("workers", X_Request_Id=sent).headers["X-Request-Id"]
    assert found != sent
    assert len(found) == 36


def test_a_bug_is_500_with_the_request_id_and_nothing_else(
    api: Any, assert_error: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(TopologyView, "get", broken)
    response = api.get("topology", X_Request_Id="r-1")
    body = assert_error(response, 500, "internal")
    assert body["details"] == {"request_id": "r-1"}
    assert "secret detail" not in response.content.decode()
    assert "r-1" in caplog.text


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=x",
        "offset=-1",
        "limit=1e3",
        "limit=" + "9" * 5000,
    ],
    ids=lambda query: query[:12],
)
@pytest.mark.parametrize("path", ["workers", "pipeline-groups"])
def test_bad_paging_is_400(api: Any, assert_error: Any, path: str, query: str) -> None:
    assert_error(api.get(f"{path}?{query}"), 400, "bad_request")


def test_a_user_without_a_group_has_no_access(login: Any, assert_error: Any) -> None:
    assert_error(login("nobody").get("workers", key=None), 401, "missing_key")


def _token(api: Any) -> str:
    """Return a CSRF token that the browser holds as a cookie, too."""
    token = "t" * 32
    api.django.cookies["csrftoken"] = token
    return token


@pytest.mark.parametrize(
    ("role", "status"), [("viewer", 403), ("operator", 403), ("admin", 404)]
)
def test_deleting_a_worker_needs_an_admin(login: Any, role: str, status: int) -> None:
    api = login(role)
    response = api.delete("workers/x", key=None, X_CSRFToken=_token(api))
    assert response.status_code == status
    if status == 403:
        assert response.json()["details"] == {"required": "admin"}


def test_a_login_without_the_csrf_token_changes_nothing(
    login: Any, assert_error: Any
) -> None:
    assert_error(login("admin").delete("workers/x", key=None), 403, "csrf_failed")


def test_a_wrong_key_beats_a_good_login(login: Any, assert_error: Any) -> None:
    assert_error(login("admin").get("workers", key="wrong"), 401, "invalid_api_key")


@pytest.mark.parametrize("path", ["/api/v1/cluster", "workers", "topology"])
def test_browsers_get_pages(login: Any, path: str) -> None:
    response = login("admin").get(path, key=None, Accept="text/html")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")
    assert b"Varpulis" in response.content or b"Django REST" in response.content


def test_browsers_get_errors_as_pages_too(api: Any) -> None:
    response = api.get("workers", key="wrong", Accept="text/html")
    assert response.status_code == 401
    assert b"invalid_api_key" in response.content


def test_paths_beside_the_api_have_the_one_error_shape(
    api: Any, assert_error: Any
) -> None:
    assert_error(api.get("/no-such-page", Accept="*/*"), 404, "not_found")
    assert_error(api.get("/health", Host="evil.example"), 400, "bad_request")
    page = api.get("/no-such-page", Accept="text/html,*/*;q=0.8")
    assert (page.status_code, page["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_whoever_wants_no_form_of_ours_gets_json(api: Any) -> None:
    response = api.get("workers", Accept="image/png")
    assert response.headers["Content-Type"] == "application/json"


def test_browsers_are_shown_where_to_sign_in(api: Any) -> None:
    page = api.get("workers", key=None, Accept="text/html").content.decode()
    assert "/login/?next=/api/v1/cluster/workers" in page


def test_browsers_are_offered_what_their_role_allows(login: Any, join: Any) -> None:
    join("w")
    api = login("viewer")
    page = api.get("workers/w", key=None, Accept="text/html").content.decode()
    assert 'data-method="DELETE"' not in page
    assert "/logout/" in page

"""What tests of the API share: a client that sends keys, and settings with one."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

BASE = "/api/v1/cluster"
KEY = "admin-key"


class ApiClient:
    """Calls the API; `key=None` sends none. Paths are below the base."""

    def __init__(self) -> None:
        self.django = Client(raise_request_exception=False, enforce_csrf_checks=True)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = KEY,
        **headers: str,
    ) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            sent["X-API-Key"] = key
        options: dict[str, Any] = {}
        if body is not None:
            raw = isinstance(body, bytes | str)
            options = {"data": body, "content_type": "application/json"}
            if not raw:
                options["data"] = json.dumps(body)
        if "Content-Type" in sent:
            options["content_type"] = sent.pop("Content-Type")
        full = path if path.startswith("/") else f"{BASE}/{path}"
        return self.django.generic(
            method,
            full,
            options.get("data", ""),
            options.get("content_type", "application/json"),
            headers=sent,
        )

    def get(self, path: str, **options: Any) -> Any:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.call("POST", path, body, **options)

    def delete(self, path: str, **options: Any) -> Any:
        return self.call("DELETE", path, **options)


@pytest.fixture(autouse=True)
def with_key(settings: Any, tmp_path: Any) -> Any:
    """Let the coordinator have a key and join tokens, bound to loopback."""
    settings.STATIC_ROOT = tmp_path
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.VARPULIS = settings.VARPULIS | {
        "API_KEY": KEY,
        "JOIN_TOKENS": ["token-1", "token-2"],
        "BIND": "127.0.0.1",
    }
    return settings


@pytest.fixture
def api() -> ApiClient:
    return ApiClient()


@pytest.fixture
def login(api: ApiClient) -> Callable[[str], ApiClient]:
    """Sign a browser in as a Django user of one group; the key is left out then."""

    def sign_in(role: str) -> ApiClient:
        user = User.objects.create_user(f"user-{role}")
        if role != "nobody":
            user.groups.add(Group.objects.get_or_create(name=role)[0])
        api.django.force_login(user)
        return api

    return sign_in


@pytest.fixture
def assert_error() -> Callable[..., dict[str, Any]]:
    def check(response: Any, status: int, code: str) -> dict[str, Any]:
        assert response.status_code == status, response.content
        body: dict[str, Any] = response.json()
        assert body["code"] == code
        assert isinstance(body["error"], str)
        assert body["error"]
        assert set(body) <= {"error", "code", "details"}
        return body

    return check

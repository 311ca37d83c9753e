"""API keys over the API (api.md sections 2 and 4.5)."""

from datetime import UTC, datetime, timedelta

import pytest

from cluster.models import ApiKey

pytestmark = pytest.mark.django_db

SOON = (datetime.now(UTC) + timedelta(days=30)).isoformat()


@pytest.fixture
def make(api, commits):
    def made(role="operator", **more):
        with commits():
            answer = api.call("POST", "keys", {"name": "ci", "role": role, **more})
        assert answer.status_code == 201, answer.content
        return answer.json()

    return made


def test_a_new_key_is_shown_once(api, make):
    made = make(expires_at=SOON)
    assert made["key"].startswith(made["prefix"] + "_")
    assert (made["status"], made["created_by"]) == ("active", "key:bootstrap")
    listed = api.get("keys").json()
    assert listed["total"] == 1
    assert listed["keys"] == [{k: v for k, v in made.items() if k != "key"}]
    assert made["key"] not in api.get("keys").content.decode()


@pytest.mark.parametrize(
    ("role", "reads", "deploys", "makes_keys"),
    [
        ("viewer", 200, 403, 403),
        ("operator", 200, 400, 403),
        ("admin", 200, 400, 200),
        ("worker", 403, 403, 403),
    ],
)
def test_a_key_allows_what_its_role_allows(api, make, role, reads, deploys, makes_keys):
    key = make(role)["key"]
    assert api.call("GET", "workers", key=key).status_code == reads
    assert api.call("POST", "pipeline-groups", {}, key=key).status_code == deploys
    assert api.call("GET", "keys", key=key).status_code == makes_keys


@pytest.mark.parametrize("scheme", ["Bearer", "ApiKey", "bearer"])
def test_a_key_is_taken_from_authorization_too(api, make, scheme):
    key = make()["key"]
    answer = api.call("GET", "workers", key=None, Authorization=f"{scheme} {key}")
    assert answer.status_code == 200


def test_a_rotated_key_has_two_secrets_for_a_while(api, make, commits):
    made = make()
    with commits():
        answer = api.call("POST", f"keys/{made['id']}/rotate", {})
    new = answer.json()["key"]
    for key in (made["key"], new):
        assert api.call("GET", "workers", key=key).status_code == 200
    with commits():
        api.call("POST", f"keys/{made['id']}/rotate", {"overlap_seconds": 0})
    for key in (made["key"], new):
        assert api.call("GET", "workers", key=key).status_code == 401


def test_a_revoked_key_is_refused_at_once_and_stays_listed(api, make, commits):
    made = make()
    with commits():
        answer = api.call("DELETE", f"keys/{made['id']}")
    assert answer.json() == {"revoked": True}
    refused = api.call("GET", "workers", key=made["key"])
    assert refused.json()["code"] == "invalid_api_key"
    assert api.get("keys").json()["keys"][0]["status"] == "revoked"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"role": "viewer"}, "name"),
        ({"name": "x", "role": "root"}, "role"),
        ({"name": "x"}, "role"),
        ({"name": "", "role": "viewer"}, "name"),
        ({"name": "x" * 129, "role": "viewer"}, "name"),
        ({"name": "x", "role": "viewer", "expires_at": "tomorrow"}, "expires_at"),
        ({"name": "x", "role": "viewer", "expires_at": 7}, "expires_at"),
        (
            {"name": "x", "role": "viewer", "expires_at": "2020-01-01T00:00:00Z"},
            "expires_at",
        ),
        (
            {"name": "x", "role": "viewer", "expires_at": "2099-01-01T00:00:00"},
            "expires_at",
        ),
    ],
)
def test_a_key_that_cannot_be_meant_is_refused(api, body, path):
    answer = api.call("POST", "keys", body)
    assert answer.status_code == 400
    assert answer.json()["details"]["errors"][0]["path"] == path
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("overlap", [-1, "x", 31 * 24 * 3600])
def test_an_overlap_nobody_would_mean_is_refused(api, make, overlap):
    path = f"keys/{make()['id']}/rotate"
    answer = api.call("POST", path, {"overlap_seconds": overlap})
    assert answer.status_code == 400


@pytest.mark.parametrize("key_id", ["x", "9a4c3f0e-0000-4000-8000-000000000000"])
def test_an_unknown_key_is_not_found(api, key_id):
    for answer in (
        api.call("DELETE", f"keys/{key_id}"),
        api.call("POST", f"keys/{key_id}/rotate", {}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "key_not_found")


def test_a_browser_signed_in_with_a_key_is_out_once_it_is_revoked(api, make, commits):
    made = make("viewer")
    page = api.django.get("/login/")
    form = {"key": made["key"], "csrfmiddlewaretoken": page.cookies["csrftoken"].value}
    assert api.django.post("/login/", form).status_code == 302
    assert api.call("GET", "workers", key=None).status_code == 200
    with commits():
        api.call("DELETE", f"keys/{made['id']}")
    assert api.call("GET", "workers", key=None).status_code == 401

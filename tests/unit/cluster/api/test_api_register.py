"""POST workers/register: who may join (api.md section 2), and what is answered."""

from typing import Any

import pytest

from cluster.models import Worker

pytestmark = pytest.mark.django_db

BODY = {"worker_id": "w", "address": "http://127.0.0.1:9000", "api_key": "own-key"}
REMOTE = {"REMOTE_ADDR": "10.1.2.3"}


def send(api: Any, body: Any = None, *, peer: str = "127.0.0.1", **options: Any) -> Any:
    api.django.defaults["REMOTE_ADDR"] = peer
    return api.post("workers/register", BODY if body is None else body, **options)


def test_it_answers_what_a_worker_needs(api: Any) -> None:
    response = send(api)
    assert response.status_code == 201
    body = response.json()
    assert list(body)[:3] == ["worker_id", "status", "heartbeat_interval_seconds"]
    assert (body["worker_id"], body["status"]) == ("w", "registered")
    assert body["heartbeat_interval_seconds"] == 5
    assert body["heartbeat_timeout_seconds"] == 15
    assert body["actions"] == []
    assert "own-key" not in response.content.decode()


def test_it_takes_the_golden_request(api: Any, golden: Any) -> None:
    assert send(api, golden("register_request.json")).status_code == 201
    worker = Worker.objects.get()
    assert (worker.max_pipelines, worker.pipelines_running) == (40, 1)
    assert worker.labels == {"zone": "north"}


# -- row 1: a coordinator key ------------------------------------------------------


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.1.2.3"])
def test_a_coordinator_key_joins_from_anywhere(api: Any, peer: str) -> None:
    body = BODY | {"address": "http://10.1.2.3:9000"}
    assert send(api, body, peer=peer).status_code == 201


@pytest.mark.parametrize(
    ("role", "status"), [("viewer", 403), ("operator", 201), ("admin", 201)]
)
def test_a_login_joins_by_its_role(login: Any, role: str, status: int) -> None:
    api = login(role)
    api.django.cookies["csrftoken"] = "t" * 32
    response = send(api, key=None, peer="10.1.2.3", X_CSRFToken="t" * 32)
    assert response.status_code == status


# -- row 2: a join token -----------------------------------------------------------


@pytest.mark.parametrize("token", ["token-1", "token-2"])
@pytest.mark.parametrize("key", [None, "own-key"])
def test_a_join_token_joins_from_anywhere(
    api: Any, token: str, key: str | None
) -> None:
    body = BODY | {"address": "http://10.1.2.3:9000"}
    response = send(api, body, key=key, peer="10.1.2.3", X_Join_Token=token)
    assert response.status_code == 201


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.1.2.3"])
def test_a_wrong_join_token_is_401_even_from_here(
    api: Any, assert_error: Any, peer: str
) -> None:
    response = send(api, key=None, peer=peer, X_Join_Token="token-3")
    assert_error(response, 401, "join_refused")
    assert not Worker.objects.exists()


# -- row 3: nothing, or the worker's own key, from this machine to this machine ----


@pytest.mark.parametrize("key", [None, "own-key"])
@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_a_process_of_this_machine_joins_without_a_credential(
    api: Any, key: str | None, peer: str
) -> None:
    assert send(api, key=key, peer=peer).status_code == 201


@pytest.mark.parametrize("key", [None, "own-key"])
@pytest.mark.parametrize("peer", ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1", ""])
def test_a_process_of_another_machine_does_not(
    api: Any, assert_error: Any, key: str | None, peer: str
) -> None:
    body = assert_error(send(api, key=key, peer=peer), 401, "join_refused")
    assert "--coordinator-api-key" in body["error"]
    assert "--join-token" in body["error"]


@pytest.mark.parametrize("header", ["Origin", "Forwarded", "X_Forwarded_For"])
def test_a_call_passed_on_by_somebody_does_not(
    api: Any, assert_error: Any, header: str
) -> None:
    response = send(api, key=None, **{header: "http://127.0.0.1"})
    assert_error(response, 401, "join_refused")


def test_a_bind_that_others_reach_asks_for_a_credential(
    api: Any, assert_error: Any, settings: Any
) -> None:
    settings.VARPULIS = settings.VARPULIS | {"BIND": "0.0.0.0"}
    assert_error(send(api, key=None), 401, "join_refused")


@pytest.mark.parametrize("host", ["10.1.2.3", "93.184.216.34", "[2001:db8::1]"])
def test_an_address_elsewhere_asks_for_a_credential(
    api: Any, assert_error: Any, host: str
) -> None:
    body = BODY | {"address": f"http://{host}:9000"}
    assert_error(send(api, body, key=None), 401, "join_refused")


# -- row 4: any other key ----------------------------------------------------------


@pytest.mark.parametrize("token", ["", "token-1"])
@pytest.mark.parametrize("peer", ["127.0.0.1", "10.1.2.3"])
def test_any_other_key_is_401(
    api: Any, assert_error: Any, token: str, peer: str
) -> None:
    response = send(api, key="wrong", peer=peer, X_Join_Token=token)
    assert_error(response, 401, "invalid_api_key")
    assert not Worker.objects.exists()


@pytest.mark.parametrize("body", [b"{broken", b"[]", b"{}", b'{"api_key": 7}'])
def test_a_wrong_key_is_401_however_broken_the_body_is(
    api: Any, assert_error: Any, body: bytes
) -> None:
    assert_error(send(api, body, key="wrong"), 401, "invalid_api_key")


def test_an_empty_own_key_equals_nothing(api: Any, assert_error: Any) -> None:
    response = send(api, BODY | {"api_key": ""}, key=" x")
    assert_error(response, 401, "invalid_api_key")


# -- the body ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"worker_id": None}, "worker_id"),
        ({"worker_id": 7}, "worker_id"),
        ({"worker_id": "-x"}, "worker_id"),
        ({"worker_id": "x" * 129}, "worker_id"),
        ({"worker_id": "a/b"}, "worker_id"),
        ({"address": 1}, "address"),
        ({"api_key": []}, "api_key"),
        ({"capacity": {"max_pipelines": "5"}}, "capacity.max_pipelines"),
        ({"capacity": {"max_pipelines": -1}}, "capacity.max_pipelines"),
        ({"capacity": 3}, "capacity"),
        ({"labels": []}, "labels"),
        ({"pipelines": {}}, "pipelines"),
    ],
)
def test_a_field_of_the_wrong_type_is_400(
    api: Any, assert_error: Any, changes: Any, path: str
) -> None:
    body = assert_error(send(api, BODY | changes), 400, "bad_request")
    assert [item["path"] for item in body["details"]["errors"]] == [path]


@pytest.mark.parametrize("name", ["worker_id", "address", "api_key"])
def test_a_missing_field_is_400(api: Any, assert_error: Any, name: str) -> None:
    body = {key: value for key, value in BODY.items() if key != name}
    found = assert_error(send(api, body), 400, "bad_request")
    assert found["details"]["errors"][0]["path"] == name


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1:9000",
        "ftp://127.0.0.1:9000",
        "http://127.0.0.1",
        "http://127.0.0.1:9000/path",
        "http://user@127.0.0.1:9000",
        "http://127.0.0.1:9000?x=1",
        "http://127.0.0.1:9000#x",
        "http://0.0.0.0:9000",
        "http://[::]:9000",
        "http://224.0.0.1:9000",
        "http://169.254.1.1:9000",
        "http://[fe80::1]:9000",
        "http://[::ffff:169.254.169.254]:80",
        "http://127.0.0.1:99999",
        "http://:9000",
        "",
    ],
)
def test_an_address_nobody_can_be_called_at_is_refused(api: Any, address: str) -> None:
    response = send(api, BODY | {"address": address})
    assert response.status_code == (422 if address else 400)
    assert response.json()["code"] == ("bad_address" if address else "bad_request")


def test_addresses_can_be_limited_to_networks(
    api: Any, assert_error: Any, settings: Any
) -> None:
    settings.VARPULIS = settings.VARPULIS | {"WORKER_NETWORKS": ["10.4.0.0/16"]}
    assert_error(send(api), 422, "bad_address")
    assert send(api, BODY | {"address": "http://10.4.7.1:9000"}).status_code == 201


def test_an_id_in_use_is_409(api: Any, assert_error: Any) -> None:
    send(api)
    other = BODY | {"address": "http://127.0.0.1:9001", "api_key": "other"}
    body = assert_error(send(api, other), 409, "worker_id_in_use")
    assert body["details"]["address"] == "http://127.0.0.1:9000"


def test_unknown_members_are_named(api: Any, assert_error: Any) -> None:
    body = BODY | {"colour": "red", "capacity": {"gpus": 1}}
    warnings = send(api, body).json()["warnings"]
    assert ["colour" in warnings[0], "capacity.gpus" in warnings[1]] == [True, True]


def test_registering_with_get_is_405(api: Any, assert_error: Any) -> None:
    assert_error(api.get("workers/register"), 405, "method_not_allowed")

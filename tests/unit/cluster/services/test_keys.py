"""API keys: what is stored, what is found, and until when."""

from datetime import UTC, datetime, timedelta

import pytest

from cluster.access import Role, is_open_to_all, owner_of_key
from cluster.exceptions import KeyNotFoundError
from cluster.key_ring import RING
from cluster.models import ApiKey, ClusterEvent
from cluster.services.keys import (
    create_key,
    load_key_ring,
    revoke_key,
    rotate_key,
    store_uses,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


@pytest.fixture
def make(commits):
    def made(**facts):
        with commits():
            return create_key(
                **{"name": "ci", "role": Role.OPERATOR, "now": NOW} | facts
            )

    return made


def found(secret, now=NOW):
    key = RING.find(secret, now.timestamp())
    return key.role if key else None


def test_a_key_is_known_at_once_and_its_secret_is_stored_nowhere(make):
    key, secret = make()
    assert secret.startswith(f"vp_{key.prefix}_")
    assert found(secret) == "operator"
    row = ApiKey.objects.values().get()
    assert not any(secret.rpartition("_")[2] in str(value) for value in row.values())


def test_the_owner_of_a_key_is_named_by_its_prefix(make):
    key, secret = make(role=Role.VIEWER)
    owner = owner_of_key(secret)
    assert owner.role is Role.VIEWER
    assert owner.name == f"key:vp_{key.prefix}"


@pytest.mark.parametrize("wrong", ["{}x", "x{}", "vp_", "vp__", "", "vp_zzzzzzzz_a"])
def test_another_text_is_no_key(make, wrong):
    _, secret = make()
    assert found(wrong.format(secret)) is None


def test_the_secret_of_one_key_does_not_open_another(make):
    one, first = make()
    other, _ = make(role=Role.ADMIN)
    assert found(first.replace(one.prefix, other.prefix)) is None


def test_a_key_ends_at_its_time(make):
    _, secret = make(expires_at=NOW + timedelta(hours=1))
    assert found(secret, NOW + timedelta(minutes=59)) == "operator"
    assert found(secret, NOW + timedelta(hours=1)) is None


def test_both_secrets_are_good_while_a_rotation_lasts(make, commits):
    key, old = make()
    with commits():
        _, new = rotate_key(key_id=key.pk, now=NOW, overlap_s=60)
    assert old != new
    assert found(old, NOW + timedelta(seconds=59)) == found(new) == "operator"
    assert found(old, NOW + timedelta(seconds=60)) is None
    assert found(new, NOW + timedelta(seconds=60)) == "operator"


def test_a_rotation_without_overlap_ends_the_old_secret_at_once(make, commits):
    key, old = make()
    with commits():
        _, new = rotate_key(key_id=key.pk, now=NOW, overlap_s=0)
    assert found(old) is None
    assert found(new) == "operator"


def test_a_revoked_key_is_gone_and_cannot_be_rotated(make, commits):
    key, secret = make()
    with commits():
        revoke_key(key_id=key.pk, now=NOW)
    assert found(secret) is None
    with pytest.raises(KeyNotFoundError):
        rotate_key(key_id=key.pk, now=NOW)


def test_revoking_twice_is_told_once(make):
    key, _ = make()
    revoke_key(key_id=key.pk, now=NOW)
    revoke_key(key_id=key.pk, now=NOW + timedelta(hours=1))
    assert ApiKey.objects.get().revoked_at == NOW
    assert ClusterEvent.objects.filter(type="key.revoked").count() == 1


def test_the_history_names_keys_without_their_secrets(make, commits):
    key, old = make(created_by="key:bootstrap")
    _, new = rotate_key(key_id=key.pk, now=NOW)
    revoke_key(key_id=key.pk, now=NOW)
    events = list(ClusterEvent.objects.order_by("seq"))
    assert [e.type for e in events] == ["key.created", "key.rotated", "key.revoked"]
    told = " ".join(f"{e.message} {e.data}" for e in events)
    assert key.prefix in told
    assert old not in told
    assert new not in told


def test_keys_that_another_process_changed_are_found(make):
    key, secret = make()
    revoke_key(key_id=key.pk, now=NOW)  # its callback on commit never runs here
    assert found(secret) == "operator"
    load_key_ring()
    assert found(secret) is None


def test_unchanged_keys_are_not_read_again(make, django_assert_num_queries):
    make()
    with django_assert_num_queries(1):
        load_key_ring()


def test_the_last_use_only_grows(make):
    key, secret = make()
    found(secret, NOW)
    store_uses(RING.take_uses())
    store_uses({key.pk: (NOW - timedelta(hours=1)).timestamp()})
    assert ApiKey.objects.get().last_used_at == NOW
    assert RING.take_uses() == {}


def test_one_stored_key_closes_a_coordinator_that_was_open(make, settings):
    settings.VARPULIS = {**settings.VARPULIS, "API_KEY": ""}
    assert is_open_to_all()
    make()
    assert not is_open_to_all()

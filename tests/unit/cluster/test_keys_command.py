"""`varpulis keys` on the database of a coordinator."""

import json

import pytest
from django.core.management import call_command

from cluster.key_ring import RING
from cluster.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def keys(capsys, commits):
    def run(*words):
        with commits():
            call_command("keys", *words)
        return capsys.readouterr().out.strip()

    return run


def is_known(secret):
    return RING.find(secret, 0.0) is not None


def test_a_key_is_made_rotated_and_revoked(keys):
    secret = keys("create", "ci", "--role", "operator")
    assert is_known(secret)
    newer = keys("rotate", "ci", "--overlap", "0")
    assert is_known(newer)
    assert not is_known(secret)
    assert "revoked" in keys("revoke", newer[: len("vp_") + 8])
    assert not is_known(newer)


def test_the_list_has_no_secrets(keys):
    made = json.loads(keys("create", "ci", "--role", "viewer", "--json"))
    listed = keys("list", "--json")
    assert made["key"] not in listed
    assert json.loads(listed)["keys"][0]["prefix"] == made["prefix"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("create", "x", "--role", "viewer", "--expires", "soon"), 2, "expires_at"),
        (("rotate", "nothing"), 1, "there is no key 'nothing'"),
        (("rotate", "twin"), 1, "several keys are called 'twin'"),
        (("revoke", "nothing"), 1, "there is no key 'nothing'"),
    ],
)
def test_what_cannot_be_done_is_told(keys, capsys, words, code, told):
    keys("create", "twin", "--role", "viewer")
    keys("create", "twin", "--role", "viewer")
    with pytest.raises(SystemExit) as left:
        keys(*words)
    assert left.value.code == code
    assert told in capsys.readouterr().err


def test_a_name_of_a_revoked_key_may_be_used_again(keys):
    keys("create", "ci", "--role", "viewer")
    keys("revoke", "ci")
    keys("create", "ci", "--role", "viewer")
    assert keys("rotate", "ci").startswith("vp_")


def test_the_audit_tells_who_ran_it(keys):
    keys("create", "ci", "--role", "viewer")
    entry = AuditEntry.objects.get()
    assert entry.who.startswith("cli:")
    assert (entry.method, entry.path) == ("CLI", "keys create")

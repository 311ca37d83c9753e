"""Keys at rest and in comparison."""

from typing import Any

import pytest

from cluster.secrets import (
    UndecryptableKeyError,
    decrypt_key,
    encrypt_key,
    equal_keys,
    hash_key,
    matches_hash,
)


def test_a_key_comes_back_as_it_was() -> None:
    assert decrypt_key(encrypt_key("kéy-\N{SNOWMAN}")) == "kéy-\N{SNOWMAN}"


def test_two_encryptions_of_a_key_differ() -> None:
    assert encrypt_key("k") != encrypt_key("k")


def test_no_token_is_no_key() -> None:
    assert decrypt_key("") == ""


def test_another_secret_cannot_read_it(settings: Any) -> None:
    token = encrypt_key("k")
    settings.SECRET_KEY = "another"
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(UndecryptableKeyError):
        decrypt_key(token)


def test_a_rotated_secret_still_reads_and_checks(settings: Any) -> None:
    token, key_hash = encrypt_key("k"), hash_key("k")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "new"
    assert decrypt_key(token) == "k"
    assert matches_hash("k", key_hash)
    assert hash_key("k") != key_hash


@pytest.mark.parametrize(
    ("presented", "equal"),
    [("key", True), ("ke", False), ("keyy", False), ("\udcff", False)],
)
def test_keys_are_compared_whatever_they_hold(presented: str, equal: bool) -> None:
    assert equal_keys(presented, "key") is equal
    assert matches_hash(presented, hash_key("key")) is equal

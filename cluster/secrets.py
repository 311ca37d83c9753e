"""Keys of workers: encrypted at rest, hashed for checking, compared in constant time.

The coordinator needs a worker's key in clear to call the worker, so it is stored
encrypted with a key derived from SECRET_KEY; incoming keys are compared by a keyed
hash. SECRET_KEY_FALLBACKS are tried for both, so that the secret can be rotated.
"""

import base64
import hmac
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

ENCRYPTION_PURPOSE = b"varpulis worker key encryption"
HASH_PURPOSE = b"varpulis key hash"
CACHED_KEYS = 4096  # decrypted worker keys held in memory, and as many hashes
LONGEST_REMEMBERED = 256  # characters of a key whose hash is held


class UndecryptableKeyError(Exception):
    """A stored worker key was encrypted under another SECRET_KEY."""


def encrypt_key(key: str) -> str:
    """Return the key encrypted under the current SECRET_KEY."""
    return _cipher(_secrets()).encrypt(key.encode()).decode()


def decrypt_key(token: str) -> str:
    """Return the key in clear, empty for an empty token.

    Raises UndecryptableKeyError if SECRET_KEY changed since it was stored; the worker
    has to register again.
    """
    return _decrypt(token, _secrets()) if token else ""


def hash_key(key: str) -> str:
    """Return a keyed hash by which the key can be checked but not found."""
    return _digest(key, _secrets()[0])


def matches_hash(key: str, key_hash: str) -> bool:
    """Tell in constant time whether `key` is the one that was hashed."""
    return any(hmac.compare_digest(_digest(key, s), key_hash) for s in _secrets())


def equal_keys(presented: str, expected: str) -> bool:
    """Compare two keys in constant time, whatever characters they hold."""
    return hmac.compare_digest(
        presented.encode("utf-8", "surrogatepass"),
        expected.encode("utf-8", "surrogatepass"),
    )


def _secrets() -> tuple[str, ...]:
    found = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return tuple(item if isinstance(item, str) else item.decode() for item in found)


@lru_cache(maxsize=8)
def _derived(secret: str, purpose: bytes) -> bytes:
    return hmac.new(secret.encode(), purpose, "sha256").digest()


@lru_cache(maxsize=4)
def _cipher(secrets: tuple[str, ...]) -> MultiFernet:
    keys = (_derived(secret, ENCRYPTION_PURPOSE) for secret in secrets)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])


@lru_cache(maxsize=CACHED_KEYS)
def _decrypt(token: str, secrets: tuple[str, ...]) -> str:
    try:
        return _cipher(secrets).decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise UndecryptableKeyError("stored under another SECRET_KEY") from error


def _digest(key: str, secret: str) -> str:
    """Return the keyed hash; that of a key of usual length is remembered.

    Workers present theirs again and again, and OpenSSL takes long to get ready for
    a hash. Looking a key up tells nobody how much of it was right: what is compared
    first is a hash with a secret of its own.
    """
    short = len(key) <= LONGEST_REMEMBERED
    return _remembered_digest(key, secret) if short else _new_digest(key, secret)


def _new_digest(key: str, secret: str) -> str:
    data = key.encode("utf-8", "surrogatepass")
    return hmac.digest(_derived(secret, HASH_PURPOSE), data, "sha256").hex()


_remembered_digest = lru_cache(maxsize=CACHED_KEYS)(_new_digest)

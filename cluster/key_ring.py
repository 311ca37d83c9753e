"""The stored API keys in memory, so that checking one asks no database.

Every process holds one ring. It is replaced as a whole: at once where a key is made,
rotated or revoked, and within a second in the other processes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from cluster.secrets import matches_hash

KEY_FORM = "vp_<prefix>_<secret>"
MARK = "vp"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What is needed to check a key; times are seconds since the epoch."""

    id: UUID
    prefix: str
    role: str
    secret_hash: str
    previous_hash: str = ""
    previous_until_s: float = 0.0
    expires_s: float | None = None

    def has_expired(self, now_s: float) -> bool:
        """Tell whether its time is over."""
        return self.expires_s is not None and now_s >= self.expires_s

    def hashes(self, now_s: float) -> tuple[str, ...]:
        """Return the hashes of the secrets that are good now: one, or two."""
        if self.previous_hash and now_s < self.previous_until_s:
            return (self.secret_hash, self.previous_hash)
        return (self.secret_hash,)


class KeyRing:
    """Finds the stored key behind a text; safe to ask from any thread."""

    def __init__(self) -> None:
        """Start without keys."""
        self.version = -1
        self._keys: Mapping[str, StoredKey] = {}
        self._uses: dict[UUID, float] = {}

    def __bool__(self) -> bool:
        """Tell whether there is any key."""
        return bool(self._keys)

    def replace(self, keys: Iterable[StoredKey], *, version: int = 0) -> None:
        """Hold these keys and no others from now on."""
        self._keys = {key.prefix: key for key in keys}
        self.version = version

    def find(self, presented: str, now_s: float) -> StoredKey | None:
        """Return the key that was presented and note its use; None if it is none."""
        mark, _, rest = presented.partition("_")
        prefix, _, secret = rest.partition("_")
        if mark != MARK or not secret:
            return None
        key = self._valid(prefix, now_s)
        if key is None or not _is_secret_of(key, presented, now_s):
            return None
        self._uses[key.id] = now_s
        return key

    def find_hash(self, prefix: str, key_hash: str, now_s: float) -> StoredKey | None:
        """Return the key whose hash a session kept, if that secret is still good."""
        key = self._valid(prefix, now_s)
        return key if key is not None and key_hash in key.hashes(now_s) else None

    def take_uses(self) -> dict[UUID, float]:
        """Return which keys were used when since the last call."""
        taken, self._uses = self._uses, {}
        return taken

    def _valid(self, prefix: str, now_s: float) -> StoredKey | None:
        key = self._keys.get(prefix)
        return None if key is None or key.has_expired(now_s) else key


def prefix_of(presented: str) -> str:
    """Return the visible part of a stored key, empty for a text of another form."""
    mark, _, rest = presented.partition("_")
    return rest.partition("_")[0] if mark == MARK else ""


def _is_secret_of(key: StoredKey, presented: str, now_s: float) -> bool:
    # Both are compared: time must not tell which of them it was.
    found = [matches_hash(presented, known) for known in key.hashes(now_s)]
    return any(found)


RING = KeyRing()

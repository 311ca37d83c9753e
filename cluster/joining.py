"""Who may register as a worker: the table of api.md section 2. Pure but for settings."""

from dataclasses import dataclass, field

from cluster import conf
from cluster.access import WORKER_CALLERS, Role, is_join_token
from cluster.conf import is_loopback_host
from cluster.exceptions import ForbiddenError, InvalidKeyError, JoinRefusedError
from cluster.secrets import equal_keys

FORWARDING_HEADERS = ("Origin", "Forwarded", "X-Forwarded-For")
BOTH_WAYS = (
    "give the worker --coordinator-api-key with a key of this coordinator, or "
    "--join-token with its join token"
)


@dataclass(frozen=True, slots=True)
class JoinAttempt:
    """What the caller showed before anything of the body is believed.

    `role` is that of a coordinator key or a login, None without one. `key` is the
    X-API-Key as sent. `came_directly`: the socket peer is on this machine, and no
    header says that somebody passed the call on.
    """

    role: Role | None
    key: str = field(default="", repr=False)
    join_token: str = field(default="", repr=False)
    came_directly: bool = False

    @property
    def needs_own_key(self) -> bool:
        """Tell whether the key can only be right by equalling that of the body."""
        return self.role is None and bool(self.key)


def judge_credentials(attempt: JoinAttempt, *, body_key: str | None) -> bool:
    """Return True for a coordinator key or join token, False for a local process.

    `body_key` is the worker's own key, None if the body told none. Raises
    ForbiddenError, InvalidKeyError or JoinRefusedError.
    """
    if attempt.role is not None:
        if attempt.role not in WORKER_CALLERS:
            raise ForbiddenError(
                f"the role {attempt.role} may not register workers",
                details={"required": Role.WORKER.value},
            )
        return True
    if attempt.key and not (body_key and equal_keys(attempt.key, body_key)):
        raise InvalidKeyError("this API key is not one of this coordinator")
    if attempt.join_token:
        if is_join_token(attempt.join_token):
            return True
        raise JoinRefusedError("this join token is not one of this coordinator")
    if not attempt.came_directly or not conf.current().is_bound_to_loopback:
        raise JoinRefusedError(
            f"a worker needs a credential to join from elsewhere: {BOTH_WAYS}"
        )
    return False


def judge_address(*, has_credential: bool, address_is_loopback: bool) -> None:
    """Raise JoinRefusedError for a worker without credential on another machine."""
    if not has_credential and not address_is_loopback:
        raise JoinRefusedError(
            "a worker that advertises an address beyond this machine needs a "
            f"credential: {BOTH_WAYS}"
        )


def is_direct_peer(peer: str, forwarding: list[str | None]) -> bool:
    """Tell whether a socket peer is on this machine and speaks for itself."""
    return is_loopback_host(peer) and not any(value is not None for value in forwarding)

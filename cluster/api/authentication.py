"""Who calls: an API key, or the login cookie of a browser (api.md section 2)."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.request import Request

from cluster.access import Role, is_open_to_all, owner_of_key
from cluster.exceptions import ClusterError, InvalidKeyError
from cluster.login import role_of_session

SCHEMES = frozenset({"bearer", "apikey"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever makes a request, with the role that counts for it."""

    role: Role
    name: str
    is_authenticated: bool = True

    def __str__(self) -> str:
        """Return the name, as the browsable API shows it."""
        return self.name


class CsrfFailedError(ClusterError):
    """A call with the login cookie came without the token of our own pages."""

    status = 403
    code = "csrf_failed"


class KeyAuthentication(BaseAuthentication):
    """`X-API-Key`, or `Authorization` with scheme Bearer or ApiKey."""

    def authenticate(self, request: Request) -> tuple[Caller, None] | None:
        """Return the owner of the key, None without one; a wrong key raises 401."""
        if is_open_to_all():
            return Caller(Role.ADMIN, "anybody"), None
        key = presented_key(request)
        if not key:
            return None
        owner = owner_of_key(key)
        if owner is None:
            raise InvalidKeyError("this API key is not known here")
        return Caller(owner.role, owner.name), None

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge that makes a missing key 401 rather than 403."""
        return "ApiKey"


class CookieAuthentication(BaseAuthentication):
    """The login cookie; calls that change something need the CSRF token too."""

    def authenticate(self, request: Request) -> tuple[Caller, None] | None:
        """Return whoever signed in, None if nobody did."""
        session = getattr(request._request, "session", None)
        role = role_of_session(session) if session is not None else None
        if role is None:
            return None
        self._enforce_csrf(request)
        user = getattr(request._request, "user", None)
        name = str(user) if user is not None and user.is_authenticated else "login:key"
        return Caller(role, name), None

    def _enforce_csrf(self, request: Request) -> None:
        check = CSRFCheck(_unused)
        check.process_request(request._request)
        reason = check.process_view(request._request, _unused, (), {})
        if reason:
            raise CsrfFailedError(
                f"calls with the login cookie need the CSRF token: {reason}"
            )


def presented_key(request: Request) -> str:
    """Return the key of a request, empty if it has none."""
    key = request.headers.get("X-API-Key")
    if key:
        return key.strip()
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    return rest.strip() if scheme.lower() in SCHEMES else ""


def _unused(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=204)

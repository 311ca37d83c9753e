"""How the ways to sign in appear in the OpenAPI document.

drf-spectacular finds these classes by subclass when the module is imported, which
`cluster.api.views.documents` does.
"""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # untyped
    """A coordinator key in a header."""

    target_class = "cluster.api.authentication.KeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return where the key stands."""
        return {"type": "apiKey", "in": "header", "name": "X-API-Key"}


class CookieScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # untyped
    """The login cookie of a browser."""

    target_class = "cluster.api.authentication.CookieAuthentication"
    name = "login"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return which cookie it is."""
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}


class JoinScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # untyped
    """A join token, where a worker registers."""

    target_class = "cluster.api.join_attempt.JoinAuthentication"
    name = "joinToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return where the token stands."""
        return {"type": "apiKey", "in": "header", "name": "X-Join-Token"}


SCHEMES = (KeyScheme, CookieScheme, JoinScheme)

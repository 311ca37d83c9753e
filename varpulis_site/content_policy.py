"""The Content-Security-Policy, with the one exception that pages below /api/ need.

The browsable API and the reference are pages of their packages and style some elements
in their markup. Scripts stay files of our own there too.
"""

from csp.constants import UNSAFE_INLINE
from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponseBase

API_PREFIX = "/api/"


class ContentPolicyMiddleware(CSPMiddleware):
    """Allows inline styles, and nothing else, below /api/."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Add the policy to an answer."""
        if request.path.startswith(API_PREFIX):
            setattr(response, "_csp_update", {"style-src": [UNSAFE_INLINE]})  # noqa: B010 - how the package is told, unknown to its types
        return super().process_response(request, response)

"""The view that all others are: order of checks, keys, body, error shape.

Below /api/ a request is checked in this order (api.md section 1): key 401, path 404,
method 405, role 403, media type 415, size 413, body 400 and 422.
"""

import re
import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AnonymousUser
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from cluster.access import Role
from cluster.api import errors
from cluster.api.authentication import (
    Caller,
    CookieAuthentication,
    KeyAuthentication,
)
from cluster.api.parsers import JSON_LIMIT, StrictJsonParser, too_large
from cluster.api.permissions import RolePermission
from cluster.api.renderers import BrowsableRenderer
from cluster.exceptions import ClusterError, NotFoundError, UnsupportedMediaTypeError

SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class ClusterView(APIView):
    """A call of the API. `roles` names the role each method needs."""

    roles: ClassVar[dict[str, Role]] = {"GET": Role.VIEWER}
    body_limit: ClassVar[int] = JSON_LIMIT
    authentication_classes: Any = (KeyAuthentication, CookieAuthentication)
    permission_classes: Any = (RolePermission,)
    renderer_classes: Any = (JSONRenderer, BrowsableRenderer)
    parser_classes: Any = (StrictJsonParser,)
    throttle_classes = ()
    content_negotiation_class = DefaultContentNegotiation
    request_id: str = ""
    format_kwarg: str | None = None

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        """Give the request its id before anything can go wrong."""
        sent = request.headers.get("X-Request-Id", "")
        sane = SANE_REQUEST_ID.fullmatch(sent)
        self.request_id = sent if sane else str(uuid.uuid4())
        return super().initialize_request(request, *args, **kwargs)

    def perform_content_negotiation(
        self, request: Request, force: bool = False
    ) -> tuple[Any, str]:
        """Choose a form of answer; whoever wants none of ours gets JSON."""
        return super().perform_content_negotiation(request, force=True)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check everything that comes before the body."""
        chosen = self.perform_content_negotiation(request)
        request.accepted_renderer, request.accepted_media_type = chosen
        request.version, request.versioning_scheme = None, None
        self.authenticate_caller(request)
        if (request.method or "").lower() not in self._handled_methods():
            raise MethodNotAllowed(request.method or "")
        self.check_permissions(request)
        if request.method in WITH_BODY:
            self._check_media_type(request)
            self._check_size(request)

    def authenticate_caller(self, request: Request) -> None:
        """Raise 401 unless the request has a valid key or login."""
        try:
            self.perform_authentication(request)
        except ClusterError:
            # who renders the error asks for the user once more
            request.user = AnonymousUser()
            raise
        if not isinstance(request.user, Caller):
            self.permission_denied(request)

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Name the request in its answer; errors are never YAML or a template."""
        chosen = getattr(request, "accepted_renderer", None)
        if getattr(response, "exception", False) and not isinstance(
            chosen, BrowsableRenderer
        ):
            request.accepted_renderer = JSONRenderer()
            request.accepted_media_type = JSONRenderer.media_type
        response = super().finalize_response(request, response, *args, **kwargs)
        response["X-Request-Id"] = self.request_id
        return response

    def get_exception_handler(self) -> Any:
        """Answer every error in the one shape."""
        return errors.exception_handler

    def _handled_methods(self) -> set[str]:
        return {m for m in self.http_method_names if hasattr(self, m)}

    def _check_media_type(self, request: Request) -> None:
        """Refuse bodies we do not read; a form of another site would be one."""
        if not _has_body(request):
            return
        sent = (request.content_type or "").partition(";")[0].strip().lower()
        read = [parser.media_type for parser in self._parsers()]
        if sent not in read:
            raise UnsupportedMediaTypeError(
                f"bodies of type '{sent or 'none'}' are not read here; "
                f"send {' or '.join(str(item) for item in read)}"
            )

    def _check_size(self, request: Request) -> None:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) > self.body_limit:
            raise too_large(self.body_limit)

    def _parsers(self) -> list[type[BaseParser]]:
        return list(self.parser_classes)


class UnknownPathView(ClusterView):
    """Answers every path below /api/ that is none: 401 without a key, else 404."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check the key, nothing else: there is nothing behind it."""
        chosen = self.perform_content_negotiation(request)
        request.accepted_renderer, request.accepted_media_type = chosen
        self.authenticate_caller(request)
        raise NotFoundError(f"there is nothing at {request.path}")


def _has_body(request: Request) -> bool:
    length = request.META.get("CONTENT_LENGTH") or ""
    chunked = "HTTP_TRANSFER_ENCODING" in request.META
    return chunked or (length.isdecimal() and int(length) > 0)

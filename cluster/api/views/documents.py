"""The OpenAPI document and its browser (api.md 4.1), served from the package."""

from typing import Any

from django.http import HttpResponseRedirect
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiYamlRenderer,
)
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import NotAuthenticated
from rest_framework.renderers import TemplateHTMLRenderer
from rest_framework.request import Request

from cluster.access import Role
from cluster.api import openapi
from cluster.api.base import ClusterView

SIGN_IN = openapi.SCHEMES  # importing them is what makes them known
SCHEMA_SETTINGS = {
    "PREPROCESSING_HOOKS": ["cluster.api.views.documents.canonical_paths"],
    "ENUM_NAME_OVERRIDES": {},
    "OAS_VERSION": "3.1.0",
}


def canonical_paths(endpoints: list[Any], **_: Any) -> list[Any]:
    """Keep the form of a path without its trailing slash; both answer alike."""
    return [item for item in endpoints if not item[0].endswith("/")]


@extend_schema(exclude=True)
class SchemaView(ClusterView, SpectacularAPIView):
    """OpenAPI 3.1, as YAML or with `?format=json` as JSON."""

    roles = {"GET": Role.VIEWER}
    renderer_classes: Any = (OpenApiYamlRenderer, OpenApiJsonRenderer)
    custom_settings = SCHEMA_SETTINGS

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Answer the document, generated from the code."""
        answer: Any = super()
        return answer.get(request, *args, **kwargs)  # untyped upstream


@extend_schema(exclude=True)
class DocsView(ClusterView, SpectacularSwaggerSplitView):
    """Swagger UI, with its script in a file of its own (Content-Security-Policy)."""

    roles = {"GET": Role.VIEWER}
    renderer_classes: Any = (TemplateHTMLRenderer,)
    url_name = "schema"

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Answer the page."""
        answer: Any = super()
        return answer.get(request, *args, **kwargs)  # untyped upstream

    def handle_exception(self, exc: Exception) -> Any:
        """Send a person without a key to the login page, and everybody else on."""
        wants_page = "text/html" in self.request.headers.get("Accept", "")
        if isinstance(exc, NotAuthenticated) and wants_page:
            return HttpResponseRedirect(f"/login/?next={self.request.path}")
        return super().handle_exception(exc)

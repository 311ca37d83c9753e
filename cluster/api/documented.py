"""How views describe themselves in the OpenAPI document."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from cluster.api.serializers.common import ErrorSerializer

LIST_PARAMETERS = [
    OpenApiParameter("limit", OpenApiTypes.INT, description="1 to 1000"),
    OpenApiParameter("offset", OpenApiTypes.INT),
]
ERRORS = {
    400: ErrorSerializer,
    401: ErrorSerializer,
    403: ErrorSerializer,
    500: ErrorSerializer,
}


def query(name: str, description: str = "", kind: Any = OpenApiTypes.STR) -> Any:
    """Describe a query parameter."""
    return OpenApiParameter(name, kind, description=description)


def answers(success: dict[int, Any], *errors: int) -> dict[int, Any]:
    """Return the answers of a call: its own, and the errors it may add."""
    return success | ERRORS | dict.fromkeys(errors, ErrorSerializer)

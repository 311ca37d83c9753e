"""From a request body to checked data, with a note of every key nobody reads."""

from collections.abc import Iterator, Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from cluster.api.query import read_flag
from cluster.exceptions import BadRequestError, InvalidSpecError

Checked = tuple[dict[str, Any], list[str]]


def read_body(
    request: Request, serializer_class: type[serializers.Serializer[Any]]
) -> Checked:
    """Return the checked members and warnings about unknown ones.

    With `?strict=true` unknown members are 422 instead. Raises ValidationError, which
    becomes 400 with one entry per field.
    """
    data = request.data
    if not isinstance(data, Mapping):
        raise BadRequestError("the body must be a JSON object")
    serializer = serializer_class(data=data)
    unknown = list(find_unknown(serializer, data, ""))
    serializer.is_valid(raise_exception=True)
    if unknown and read_flag(request, "strict"):
        errors = [{"path": path, "message": "unknown key"} for path in unknown]
        raise InvalidSpecError(
            f"unknown key '{unknown[0]}'", details={"errors": errors}
        )
    return serializer.validated_data, [
        f"'{path}' is not known here and was ignored" for path in unknown
    ]


def find_unknown(
    field: serializers.Field[Any, Any, Any, Any], data: Any, path: str
) -> Iterator[str]:
    """Name the members of `data` that no serializer reads, nested ones too."""
    if isinstance(field, serializers.ListSerializer) and field.child is not None:
        items = data if isinstance(data, list) else []
        for index, item in enumerate(items):
            yield from find_unknown(field.child, item, f"{path}[{index}]")
    elif isinstance(field, serializers.Serializer) and isinstance(data, Mapping):
        for key, value in data.items():
            inner = f"{path}.{key}" if path else str(key)
            if key not in field.fields:
                yield inner
            else:
                yield from find_unknown(field.fields[key], value, inner)

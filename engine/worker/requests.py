"""Reading what a caller sent: JSON bodies and query values."""

from typing import Any, TypeVar

import msgspec
from starlette.requests import Request

from engine.worker.errors import ApiError, bad_request
from engine.worker.limits import JSON_TYPES, media_type, read_body

T = TypeVar("T", bound=msgspec.Struct)

MAX_PAGE = 1000


async def json_object(request: Request, limit: int) -> dict[str, Any]:
    """Return a JSON body that is an object; raises 415, 413 or 400."""
    media_type(request, JSON_TYPES)
    return decode_object(await read_body(request, limit))


def decode_object(raw: bytes) -> dict[str, Any]:
    """Return the object of some JSON; raises 400."""
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiError(400, "bad_json", f"the body is not JSON: {error}") from error
    except RecursionError:
        raise ApiError(400, "bad_json", "the body is nested too deeply") from None
    if not isinstance(body, dict):
        raise bad_request("the body must be a JSON object", "$")
    return body


def convert(
    body: dict[str, Any], kind: type[T], *, strict: bool
) -> tuple[T, list[str]]:
    """Return a body as `kind`, and a warning per unknown key.

    Raises 400 for missing or wrong values and, if `strict`, 422 for unknown keys.
    """
    known = kind.__struct_encode_fields__
    unknown = [f"unknown key '{key}' is ignored" for key in body if key not in known]
    if unknown and strict:
        raise ApiError(
            422,
            "invalid_spec",
            f"unknown key '{next(key for key in body if key not in known)}'",
            details={"errors": [{"path": k} for k in body if k not in known]},
        )
    try:
        return msgspec.convert(body, kind), unknown
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `")
        path = place.removeprefix("$").removeprefix(".").rstrip("`")
        raise bad_request(f"{path}: {message}" if path else message, path) from error


def query_flag(request: Request, name: str) -> bool:
    """Return a query value as true or false; raises 400."""
    text = request.query_params.get(name, "false").lower()
    if text in {"true", "1", "false", "0", ""}:
        return text in {"true", "1"}
    raise bad_request(f"{name} must be true or false, not {text!r}", name)


def query_choice(request: Request, name: str, choices: tuple[str, ...]) -> str:
    """Return a query value out of `choices`, the first if absent; raises 400."""
    text = request.query_params.get(name, choices[0])
    if text in choices:
        return text
    raise bad_request(f"{name} must be one of {', '.join(choices)}", name)


def query_page(request: Request) -> tuple[int, int]:
    """Return `limit` and `offset`; raises 400."""
    limit = _whole(request, "limit", MAX_PAGE)
    offset = _whole(request, "offset", 0)
    if not 1 <= limit <= MAX_PAGE:
        raise bad_request(f"limit must be 1 to {MAX_PAGE}", "limit")
    return limit, offset


def _whole(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) < 16:
        return int(text)
    raise bad_request(f"{name} must be a whole number, not {text!r}", name)

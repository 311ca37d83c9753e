"""Read JSON bodies strictly: what is not JSON is refused, nothing is guessed."""

from collections.abc import Mapping
from typing import IO, Any

import msgspec
from rest_framework.parsers import BaseParser

from cluster.exceptions import BadJsonError, BodyTooLargeError

JSON_LIMIT = 1024 * 1024  # bytes
PROGRAM_LIMIT = 4 * 1024 * 1024  # bytes; calls that carry programs
BATCH_LIMIT = 16 * 1024 * 1024  # bytes; inject-batch


class StrictJsonParser(BaseParser):
    """UTF-8 JSON up to the limit of the view; the last of equal keys wins.

    NaN, numbers beyond double range, lone surrogates, invalid UTF-8 and text after the
    end are refused.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the decoded body, `{}` for an empty one."""
        view = (parser_context or {}).get("view")
        limit = getattr(view, "body_limit", JSON_LIMIT)
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise too_large(limit)
        return decode_json(raw) if raw else {}


def decode_json(raw: bytes) -> Any:
    """Decode strict JSON or raise BadJsonError."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadJsonError(f"the body is not JSON: {error}") from error
    except RecursionError as error:
        raise BadJsonError("the body is nested too deeply") from error


def too_large(limit: int) -> BodyTooLargeError:
    """Return the error for a body above `limit` bytes."""
    return BodyTooLargeError(
        f"the body is larger than {limit} bytes", details={"limit_bytes": limit}
    )

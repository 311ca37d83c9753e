"""Questions about a program that is not deployed."""

import asyncio
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from engine.worker.errors import diagnostic_json
from engine.worker.limits import PROGRAM_LIMIT
from engine.worker.requests import convert, json_object, query_flag
from engine.worker.responses import json_response
from vpl import check, consumed_types, emitted_types, stream_names


class Source(msgspec.Struct):
    """A program to look at, with the sources of its imports by path."""

    source: str
    imports: dict[str, str] = {}


async def validate(request: Request) -> Response:
    """Check a program; a broken one is a fine question with the answer no."""
    body = await json_object(request, PROGRAM_LIMIT)
    wanted, _ = convert(body, Source, strict=query_flag(request, "strict"))
    return json_response(await asyncio.to_thread(check_report, wanted))


def check_report(wanted: Source) -> dict[str, Any]:
    """Return what `validate` answers on both processes (api.md 4.5)."""
    result = check(wanted.source, imports=wanted.imports)
    return {
        "valid": result.valid,
        "diagnostics": [diagnostic_json(item) for item in result.diagnostics],
        "consumes": sorted(consumed_types(result.program)),
        "emits": sorted(emitted_types(result.program)),
        "streams": list(stream_names(result.program)),
    }

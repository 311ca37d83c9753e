"""Answers that are JSON already, with a tag by which callers keep them."""

import msgspec
from django.http import HttpResponse
from django.utils.http import parse_etags, quote_etag
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

NOT_MODIFIED = 304


def encoded_answer(
    request: Request, body: bytes, *, tag: str
) -> HttpResponse | Response:
    """Answer with `body` as it is, or with 304 to a caller that has it.

    Equal tags mean equal bodies. Whoever wants another form than plain JSON gets it.
    """
    if request.accepted_media_type != JSONRenderer.media_type:
        return Response(msgspec.json.decode(body))
    etag = quote_etag(tag)
    if _is_known(request.headers.get("If-None-Match", ""), etag):
        answer = HttpResponse(status=NOT_MODIFIED)
    else:
        answer = HttpResponse(body, content_type=JSONRenderer.media_type)
    answer["ETag"] = etag
    answer["Cache-Control"] = "private, no-cache"  # kept, but asked for each time
    return answer


def _is_known(sent: str, etag: str) -> bool:
    known = {item.removeprefix("W/") for item in parse_etags(sent)}
    return bool(known & {etag, "*"})

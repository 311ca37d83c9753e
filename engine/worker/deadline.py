"""How long a caller waits for an answer."""

from starlette.requests import Request

from engine.worker.errors import bad_request
from engine.worker.headers import header_text

HEADER = "x-varpulis-timeout-ms"
_NAME = HEADER.encode()
DEFAULT_S = 15.0  # vpl.md section 13
LONGEST_S = 120.0
MARGIN_S = 0.2  # for the way back


def reply_timeout_s(request: Request) -> float:
    """Return the seconds after which an answer must be on its way; raises 400.

    The caller says in X-Varpulis-Timeout-Ms how long it waits; without it the
    language's 15 s hold.
    """
    text = header_text(request.scope, _NAME)
    if not text:
        return DEFAULT_S
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise bad_request(f"{HEADER} must be whole milliseconds, not {text!r}", HEADER)
    waits_s = min(int(text) / 1000, LONGEST_S)
    return max(waits_s - MARGIN_S, waits_s / 2)

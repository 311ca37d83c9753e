"""Static files straight from the packages, sent whole.

WhiteNoise answers with a file to be streamed, which under ASGI Django reads piece by
piece in threads, with a warning. Our files are small: one read is cheaper.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import (  # type: ignore[import-untyped] # no types upstream
    WhiteNoiseMiddleware,
)


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc] # as above
    """WhiteNoise with bodies that are read at once."""

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        """Return the file, or that it has not changed."""
        found = static_file.get_response(request.method, request.META)
        body = b""
        if found.file is not None:
            with found.file as file:
                body = file.read()
        answer = HttpResponse(body, status=int(found.status))
        del answer["Content-Type"]
        for name, value in found.headers:
            answer[name] = value
        if found.file is not None:
            # The length noted at start is wrong once a package was upgraded under us.
            answer["Content-Length"] = str(len(body))
        return answer

"""Who may call: the worker's own key, or anyone on an open loopback worker."""

import hmac

from engine.worker.errors import ApiError
from engine.worker.headers import HeaderMap

SCHEMES = (b"bearer", b"apikey")


class KeyCheck:
    """Compare presented keys with the worker's key, in constant time."""

    def __init__(self, api_key: str | None) -> None:
        self._key = api_key.encode() if api_key else None

    def refuse(self, headers: HeaderMap) -> ApiError | None:
        """Return the 401 for a missing or wrong key, or None if the call may pass."""
        if self._key is None:
            return None
        presented = presented_key(headers)
        if presented is None:
            return ApiError(
                401, "missing_key", "this worker needs its key in the X-API-Key header"
            )
        if hmac.compare_digest(presented, self._key):
            return None
        return ApiError(401, "invalid_api_key", "this is not the key of this worker")


def presented_key(headers: HeaderMap) -> bytes | None:
    """Return the key of `X-API-Key`, else of `Authorization: Bearer | ApiKey`."""
    direct = headers.get(b"x-api-key")
    if direct is not None:
        return direct
    scheme, _, key = headers.get(b"authorization", b"").partition(b" ")
    return key.strip() if scheme.lower() in SCHEMES and key.strip() else None

"""Errors that callers of the coordinator see: status, code and a sentence each.

The codes are those of api.md section 3. Services raise them; the API turns them into
answers, the hot path and the commands may do the same with `to_json`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class ClusterError(Exception):
    """Something about a request that its caller can act on."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        details: Mapping[str, Any] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        """Keep the sentence, and what differs from the defaults of the class."""
        super().__init__(message)
        self.message = message
        self.error_code = code or self.code
        self.error_status = status or self.status
        self.details = dict(details or {})
        self.retry_after_s = retry_after_s

    def to_json(self) -> dict[str, Any]:
        """Return the one error shape of all answers."""
        body: dict[str, Any] = {"error": self.message, "code": self.error_code}
        if self.details:
            body["details"] = self.details
        return body


class BadRequestError(ClusterError):
    """A field is missing or of the wrong type, or a query value is bad."""

    def __init__(self, message: str, errors: Sequence[Mapping[str, Any]] = ()) -> None:
        """Keep the faults, one per field."""
        super().__init__(message, details={"errors": list(errors)} if errors else {})


class BadJsonError(ClusterError):
    """The body is not JSON."""

    code = "bad_json"


class InvalidSpecError(ClusterError):
    """A group spec is well formed but cannot be meant."""

    status = 422
    code = "invalid_spec"


class InvalidProgramError(ClusterError):
    """A VPL source does not parse or does not check."""

    code = "invalid_vpl"


class MissingKeyError(ClusterError):
    """No key was sent where one is needed."""

    status = 401
    code = "missing_key"


class InvalidKeyError(ClusterError):
    """The key sent is none of ours."""

    status = 401
    code = "invalid_api_key"


class JoinRefusedError(ClusterError):
    """A worker may not join with what it presented."""

    status = 401
    code = "join_refused"


class BadWorkerKeyError(ClusterError):
    """The key is neither the worker's own nor one of the coordinator."""

    status = 401
    code = "bad_worker_key"


class ForbiddenError(ClusterError):
    """The role of the caller is too low."""

    status = 403
    code = "forbidden"


class NotFoundError(ClusterError):
    """There is no such thing."""

    status = 404
    code = "not_found"


class WorkerNotFoundError(NotFoundError):
    """No worker is registered under this id."""

    code = "worker_not_found"


class GroupNotFoundError(NotFoundError):
    """There is no pipeline group of this id or name."""

    code = "group_not_found"


class KeyNotFoundError(NotFoundError):
    """There is no API key of this id."""

    code = "key_not_found"


class ConflictError(ClusterError):
    """The state of the cluster does not allow this now."""

    status = 409
    code = "conflict"


class WorkerIdInUseError(ConflictError):
    """Another worker that is alive bears this id."""

    code = "worker_id_in_use"


class WorkerDeregisteredError(ConflictError):
    """The process was deregistered and stays out until it is restarted."""

    code = "worker_deregistered"


class RevisionConflictError(ClusterError):
    """The caller means another revision than the current one (If-Match)."""

    status = 412
    code = "revision_conflict"


class BodyTooLargeError(ClusterError):
    """The body is larger than this call takes."""

    status = 413
    code = "body_too_large"


class UnsupportedMediaTypeError(ClusterError):
    """The body is not of a media type that this call reads."""

    status = 415
    code = "unsupported_media_type"


class BadAddressError(ClusterError):
    """A worker advertises an address that the coordinator will not call."""

    status = 422
    code = "bad_address"


class NoRouteError(ClusterError):
    """No route of the group takes the event."""

    status = 422
    code = "no_route"


class NoWorkersAvailableError(ClusterError):
    """There is no worker that can take the pipeline."""

    status = 503
    code = "no_workers_available"


class PlacementUnavailableError(ClusterError):
    """The pipeline has no live worker just now."""

    status = 503
    code = "placement_unavailable"


class WorkerCallError(ClusterError):
    """A call to a worker failed. `may_move`: another worker may do better."""

    status = 502
    code = "worker_error"
    may_move: ClassVar[bool] = False
    counts_as_failed: ClassVar[bool] = False


class WorkerUnreachableError(WorkerCallError):
    """The connection was refused or broke."""

    code = "worker_unreachable"
    may_move = True
    counts_as_failed = True


class WorkerTimeoutError(WorkerCallError):
    """No answer within the HTTP timeout."""

    status = 504
    code = "worker_timeout"
    may_move = True
    counts_as_failed = True


class WorkerAnswerError(WorkerCallError):
    """The worker answered something that cannot be used."""


class WorkerFullError(WorkerCallError):
    """The worker has no room (429 `quota_exceeded`)."""

    may_move = True


class WorkerRefusedError(WorkerCallError):
    """The worker passes judgement on the request itself (400, 409, 422, 429)."""


class WorkerLimitsError(WorkerRefusedError):
    """The worker does not allow the limits asked for; another one may."""

    may_move = True

"""What a worker says to its coordinators and when: decisions without I/O.

The driver in `coordinator_link` asks for the next step, does it and reports what came
back. Timings are those of api.md 6.1, cases those of 6.3.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

BACKOFF_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
DEFAULT_INTERVAL_S = 5.0
JITTER = 0.1  # of the heartbeat interval, either way
MIN_INTERVAL_S, MAX_INTERVAL_S = 0.05, 300.0


class LinkPhase(StrEnum):
    """Where the worker stands with its coordinators."""

    JOINING = "joining"
    REGISTERED = "registered"
    OUT = "out"


class Call(StrEnum):
    """The two calls a worker makes."""

    REGISTER = "register"
    HEARTBEAT = "heartbeat"


@dataclass(frozen=True, slots=True)
class Send:
    """Make this call to the coordinator at `url`."""

    call: Call
    url: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class StayOut:
    """Say nothing more until the process is restarted."""


Step = Send | Wait | StayOut


@dataclass(frozen=True, slots=True)
class Answer:
    """What a coordinator answered."""

    status: int
    body: Mapping[str, Any]

    @property
    def code(self) -> str:
        """Return the error slug, "" if there is none."""
        code = self.body.get("code")
        return code if isinstance(code, str) else ""

    @property
    def error(self) -> str:
        """Return the error's sentence, or the bare status."""
        text = self.body.get("error")
        return text if isinstance(text, str) else f"status {self.status}"


@dataclass(frozen=True, slots=True)
class Report:
    """What is to be done besides the next step.

    `level` and `message` are for the log ("" for nothing to say), `actions` come from
    the coordinator, `drop_cluster_pipelines` tells a displaced worker to let go of
    everything that belongs to the cluster.
    """

    level: str = "debug"
    message: str = ""
    actions: Sequence[Mapping[str, Any]] = ()
    drop_cluster_pipelines: bool = False


class LinkState:
    """The state machine of one worker's membership.

    `random` gives numbers in [0, 1). Steps alternate: `next_step`, then exactly one
    of `answered`, `failed` for a `Send` and `waited` for a `Wait`.
    """

    def __init__(
        self, worker_id: str, urls: Sequence[str], random: Callable[[], float]
    ) -> None:
        self.worker_id = worker_id
        self.phase = LinkPhase.JOINING
        self.interval_s = DEFAULT_INTERVAL_S
        self._urls = tuple(urls)
        self._random = random
        self._current = 0
        self._tried = 0
        self._attempt = 0
        self._pause_s = 0.0

    @property
    def url(self) -> str:
        """Return the coordinator in use, or the next to try."""
        return self._urls[self._current]

    def next_step(self) -> Step:
        """Return what to do now."""
        if self.phase is LinkPhase.OUT:
            return StayOut()
        if self._pause_s > 0:
            return Wait(self._pause_s)
        joining = self.phase is LinkPhase.JOINING
        return Send(Call.REGISTER if joining else Call.HEARTBEAT, self.url)

    def waited(self) -> None:
        """Note that a wait is over."""
        self._pause_s = 0.0
        self._tried = 0

    def failed(self, reason: str) -> Report:
        """Note that the call brought no answer."""
        url = self.url
        self._use_next()
        if self.phase is LinkPhase.JOINING:
            return self._retry_join(url, reason)
        if self._tried == 0:
            self._pause_s = self._beat_pause_s()
        return Report("warning", f"Heartbeat to coordinator at {url} failed: {reason}")

    def answered(self, answer: Answer) -> Report:
        """Note an answer to the call of the last step."""
        if self.phase is LinkPhase.JOINING:
            return self._join_answered(answer)
        return self._beat_answered(answer)

    def _join_answered(self, answer: Answer) -> Report:
        if answer.status in {200, 201}:
            self.phase = LinkPhase.REGISTERED
            self._attempt = self._tried = 0
            self._set_interval(answer.body.get("heartbeat_interval_seconds"))
            self._pause_s = self._beat_pause_s()
            message = f"Registered with coordinator as '{self.worker_id}'"
            return Report("info", message, _actions(answer.body))
        if answer.code == "worker_deregistered":
            return self._leave(answer)
        url = self.url
        self._use_next()
        return self._retry_join(url, answer.error)

    def _beat_answered(self, answer: Answer) -> Report:
        if answer.status == 200:
            self._tried = 0
            self._pause_s = self._beat_pause_s()
            return Report(actions=_actions(answer.body))
        match answer.status, answer.code:
            case 404, "worker_unknown":
                return self._rejoin(0.0, "no longer knows this worker", "info")
            case 404, "worker_deregistered":
                return self._leave(answer)
            case 409, "worker_replaced":
                self.phase = LinkPhase.OUT
                message = f"Replaced in the cluster, staying out: {answer.error}"
                return Report("warning", message, drop_cluster_pipelines=True)
            case 401, _:
                return self._rejoin(self._backoff_s(), "refused its key", "warning")
        return self.failed(answer.error)

    def _rejoin(self, pause_s: float, why: str, level: str) -> Report:
        self.phase = LinkPhase.JOINING
        self._pause_s = pause_s
        self._tried = 0
        message = f"Coordinator at {self.url} {why}, registering again"
        return Report(level, message)

    def _leave(self, answer: Answer) -> Report:
        self.phase = LinkPhase.OUT
        details = answer.body.get("details")
        removals = details.get("remove_pipelines") if isinstance(details, dict) else ()
        message = "Deregistered: running on alone and staying out until restarted"
        return Report("warning", message, _removals(removals))

    def _retry_join(self, url: str, reason: str) -> Report:
        text = f"Could not register with coordinator at {url}: {reason}"
        if self._tried:
            return Report("warning", f"{text}; trying the next one")
        self._pause_s = self._backoff_s()
        again = f"trying again in {self._pause_s:.1f} s"
        return Report("warning", f"{text}; {again}")

    def _use_next(self) -> None:
        """Turn to the next coordinator; `_tried` is 0 after a whole round."""
        self._current = (self._current + 1) % len(self._urls)
        self._tried = (self._tried + 1) % len(self._urls)

    def _backoff_s(self) -> float:
        base = BACKOFF_S[min(self._attempt, len(BACKOFF_S) - 1)]
        self._attempt += 1
        return base * (0.5 + 0.5 * self._random())

    def _beat_pause_s(self) -> float:
        return self.interval_s * (1 - JITTER + 2 * JITTER * self._random())

    def _set_interval(self, value: object) -> None:
        if isinstance(value, int | float) and not isinstance(value, bool):
            self.interval_s = min(max(float(value), MIN_INTERVAL_S), MAX_INTERVAL_S)


def _actions(body: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    actions = body.get("actions")
    if not isinstance(actions, list):
        return ()
    return [action for action in actions if isinstance(action, dict)]


def _removals(pipeline_ids: object) -> Sequence[Mapping[str, Any]]:
    if not isinstance(pipeline_ids, list | tuple):
        return ()
    return [
        {
            "action": "remove_pipeline",
            "pipeline_id": pipeline_id,
            "reason": "worker_deregistered",
        }
        for pipeline_id in pipeline_ids
    ]

"""Who takes batches of events: a group by way of the coordinator, or a worker itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import requests

from cluster.management.coordinator_calls import (
    CONNECT_TIMEOUT_S,
    CallError,
    Coordinator,
    Json,
    decoded,
    group_path,
    no_answer,
    refusal,
)

WORKER_BASE: Final = "/api/v1/pipelines"
LATER: Final = frozenset((429, 503))  # what may be repeated after Retry-After
AGAIN: Final = frozenset(("queue_full",))
MOST_WAIT_S: Final = 60.0


@dataclass(slots=True)
class Outcome:
    """What came of one batch.

    `again` are the events, by index, that found no room, in order: nothing was done
    with them. `wait_s` is how long to wait before they are repeated, `reason` why, if
    it was told. `faults` are
    `(index, reason)` of those that are none; `failed` counts them, listed or not.
    """

    accepted: int = 0
    failed: int = 0
    output_count: int = 0
    again: list[int] = field(default_factory=list)
    wait_s: float = 0.0
    faults: list[tuple[int, str]] = field(default_factory=list)
    reason: str = ""


class Receiver(Protocol):
    """Takes batches one after the other; raises CallError."""

    def send(self, body: bytes, count: int) -> Outcome:
        """Send `count` events as NDJSON and return what came of them."""

    def close(self) -> None:
        """Close the connection."""


class HttpReceiver:
    """Sends batches over one connection to a path that takes them."""

    def __init__(
        self, server: Coordinator, path: str, params: Mapping[str, str]
    ) -> None:
        self._server = server
        self._url = server.url + path
        self._params = dict(params) | {"outputs": "count"}
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy of the environment sees the key
        self._session.verify = server.ca_cert or True
        self._session.headers["Content-Type"] = "application/x-ndjson"
        if server.key:
            self._session.headers["X-API-Key"] = server.key

    def send(self, body: bytes, count: int) -> Outcome:
        """Send events; whoever answers 429 or 503 gets them again later."""
        try:
            answer = self._session.post(
                self._url,
                data=body,
                params=self._params,
                timeout=(CONNECT_TIMEOUT_S, self._server.timeout_s),
                allow_redirects=False,
            )
        except (requests.RequestException, OSError) as error:
            why = "whether it took the last events is not known"
            raise no_answer(self._server.url, error, why) from error
        found = decoded(answer)
        if answer.status_code in LATER:
            return Outcome(
                again=list(range(count)),
                wait_s=_wait_s(answer, found),
                reason=refusal(answer.status_code, found),
            )
        if answer.ok:
            return _outcome(found, count)
        outcome = _nothing_taken((found.get("details") or {}).get("errors"), count)
        if outcome is None:
            raise CallError(refusal(answer.status_code, found))
        return outcome

    def close(self) -> None:
        """Close the connection."""
        self._session.close()


def group_receiver(
    coordinator: Coordinator, group: str, params: Mapping[str, str]
) -> Receiver:
    """Return the group that a name or an id stands for."""
    path = f"/api/v1/cluster/{group_path(group)}/inject-batch"
    return HttpReceiver(coordinator, path, params)


def pipeline_receiver(
    worker: Coordinator, selector: str, params: Mapping[str, str]
) -> Receiver:
    """Return a pipeline of a worker by its id or name; CallError if there is none."""
    listed = worker.request("GET", WORKER_BASE)["pipelines"]
    ids = [item["id"] for item in listed if selector in {item["id"], item["name"]}]
    if len(ids) == 1:
        return HttpReceiver(worker, f"{WORKER_BASE}/{ids[0]}/events-batch", params)
    known = ", ".join(sorted(item["name"] for item in listed)) or "none"
    what = "several pipelines are" if ids else "no pipeline is"
    raise CallError(f"{what} called '{selector}' on {worker.url}; it runs: {known}")


def _outcome(found: Json, count: int) -> Outcome:
    """Return what an answer of 200 or 202 says."""
    errors = found.get("errors", [])
    again = [item["index"] for item in errors if item.get("code") in AGAIN]
    accepted: int = found["events_sent" if "events_sent" in found else "accepted"]
    return Outcome(
        accepted=accepted,
        failed=count - accepted - len(again),
        output_count=found.get("output_count", 0),
        again=again,
        wait_s=1.0 if again else 0.0,
        faults=_faults([item for item in errors if item.get("code") not in AGAIN]),
    )


def _nothing_taken(errors: Any, count: int) -> Outcome | None:
    """Return what an error says that was caused by the events, None for any other."""
    listed = errors if isinstance(errors, list) else []
    faults = _faults([item for item in listed if item.get("code") not in AGAIN])
    if not faults:
        return None
    again: list[int] = []
    if len(faults) < len(listed):  # some found no room: with them all that is not told
        again = sorted(set(range(count)).difference(at for at, _ in faults))
    return Outcome(
        failed=count - len(again),
        again=again,
        wait_s=1.0 if again else 0.0,
        faults=faults,
    )


def _faults(errors: list[Any]) -> list[tuple[int, str]]:
    return [
        (item["index"], str(item.get("error", "")))
        for item in errors
        if isinstance(item, dict) and isinstance(item.get("index"), int)
    ]


def _wait_s(answer: requests.Response, found: Json) -> float:
    """Return what Retry-After says, else the details, else one second."""
    said = answer.headers.get("Retry-After", "")
    if said.isascii() and said.isdigit():
        return min(float(said), MOST_WAIT_S)
    seconds = (found.get("details") or {}).get("retry_after_seconds")
    if isinstance(seconds, int | float) and 0 <= seconds <= MOST_WAIT_S:
        return float(seconds)
    return 1.0

"""The coordinator's HTTP API, as far as the demos call it."""

from collections.abc import Mapping
from typing import Any

import requests

from cluster.demo.errors import CallRefusedError, CoordinatorUnreachableError

_CONNECT_TIMEOUT_S = 3.0
_READ_TIMEOUT_S = 60.0  # more than the coordinator takes for any call of ours


class CoordinatorClient:
    """Calls one coordinator. One instance per thread: it keeps a connection.

    Every method raises CoordinatorUnreachableError or CallRefusedError.
    """

    def __init__(self, url: str, api_key: str) -> None:
        self.url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy stands before the loopback
        self._session.headers["X-API-Key"] = api_key

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def health(self) -> dict[str, Any]:
        """Return the answer of `/health`."""
        return self._json("GET", "/health")

    def workers(self) -> list[dict[str, Any]]:
        """Return all registered workers."""
        return list(self._cluster("GET", "workers")["workers"])

    def topology(self) -> dict[str, Any]:
        """Return workers, groups and routes as the coordinator sees them."""
        return self._cluster("GET", "topology")

    def groups_named(self, name: str) -> list[dict[str, Any]]:
        """Return the groups of that name that are not torn down, newest first."""
        groups = self._cluster("GET", "pipeline-groups")["pipeline_groups"]
        return [group for group in groups if group["name"] == name]

    def group(self, group_id: str) -> dict[str, Any]:
        """Return one group."""
        return self._cluster("GET", f"pipeline-groups/{group_id}")

    def deploy(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Deploy a group and return it, running."""
        return self._cluster("POST", "pipeline-groups", json=spec)

    def tear_down(self, group_id: str) -> None:
        """Remove a group and its pipelines."""
        self._cluster("DELETE", f"pipeline-groups/{group_id}")

    def inject(self, group_id: str, event: Mapping[str, Any]) -> bytes:
        """Route one event; return the answer unparsed, it may be megabytes long."""
        path = f"/api/v1/cluster/pipeline-groups/{group_id}/inject"
        return self._call("POST", path, json=event).content

    def inject_batch(
        self, group_id: str, lines: bytes, *, outputs: str, outputs_limit: int = 1000
    ) -> dict[str, Any]:
        """Route NDJSON lines; return the summary (api.md 5.8)."""
        return self._cluster(
            "POST",
            f"pipeline-groups/{group_id}/inject-batch",
            data=lines,
            params={"outputs": outputs, "outputs_limit": outputs_limit},
            headers={"Content-Type": "application/x-ndjson"},
        )

    def _cluster(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        return self._json(method, f"/api/v1/cluster/{path}", **options)

    def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._call(method, path, **options).json()
        return answer

    def _call(self, method: str, path: str, **options: Any) -> requests.Response:
        try:
            answer = self._session.request(
                method,
                self.url + path,
                timeout=(_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S),
                allow_redirects=False,
                **options,
            )
        except requests.RequestException as exc:
            raise CoordinatorUnreachableError(
                f"no answer from the coordinator at {self.url}: {exc}"
            ) from exc
        if not answer.ok:
            raise _refusal(method, path, answer)
        return answer


def _refusal(method: str, path: str, answer: requests.Response) -> CallRefusedError:
    try:
        body = answer.json()
    except ValueError:
        body = {}
    if not isinstance(body, dict):
        body = {}
    lines = [f"{method} {path} answered {answer.status_code}: "]
    lines[0] += str(body.get("error") or answer.reason)
    details = body.get("details") or {}
    findings = [*details.get("diagnostics", []), *details.get("errors", [])]
    lines.extend("  " + _finding(found) for found in findings)
    return CallRefusedError(
        "\n".join(lines), answer.status_code, str(body.get("code", ""))
    )


def _finding(found: Mapping[str, Any]) -> str:
    place = found.get("path") or ":".join(
        str(found[key]) for key in ("pipeline", "line", "column") if key in found
    )
    hint = f" ({found['hint']})" if found.get("hint") else ""
    return f"{place}: {found.get('message', found)}{hint}"

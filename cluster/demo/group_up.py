"""Making a group run that may be there already, from an earlier start."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from cluster.demo.client import CoordinatorClient
from cluster.demo.errors import NotReadyError

_RUNNING_TIMEOUT_S = 30.0
_POLL_S = 0.2


def ensure_group(
    client: CoordinatorClient,
    spec: Mapping[str, Any],
    *,
    pause: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Return the group of this spec, running.

    One of the same name, programs and routes is kept: its workers get their
    pipelines back by themselves. One that differs is torn down and replaced. Raises
    NotReadyError if the kept one does not run within 30 s.
    """
    kept = None
    for group in client.groups_named(str(spec.get("name"))):
        if kept is None and _same(group, spec):
            kept = group
        else:
            client.tear_down(group["id"])
    if kept is None:
        return client.deploy(spec)
    return _running(client, kept["id"], pause)


def _running(
    client: CoordinatorClient, group_id: str, pause: Callable[[float], None]
) -> dict[str, Any]:
    for _ in range(int(_RUNNING_TIMEOUT_S / _POLL_S)):
        group = client.group(group_id)
        if group["status"] == "running":
            return group
        pause(_POLL_S)
    raise NotReadyError(
        f"group '{group['name']}' from an earlier start is {group['status']}: "
        f"{[p for p in group['placements'] if p['status'] != 'Running']}"
    )


def _same(group: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    if group["status"] in {"failed", "torn_down"}:
        return False
    wanted = {p["name"]: p["source"] for p in spec["pipelines"]}
    return bool(group.get("sources") == wanted) and _routes(group) == _routes(spec)


def _routes(holder: Mapping[str, Any]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [
        (route["from_pipeline"], route["to_pipeline"], tuple(route["event_types"]))
        for route in holder.get("routes") or []
    ]

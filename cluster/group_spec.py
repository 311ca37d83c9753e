"""What a pipeline group is asked to be (api.md 5.4), and what can be wrong with it."""

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from cluster.event_routing import EXTERNAL, ROUTE_FIRST, ROUTE_REJECT, is_valid_pattern
from cluster.placement import ROUND_ROBIN, STRATEGIES
from vpl import limit_faults

MAX_NAME = 128  # characters


@dataclass(frozen=True, slots=True)
class PipelineSpec:
    """One program to run, the worker wanted for it, and what it may use.

    `limits` are by name as in the language; those that are not there are the worker's.
    """

    name: str
    source: str
    worker_affinity: str | None = None
    limits: Mapping[str, int | float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the pipeline as it is stored and shown; limits only if there are."""
        body = {
            "name": self.name,
            "source": self.source,
            "worker_affinity": self.worker_affinity,
        }
        return body | ({"limits": dict(self.limits)} if self.limits else {})


@dataclass(frozen=True, slots=True)
class RouteSpec:
    """One route, from a pipeline or from outside."""

    from_pipeline: str
    to_pipeline: str
    event_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """A group as asked for, defaults filled in."""

    name: str
    pipelines: tuple[PipelineSpec, ...]
    routes: tuple[RouteSpec, ...] = ()
    atomic: bool = True
    placement: str = ROUND_ROBIN
    default_route: str = ROUTE_FIRST
    labels: Mapping[str, str] = field(default_factory=dict)
    description: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the spec as it is stored and shown."""
        return {
            "name": self.name,
            "pipelines": [item.to_json() for item in self.pipelines],
            "routes": [
                {
                    "from_pipeline": item.from_pipeline,
                    "to_pipeline": item.to_pipeline,
                    "event_types": list(item.event_types),
                }
                for item in self.routes
            ],
            "atomic": self.atomic,
            "placement": self.placement,
            "default_route": self.default_route,
            "labels": dict(self.labels),
            "description": self.description,
        }

    def fingerprint(self, programs: Mapping[str, str]) -> str:
        """Return a hash of the spec in which sources count by their fingerprint."""
        body = self.to_json()
        for item in body["pipelines"]:
            item["source"] = programs[item["name"]]
        text = json.dumps(body, sort_keys=True, separators=(",", ":"))
        return "b3:" + hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class SpecFault:
    """One thing that is wrong, and where in the body."""

    path: str
    message: str
    hint: str = ""

    def to_json(self) -> dict[str, str]:
        """Return the form of `details.errors`."""
        body = {"path": self.path, "message": self.message}
        return body | ({"hint": self.hint} if self.hint else {})


def find_faults(spec: GroupSpec) -> tuple[SpecFault, ...]:
    """Return everything that makes the spec unusable, in the order of the body."""
    return tuple(fault for rule in RULES for fault in rule(spec))


def find_route_cycle(spec: GroupSpec) -> tuple[str, ...]:
    """Return pipelines that routes lead round in a circle, empty if there are none."""
    targets: dict[str, set[str]] = {item.name: set() for item in spec.pipelines}
    for route in spec.routes:
        targets.get(route.from_pipeline, set()).add(route.to_pipeline)
    try:
        TopologicalSorter(targets).prepare()
    except CycleError as error:
        return tuple(reversed(error.args[1]))
    return ()


def _name_faults(spec: GroupSpec) -> Iterator[SpecFault]:
    if not 1 <= len(spec.name) <= MAX_NAME or not spec.name.isprintable():
        yield SpecFault("name", f"group names are 1 to {MAX_NAME} printable characters")


def _pipeline_faults(spec: GroupSpec) -> Iterator[SpecFault]:
    if not spec.pipelines:
        yield SpecFault("pipelines", "a group needs at least one pipeline")
    seen: set[str] = set()
    for index, pipeline in enumerate(spec.pipelines):
        path = f"pipelines[{index}].name"
        if not _is_pipeline_name(pipeline.name):
            yield SpecFault(
                path,
                f"'{pipeline.name}' is no pipeline name",
                f"1 to {MAX_NAME} characters without '#', '/' and control characters; "
                f"not '{EXTERNAL}'",
            )
        elif pipeline.name in seen:
            yield SpecFault(path, f"pipeline '{pipeline.name}' is there twice")
        seen.add(pipeline.name)


def _limit_faults(spec: GroupSpec) -> Iterator[SpecFault]:
    for index, pipeline in enumerate(spec.pipelines):
        for fault in limit_faults(pipeline.limits):
            path = f"pipelines[{index}].limits.{fault.name}"
            yield SpecFault(path, fault.message, fault.hint)


def _is_pipeline_name(name: str) -> bool:
    if not 1 <= len(name) <= MAX_NAME or name == EXTERNAL:
        return False
    return not any(c in "#/" or unicodedata.category(c) == "Cc" for c in name)


def _route_faults(spec: GroupSpec) -> Iterator[SpecFault]:
    names = [item.name for item in spec.pipelines]
    for index, route in enumerate(spec.routes):
        path = f"routes[{index}]"
        if route.from_pipeline != EXTERNAL:
            yield from _unknown(f"{path}.from_pipeline", route.from_pipeline, names)
        yield from _unknown(f"{path}.to_pipeline", route.to_pipeline, names)
        yield from _pattern_faults(f"{path}.event_types", route.event_types)


def _unknown(path: str, name: str, names: list[str]) -> Iterator[SpecFault]:
    if name not in names:
        hint = "known: " + ", ".join(names)
        yield SpecFault(path, f"unknown pipeline '{name}'", hint)


def _pattern_faults(path: str, patterns: Iterable[str]) -> Iterator[SpecFault]:
    patterns = tuple(patterns)
    if not patterns:
        yield SpecFault(path, "a route needs at least one event type")
    for index, pattern in enumerate(patterns):
        if not is_valid_pattern(pattern):
            yield SpecFault(
                f"{path}[{index}]",
                f"'{pattern}' is no pattern",
                "an event type, 'Prefix*' or '*'",
            )


def _option_faults(spec: GroupSpec) -> Iterator[SpecFault]:
    if spec.placement not in STRATEGIES:
        yield SpecFault(
            "placement",
            f"unknown placement '{spec.placement}'",
            "known: " + ", ".join(STRATEGIES),
        )
    known = [ROUTE_FIRST, ROUTE_REJECT, *(item.name for item in spec.pipelines)]
    if spec.default_route not in known:
        yield SpecFault(
            "default_route",
            f"unknown default route '{spec.default_route}'",
            "known: " + ", ".join(known),
        )


RULES = (_name_faults, _pipeline_faults, _limit_faults, _route_faults, _option_faults)

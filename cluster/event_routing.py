"""Which pipeline of a group takes an event from outside (api.md 6.5). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

EXTERNAL = "_external"
ROUTE_FIRST = "first"
ROUTE_REJECT = "reject"


@dataclass(frozen=True, slots=True)
class RouteRule:
    """One route of a group: patterns, and the pipeline the matching events go to."""

    from_pipeline: str
    to_pipeline: str
    event_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """The route that took an event.

    `index` and `pattern` are None when the default took it. `family` is the prefix
    that the worker may deliver the event as (pattern `Prefix*` only).
    """

    index: int | None
    pattern: str | None
    family: str | None
    to_pipeline: str


def is_valid_pattern(pattern: str) -> bool:
    """Tell whether `pattern` is exact, `Prefix*` or `*`; a star elsewhere is none."""
    return bool(pattern) and "*" not in pattern[:-1]


def matches_pattern(pattern: str, event_type: str) -> bool:
    """Tell whether the pattern takes the event type; letter case counts."""
    if pattern.endswith("*"):
        return event_type.startswith(pattern[:-1])
    return event_type == pattern


def family_of(pattern: str) -> str | None:
    """Return the prefix of `Prefix*`; exact patterns and `*` have no family."""
    return pattern[:-1] if pattern.endswith("*") and len(pattern) > 1 else None


def match_route(routes: Sequence[RouteRule], event_type: str) -> RouteMatch | None:
    """Return the first external route whose patterns take the event type, or None.

    Patterns of one route are tried in order as well. `index` counts all routes.
    """
    for index, route in enumerate(routes):
        if route.from_pipeline != EXTERNAL:
            continue
        for pattern in route.event_types:
            if matches_pattern(pattern, event_type):
                return RouteMatch(index, pattern, family_of(pattern), route.to_pipeline)
    return None


def choose_target(
    routes: Sequence[RouteRule],
    event_type: str,
    *,
    default_route: str,
    pipelines: Sequence[str],
) -> RouteMatch | None:
    """Return where an event goes, the default of the group included.

    `default_route` is `first` (the first of `pipelines`), `reject`, or the name of a
    pipeline. None means that nothing takes the event: 422 `no_route`.
    """
    found = match_route(routes, event_type)
    if found is not None:
        return found
    if default_route == ROUTE_REJECT or not pipelines:
        return None
    target = default_route if default_route in pipelines else pipelines[0]
    return RouteMatch(None, None, None, target)

"""Fingerprints and circles of a group spec; faults are tested over HTTP."""

import itertools
from dataclasses import replace

from cluster.group_spec import find_faults, find_route_cycle
from cluster.testing import make_spec

PROGRAMS = {"a": "b3:1", "b": "b3:2"}


def test_the_layout_of_a_source_does_not_count() -> None:
    spec = make_spec(pipelines=["a", "b"])
    other = replace(
        spec,
        pipelines=tuple(
            replace(p, source=f"# note\n{p.source}") for p in spec.pipelines
        ),
    )
    assert spec.fingerprint(PROGRAMS) == other.fingerprint(PROGRAMS)


def test_every_other_member_counts() -> None:
    spec = make_spec(pipelines=["a", "b"])
    changed = [
        replace(spec, placement="least_loaded"),
        replace(spec, default_route="reject"),
        replace(spec, labels={"team": "x"}),
        make_spec(pipelines=[("a", "w"), "b"]),
        make_spec(pipelines=["b", "a"]),
        make_spec(pipelines=["a", "b"], routes=[("_external", "a", ("*",))]),
    ]
    found = {item.fingerprint(PROGRAMS) for item in [spec, *changed]}
    assert len(found) == len(changed) + 1


def test_a_circle_of_routes_is_found_and_named() -> None:
    routes = [("a", "b", ("X",)), ("b", "c", ("Y",)), ("c", "a", ("Z",))]
    cycle = find_route_cycle(make_spec(pipelines=["a", "b", "c"], routes=routes))
    assert cycle[0] == cycle[-1]
    assert set(cycle) == {"a", "b", "c"}
    steps = set(itertools.pairwise(cycle))
    assert steps == {("a", "b"), ("b", "c"), ("c", "a")}


def test_a_route_to_itself_is_a_circle() -> None:
    spec = make_spec(pipelines=["a"], routes=[("a", "a", ("X",))])
    assert find_route_cycle(spec) == ("a", "a")


def test_a_chain_is_no_circle() -> None:
    routes = [("_external", "a", ("E",)), ("a", "b", ("X",)), ("a", "c", ("X",))]
    spec = make_spec(pipelines=["a", "b", "c"], routes=routes)
    assert find_route_cycle(spec) == ()
    assert find_faults(spec) == ()


def test_limits_count_and_are_shown_only_if_there_are() -> None:
    spec = make_spec(pipelines=["a", "b"])
    assert "limits" not in spec.to_json()["pipelines"][0]
    limited = replace(
        spec, pipelines=tuple(replace(p, limits={"runs": 5}) for p in spec.pipelines)
    )
    assert limited.to_json()["pipelines"][0]["limits"] == {"runs": 5}
    assert spec.fingerprint(PROGRAMS) != limited.fingerprint(PROGRAMS)

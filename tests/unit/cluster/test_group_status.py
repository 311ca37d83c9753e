"""What the placements of a group amount to (api.md 5.5)."""

import itertools

import pytest

from cluster.services.group_status import PlacementState, derive_group_status
from cluster.state import (
    GroupStatus,
    IllegalTransitionError,
    PlacementStatus,
    WorkerStatus,
    check_transition,
)

RUN = PlacementState(PlacementStatus.RUNNING, is_served=True)
PAUSED = PlacementState(PlacementStatus.PAUSED, is_served=True)
CUT_OFF = PlacementState(PlacementStatus.RUNNING, is_served=False)
FAILED = PlacementState(PlacementStatus.FAILED, is_served=False)
DEPLOYING = PlacementState(PlacementStatus.DEPLOYING, is_served=True)


@pytest.mark.parametrize(
    ("current", "started", "states", "expected"),
    [
        ("deploying", False, [DEPLOYING, RUN], "deploying"),
        ("deploying", False, [RUN, PAUSED], "running"),
        ("deploying", False, [RUN, FAILED], "partially_running"),
        ("deploying", False, [FAILED, FAILED], "failed"),
        ("running", True, [RUN, RUN], "running"),
        ("running", True, [RUN, CUT_OFF], "degraded"),
        ("running", True, [RUN, DEPLOYING], "degraded"),
        ("running", True, [RUN, FAILED], "degraded"),
        ("running", True, [FAILED, FAILED], "failed"),
        ("running", True, [DEPLOYING, FAILED], "degraded"),
        ("degraded", True, [RUN, RUN], "running"),
        ("partially_running", True, [RUN, FAILED], "partially_running"),
        ("partially_running", True, [CUT_OFF, FAILED], "degraded"),
        ("partially_running", True, [RUN, RUN], "running"),
        ("failed", True, [RUN, RUN], "running"),
        ("torn_down", True, [RUN], "torn_down"),
    ],
)
def test_the_status_follows_from_the_placements(
    current: str, started: bool, states: list[PlacementState], expected: str
) -> None:
    found = derive_group_status(GroupStatus(current), states, has_started=started)
    assert found == expected


def test_every_derived_change_is_an_allowed_one() -> None:
    kinds = [RUN, PAUSED, CUT_OFF, FAILED, DEPLOYING]
    for current, started in itertools.product(GroupStatus, (True, False)):
        if current is GroupStatus.DEPLOYING and started:
            continue  # a group that ran never goes back to its first deploy
        if current in {"running", "degraded", "partially_running"} and not started:
            continue  # these mean that it started
        for size in (1, 2, 3):
            for states in itertools.combinations_with_replacement(kinds, size):
                new = derive_group_status(current, states, has_started=started)
                check_transition(current, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (GroupStatus.TORN_DOWN, GroupStatus.RUNNING),
        (PlacementStatus.STOPPED, PlacementStatus.RUNNING),
        (WorkerStatus.READY, WorkerStatus.REGISTERING),
    ],
)
def test_what_the_table_does_not_name_is_refused(old: str, new: str) -> None:
    with pytest.raises(IllegalTransitionError):
        check_transition(old, new)  # type: ignore[arg-type]

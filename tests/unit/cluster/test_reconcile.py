"""Desired against reported (api.md 6.6): one test per row of the table, and the races."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from cluster.reconcile import (
    Action,
    Adopt,
    DesiredPlacement,
    LeaveForeign,
    Redeploy,
    RemoveCopy,
    ReportedPipeline,
    has_unreported,
    reconcile,
)
from cluster.state import PlacementStatus

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
GROUP = UUID(int=1)
SLOT = (GROUP, "intake", 0)


def wanted(**changes: object) -> DesiredPlacement:
    facts: dict[str, object] = {
        "placement_id": 7,
        "slot": SLOT,
        "worker_id": "w",
        "pipeline_id": "id-1",
        "generation": 3,
        "fingerprint": "b3:aa",
        "status": PlacementStatus.RUNNING,
        "since": NOW - timedelta(minutes=1),
    }
    return DesiredPlacement(**(facts | changes))  # type: ignore[arg-type]


def reported(**changes: object) -> ReportedPipeline:
    facts: dict[str, object] = {
        "pipeline_id": "id-1",
        "slot": SLOT,
        "generation": 3,
        "fingerprint": "b3:aa",
        "cluster_id": "here",
    }
    return ReportedPipeline(**(facts | changes))  # type: ignore[arg-type]


def judge(
    desired: list[DesiredPlacement], found: list[ReportedPipeline]
) -> tuple[Action, ...]:
    return reconcile(
        {place.slot: place for place in desired},
        found,
        worker_id="w",
        cluster_id="here",
        settled_before=NOW - timedelta(seconds=10),
    )


def test_a_copy_as_recorded_is_left_alone() -> None:
    assert judge([wanted()], [reported()]) == ()


def test_a_copy_as_recorded_of_a_failed_placement_is_adopted() -> None:
    failed = wanted(status=PlacementStatus.FAILED)
    assert judge([failed], [reported()]) == (Adopt(7, "id-1", 3),)


def test_a_copy_whose_deploy_was_never_answered_is_adopted() -> None:
    place = wanted(status=PlacementStatus.DEPLOYING, pipeline_id="")
    assert judge([place], [reported()]) == (Adopt(7, "id-1", 3),)


def test_a_deploy_under_way_is_not_disturbed() -> None:
    place = wanted(status=PlacementStatus.DEPLOYING, pipeline_id="", claimed=True)
    assert judge([place], [reported()]) == ()
    assert judge([place], []) == ()


def test_a_paused_copy_stays_paused() -> None:
    assert judge([wanted(status=PlacementStatus.PAUSED)], [reported()]) == ()


def test_a_missing_pipeline_is_deployed_again() -> None:
    assert judge([wanted()], []) == (Redeploy(7, 3, "lost by its worker"),)


def test_a_pipeline_placed_a_moment_ago_may_be_missing_from_a_report() -> None:
    assert judge([wanted(since=NOW - timedelta(seconds=1))], []) == ()


def test_a_failed_placement_is_not_deployed_by_a_report() -> None:
    assert judge([wanted(status=PlacementStatus.FAILED)], []) == ()


def test_an_older_generation_is_removed_and_the_wanted_one_deployed() -> None:
    found = judge([wanted()], [reported(generation=2, pipeline_id="id-0")])
    assert found == (
        RemoveCopy("id-0", SLOT, "stale_generation"),
        Redeploy(7, 3, "lost by its worker"),
    )


def test_a_copy_of_a_placement_that_moved_away_is_removed() -> None:
    moved = wanted(worker_id="elsewhere", generation=4)
    assert judge([moved], [reported()]) == (
        RemoveCopy("id-1", SLOT, "stale_generation"),
    )


def test_a_copy_of_an_unknown_or_torn_down_group_is_removed() -> None:
    assert judge([], [reported()]) == (RemoveCopy("id-1", SLOT, "unknown_group"),)


def test_a_second_copy_of_the_same_generation_is_removed() -> None:
    found = judge([wanted()], [reported(), reported(pipeline_id="id-2")])
    assert found == (RemoveCopy("id-2", SLOT, "duplicate"),)


def test_a_copy_under_a_new_id_is_adopted_when_the_recorded_one_is_gone() -> None:
    assert judge([wanted()], [reported(pipeline_id="id-2")]) == (Adopt(7, "id-2", 3),)


def test_a_pipeline_of_another_cluster_is_left_running() -> None:
    found = judge([], [reported(cluster_id="other")])
    assert found == (LeaveForeign("id-1", "other"),)


def test_a_pipeline_put_there_by_hand_is_never_touched() -> None:
    assert judge([], [reported(slot=None, cluster_id="")]) == ()


def test_another_program_than_recorded_is_replaced() -> None:
    found = judge([wanted()], [reported(fingerprint="b3:bb")])
    assert found == (Redeploy(7, 3, "fingerprint differs"),)


def test_a_fingerprint_nobody_told_is_no_difference() -> None:
    assert judge([wanted()], [reported(fingerprint="")]) == ()


def test_a_newer_generation_than_recorded_is_taken_over() -> None:
    """The database came from a backup; generations must only grow."""
    assert judge([wanted()], [reported(generation=5)]) == (Adopt(7, "id-1", 5),)


def test_placements_of_other_workers_are_not_missed_here() -> None:
    assert judge([wanted(worker_id="elsewhere")], []) == ()


@pytest.mark.parametrize(
    ("changes", "unsettled"),
    [
        ({}, True),
        ({"status": PlacementStatus.FAILED}, False),
        ({"worker_id": "elsewhere"}, False),
    ],
)
def test_what_was_not_reported_keeps_a_worker_unsettled(
    changes: dict[str, object], unsettled: bool
) -> None:
    desired = {SLOT: wanted(**changes)}
    assert has_unreported(desired, [], worker_id="w") is unsettled

"""The membership of a worker, as lists of steps: no sockets, no waiting."""

import pytest

from engine.worker.link_state import (
    Answer,
    Call,
    LinkPhase,
    LinkState,
    Report,
    Send,
    StayOut,
    Wait,
)

ONE = ("http://a:9100",)
TWO = ("http://a:9100", "http://b:9100")


def link(urls=ONE, random=lambda: 0.5) -> LinkState:
    return LinkState("depot-7", urls, random)


def registered(urls=ONE, **body) -> LinkState:
    state = link(urls)
    state.answered(Answer(201, {"heartbeat_interval_seconds": 5, **body}))
    state.waited()
    return state


def refused(code: str, status: int, **details) -> Answer:
    return Answer(status, {"error": "no", "code": code, "details": details})


def backoffs(state: LinkState, count: int) -> list[float]:
    waits = []
    for _ in range(count):
        state.failed("refused")
        step = state.next_step()
        assert isinstance(step, Wait)
        waits.append(step.seconds)
        state.waited()
    return waits


def test_it_registers_first():
    assert link().next_step() == Send(Call.REGISTER, "http://a:9100")


def test_backoff_doubles_up_to_30_seconds():
    state = link(random=lambda: 1.0)
    assert backoffs(state, 7) == [1, 2, 4, 8, 16, 30, 30]


def test_backoff_jitter_goes_down_to_half():
    assert backoffs(link(random=lambda: 0.0), 3) == [0.5, 1, 2]


def test_a_refused_registration_is_retried_with_backoff():
    state = link()
    report = state.answered(refused("worker_id_in_use", 409))
    assert report.level == "warning"
    assert state.next_step() == Wait(0.75)


def test_registration_starts_heartbeats_at_the_interval_of_the_answer():
    state = link()
    report = state.answered(Answer(201, {"heartbeat_interval_seconds": 2}))
    assert report.message == "Registered with coordinator as 'depot-7'"
    assert state.next_step() == Wait(2)
    state.waited()
    assert state.next_step() == Send(Call.HEARTBEAT, "http://a:9100")


@pytest.mark.parametrize(("random", "seconds"), [(0.0, 4.5), (0.5, 5.0), (1.0, 5.5)])
def test_heartbeats_vary_by_ten_percent(random, seconds):
    state = link(random=lambda: random)
    state.answered(Answer(201, {"heartbeat_interval_seconds": 5}))
    assert state.next_step() == Wait(pytest.approx(seconds))


@pytest.mark.parametrize("interval", [None, "5", True, {}])
def test_a_senseless_interval_is_not_taken(interval):
    state = link()
    state.answered(Answer(201, {"heartbeat_interval_seconds": interval}))
    assert state.next_step() == Wait(5)


def test_an_interval_of_zero_does_not_become_a_flood():
    state = link()
    state.answered(Answer(201, {"heartbeat_interval_seconds": 0}))
    assert state.next_step() == Wait(0.05)


def test_a_forgotten_worker_registers_again_at_once():
    state = registered()
    state.answered(refused("worker_unknown", 404))
    assert state.next_step() == Send(Call.REGISTER, "http://a:9100")
    assert state.phase is LinkPhase.JOINING


def test_a_refused_key_registers_again_with_backoff():
    state = registered()
    report = state.answered(refused("bad_worker_key", 401))
    assert report.level == "warning"
    assert state.next_step() == Wait(0.75)
    state.waited()
    assert state.next_step() == Send(Call.REGISTER, "http://a:9100")


def test_a_deregistered_worker_stays_out_and_lets_go_of_what_it_is_told():
    state = registered()
    report = state.answered(
        refused("worker_deregistered", 404, remove_pipelines=["p-1"])
    )
    assert [a["pipeline_id"] for a in report.actions] == ["p-1"]
    assert state.next_step() == StayOut()


def test_a_registration_of_a_deregistered_worker_stays_out():
    state = link()
    state.answered(refused("worker_deregistered", 409))
    assert state.next_step() == StayOut()


def test_a_replaced_worker_drops_its_cluster_pipelines_and_stays_out():
    state = registered()
    report = state.answered(refused("worker_replaced", 409))
    assert report.drop_cluster_pipelines
    assert state.next_step() == StayOut()


def test_another_404_is_no_reason_to_register_again():
    state = registered()
    report = state.answered(refused("not_found", 404))
    assert report.level == "warning"
    assert state.phase is LinkPhase.REGISTERED
    assert state.next_step() == Wait(5)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_failing_coordinator_is_a_warning_and_the_next_beat_comes_in_time(status):
    state = registered()
    report = state.answered(Answer(status, {}))
    assert report.level == "warning"
    assert f"status {status}" in report.message
    assert state.next_step() == Wait(5)


def test_a_lost_heartbeat_is_a_warning_that_names_coordinator_and_reason():
    report = registered().failed("connection refused")
    assert report == Report(
        "warning",
        "Heartbeat to coordinator at http://a:9100 failed: connection refused",
    )


def test_actions_of_answers_are_handed_on():
    action = {"action": "remove_pipeline", "pipeline_id": "p-1", "reason": "orphan"}
    report = registered().answered(
        Answer(200, {"acknowledged": True, "actions": [action]})
    )
    assert report.actions == [action]


@pytest.mark.parametrize("actions", [None, "x", [1, None], {}])
def test_senseless_actions_are_left_out(actions):
    report = registered().answered(Answer(200, {"actions": actions}))
    assert list(report.actions) == []


def test_with_several_coordinators_the_next_is_tried_at_once():
    state = link(TWO)
    state.failed("refused")
    assert state.next_step() == Send(Call.REGISTER, "http://b:9100")


def test_a_whole_round_of_failures_waits_and_starts_over():
    state = link(TWO)
    state.failed("refused")
    report = state.failed("refused")
    assert "trying again in 0.8 s" in report.message
    assert state.next_step() == Wait(0.75)
    state.waited()
    assert state.next_step() == Send(Call.REGISTER, "http://a:9100")


def test_heartbeats_go_to_the_coordinator_that_answers():
    state = registered(TWO)
    state.failed("refused")
    assert state.next_step() == Send(Call.HEARTBEAT, "http://b:9100")
    state.answered(Answer(200, {"acknowledged": True}))
    state.waited()
    assert state.next_step() == Send(Call.HEARTBEAT, "http://b:9100")


def test_backoff_starts_over_after_a_success():
    state = link(random=lambda: 1.0)
    backoffs(state, 4)
    state.answered(Answer(201, {}))
    state.waited()
    state.answered(refused("worker_unknown", 404))
    assert backoffs(state, 1) == [1]

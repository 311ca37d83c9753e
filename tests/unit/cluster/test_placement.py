"""Which worker runs which pipeline (api.md 6.4)."""

from hypothesis import given
from hypothesis import strategies as st

from cluster.natural_order import natural_key
from cluster.placement import Candidate, WantedPipeline, plan_placements


def place(
    names: list[str], candidates: list[Candidate], strategy: str = "round_robin"
) -> list[str | None]:
    wanted = [WantedPipeline(name) for name in names]
    plan = plan_placements(wanted, candidates, strategy=strategy)
    return [choice.worker_id for choice in plan.choices]


def test_round_robin_deals_as_in_the_tutorial() -> None:
    candidates = [Candidate("worker-1"), Candidate("worker-0")]
    assert place(["p1", "p2", "p3", "p4"], candidates) == [
        "worker-0",
        "worker-1",
        "worker-0",
        "worker-1",
    ]


def test_numbers_in_ids_count_as_numbers() -> None:
    candidates = [Candidate("worker-10"), Candidate("worker-2")]
    assert place(["p1", "p2"], candidates) == ["worker-2", "worker-10"]


def test_the_ring_starts_at_the_fewest_assigned() -> None:
    candidates = [
        Candidate("a", assigned=2),
        Candidate("b", assigned=1),
        Candidate("c"),
    ]
    assert place(["p1", "p2", "p3", "p4"], candidates) == ["c", "a", "b", "c"]


def test_affinity_does_not_advance_the_ring() -> None:
    wanted = [WantedPipeline("x", "b"), WantedPipeline("p1"), WantedPipeline("p2")]
    plan = plan_placements(wanted, [Candidate("a"), Candidate("b")])
    assert [choice.worker_id for choice in plan.choices] == ["b", "a", "b"]
    assert plan.choices[0].reason == "affinity b"


def test_affinity_for_an_absent_worker_falls_back_with_a_warning() -> None:
    plan = plan_placements(
        [WantedPipeline("p", "gone")],
        [Candidate("a")],
        unavailable={"gone": "unhealthy"},
    )
    assert plan.choices[0].worker_id == "a"
    assert plan.choices[0].rejected == (("gone", "unhealthy"),)
    assert "gone" in plan.warnings[0]
    assert "unhealthy" in plan.warnings[0]


def test_affinity_for_a_full_worker_falls_back() -> None:
    full = Candidate("a", assigned=3, max_pipelines=3)
    plan = plan_placements([WantedPipeline("p", "a")], [full, Candidate("b")])
    assert plan.choices[0].worker_id == "b"


def test_what_runs_beside_the_cluster_takes_room_too() -> None:
    busy = Candidate("a", assigned=0, running=5, max_pipelines=5)
    assert place(["p"], [busy, Candidate("b", assigned=4)]) == ["b"]


def test_nobody_to_place_on_leaves_pipelines_unplaced() -> None:
    plan = plan_placements([WantedPipeline("p")], [])
    assert [choice.name for choice in plan.unplaced] == ["p"]
    assert plan.choices[0].reason == "no worker is ready"


def test_excluded_workers_are_passed_over() -> None:
    wanted = WantedPipeline("p", excluded=frozenset({"a"}))
    plan = plan_placements([wanted], [Candidate("a"), Candidate("b")])
    assert plan.choices[0].worker_id == "b"


def test_least_loaded_counts_per_core_then_cpu() -> None:
    candidates = [
        Candidate("a", assigned=2, cpu_cores=4, cpu_percent=50),
        Candidate("b", assigned=1, cpu_cores=1),
        Candidate("c", assigned=2, cpu_cores=4, cpu_percent=10),
    ]
    assert place(["p1", "p2"], candidates, "least_loaded") == ["c", "a"]


@given(
    loads=st.lists(st.integers(0, 5), min_size=1, max_size=8),
    count=st.integers(0, 30),
    room=st.integers(1, 9),
)
def test_round_robin_never_overfills_and_places_all_it_can(
    loads: list[int], count: int, room: int
) -> None:
    candidates = [
        Candidate(f"w{i}", assigned=load, max_pipelines=room)
        for i, load in enumerate(loads)
    ]
    chosen = place([f"p{i}" for i in range(count)], candidates)
    free = sum(max(0, room - load) for load in loads)
    assert sum(1 for item in chosen if item is not None) == min(count, free)
    for candidate in candidates:
        total = candidate.assigned + chosen.count(candidate.worker_id)
        assert total <= max(room, candidate.assigned)


@given(st.integers(1, 6), st.integers(0, 24))
def test_round_robin_is_level_on_an_empty_cluster(size: int, count: int) -> None:
    chosen = place(
        [f"p{i}" for i in range(count)], [Candidate(f"w{i}") for i in range(size)]
    )
    shares = [chosen.count(f"w{i}") for i in range(size)]
    assert max(shares) - min(shares) <= 1


def test_natural_order_is_total() -> None:
    ids = ["worker-10", "worker-2", "a", "worker-1", "2", "10"]
    assert sorted(ids, key=natural_key) == [
        "2",
        "10",
        "a",
        "worker-1",
        "worker-2",
        "worker-10",
    ]

"""Which changes were heard of, and when all has to be read."""

from uuid import UUID

from cluster.notices import MOST_TOUCHED, MOST_VERSIONS, Notices, Touched
from cluster.services.notify import TopologyChanged

GROUP = UUID(int=7)


def changed(
    version: int, *workers: str, groups: tuple[UUID, ...] = ()
) -> TopologyChanged:
    return TopologyChanged(version, frozenset(workers), frozenset(groups))


def at(version: int) -> Notices:
    notices = Notices()
    notices.settle(version)
    return notices


def test_at_first_all_has_to_be_read() -> None:
    notices = Notices()
    assert not notices.is_current(0)
    assert notices.touched(0) is None


def test_what_was_heard_is_what_was_touched() -> None:
    notices = at(4)
    assert notices.is_current(4)
    notices.take(changed(6, "b", groups=(GROUP,)))
    notices.take(changed(5, "a"))
    assert not notices.is_current(6)
    wanted = Touched(frozenset({"a", "b"}), frozenset({str(GROUP)}))
    assert notices.touched(6) == wanted
    notices.settle(6)
    assert notices.is_current(6)


def test_a_gap_means_that_all_has_to_be_read() -> None:
    notices = at(4)
    notices.take(changed(6, "b"))
    assert notices.touched(6) is None


def test_a_version_gone_back_means_that_all_has_to_be_read() -> None:
    notices = at(9)
    assert not notices.is_current(3)
    assert notices.touched(3) is None
    notices.settle(3)
    assert notices.is_current(3)


def test_a_change_that_does_not_say_what_it_touched_means_all() -> None:
    notices = at(4)
    notices.take(changed(5, "a"))
    notices.take(changed(6))
    assert notices.touched(6) is None


def test_what_is_heard_while_reading_counts_for_the_next_time() -> None:
    notices = at(4)
    notices.take(changed(5, "a"))
    assert notices.touched(5) == Touched(frozenset({"a"}), frozenset())
    notices.take(changed(6, "b"))
    notices.settle(5)
    assert not notices.is_current(5)
    assert notices.touched(6) == Touched(frozenset({"b"}), frozenset())


def test_what_is_heard_late_was_read_already() -> None:
    notices = at(4)
    assert notices.touched(5) is None
    notices.settle(5)
    notices.take(changed(5, "a"))
    assert notices.is_current(5)


def test_after_a_failure_all_has_to_be_read() -> None:
    notices = at(4)
    notices.take(changed(5, "a"))
    notices.forget()
    notices.take(changed(6, "b"))
    assert notices.touched(6) is None


def test_too_much_is_read_at_once() -> None:
    notices = at(0)
    for number in range(1, MOST_TOUCHED + 2):
        notices.take(changed(number, f"w{number}"))
    assert notices.touched(MOST_TOUCHED + 1) is None


def test_what_nobody_reads_is_not_kept_for_ever() -> None:
    notices = at(0)
    for number in range(1, 3 * MOST_VERSIONS):
        notices.take(changed(number, "w"))
    assert notices.touched(3 * MOST_VERSIONS - 1) is None

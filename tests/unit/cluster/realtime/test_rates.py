"""Events per second, from the counters of reports."""

from typing import Any

from cluster.realtime.rates import RateBook
from cluster.services.heartbeats import Heartbeat


class Seconds:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def note(book: RateBook, seen: int, out: int = 0, **load: Any) -> None:
    pipelines = [{"id": "p", "events_in": seen, "events_out": out, "queue_depth": 4}]
    book.note(
        Heartbeat(
            worker_id="w", events_processed=seen, pipelines=pipelines, load=load or None
        )
    )


def test_one_report_says_nothing_about_a_rate() -> None:
    book = RateBook(Seconds())
    note(book, 500)
    assert book.worker("w").per_second_in == 0
    assert book.pipeline("w", "p") == (0.0, 0)


def test_two_reports_give_events_per_second() -> None:
    clock = Seconds()
    book = RateBook(clock)
    note(book, 500, 10)
    clock.now += 5
    note(book, 1500, 60, cpu_percent=37.5, memory_bytes=7)
    figures = book.worker("w")
    assert (figures.per_second_in, figures.per_second_out) == (200.0, 10.0)
    assert (figures.cpu, figures.memory) == (37.5, 7)
    assert book.pipeline("w", "p") == (200.0, 4)
    assert book.total_in() == 200.0


def test_a_restarted_worker_counts_from_zero() -> None:
    clock = Seconds()
    book = RateBook(clock)
    note(book, 5000)
    clock.now += 5
    note(book, 50)
    assert book.worker("w").per_second_in == 10.0


def test_a_silent_worker_processes_nothing() -> None:
    clock = Seconds()
    book = RateBook(clock)
    note(book, 0)
    clock.now += 5
    note(book, 500)
    clock.now += 60
    assert book.worker("w").per_second_in == 0
    assert book.age_s("w") == 60


def test_a_worker_that_is_gone_is_forgotten() -> None:
    book = RateBook(Seconds())
    note(book, 1)
    book.forget_others([])
    assert book.age_s("w") is None


def test_values_of_another_kind_are_passed_over() -> None:
    book = RateBook(Seconds())
    items = [{"id": 5, "events_in": "x", "queue_depth": None}]
    beat = Heartbeat(worker_id="w", load={"cpu_percent": "hot"}, pipelines=items)
    book.note(beat)
    assert book.worker("w").cpu is None

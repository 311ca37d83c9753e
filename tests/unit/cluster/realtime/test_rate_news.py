"""Figures are sent when they change, and only then."""

from typing import Any

import pytest

from cluster.realtime.rate_news import RateNews
from cluster.realtime.rates import RateBook
from cluster.realtime.view import TopologyView
from cluster.services.heartbeats import Heartbeat


class Seconds:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def book(clock: Seconds) -> RateBook:
    return RateBook(clock)


@pytest.fixture
def news(book: RateBook) -> RateNews:
    return RateNews(book)


def view(**homes: str | None) -> TopologyView:
    """Pipelines of one group by their workers, each with a link from outside."""
    places: dict[str, Any] = {
        f"g/{name}": {
            "group_id": "g",
            "pipeline_name": name,
            "pipeline_id": f"id-{name}",
        }
        for name in homes
    }
    links: dict[str, Any] = {
        f"r-{name}": {"group_id": "g", "to": name, "target_worker": worker}
        for name, worker in homes.items()
    }
    workers: Any = {worker: {} for worker in homes.values() if worker}
    return TopologyView(worker=workers, placement=places, link=links)


def beat(book: RateBook, worker: str, **seen: int) -> None:
    pipelines = [
        {"id": f"id-{name}", "events_in": count, "queue_depth": 0}
        for name, count in seen.items()
    ]
    book.note(Heartbeat(worker_id=worker, pipelines=pipelines))


def test_nothing_is_news_of_workers_that_said_nothing(news: RateNews) -> None:
    assert news.take(view(a="one", b="two")) == ({}, {})


def test_only_what_a_report_changed_is_told(
    news: RateNews, book: RateBook, clock: Seconds
) -> None:
    shown = view(a="one", b="one", c="two")
    for count in (0, 500):
        beat(book, "one", a=count, b=0)
        beat(book, "two", c=count)
        clock.now += 5
    workers, links = news.take(shown)
    assert list(workers) == ["one", "two"]
    assert links == {
        "r-a": {"rate": 100.0, "queue": 0},
        "r-c": {"rate": 100.0, "queue": 0},
    }
    assert news.take(shown) == ({}, {})
    beat(book, "one", a=500, b=50)
    workers, links = news.take(shown)
    assert list(workers) == ["one"]
    assert links == {
        "r-a": {"rate": 0.0, "queue": 0},
        "r-b": {"rate": 10.0, "queue": 0},
    }


def test_a_worker_that_falls_silent_is_told_once(
    news: RateNews, book: RateBook, clock: Seconds
) -> None:
    shown = view(a="one")
    beat(book, "one", a=0)
    clock.now += 5
    beat(book, "one", a=500)
    news.take(shown)
    clock.now += 16
    workers, links = news.take(shown)
    assert workers["one"]["age"] == 16.0
    assert links == {"r-a": {"rate": 0.0, "queue": 0}}
    clock.now += 16
    assert news.take(shown) == ({}, {})
    beat(book, "one", a=500)
    assert list(news.take(shown)[0]) == ["one"]


def test_a_report_ahead_of_the_topology_is_told_with_it(
    news: RateNews, book: RateBook
) -> None:
    beat(book, "new", a=0)
    assert news.take(view(a="one")) == ({}, {})
    assert list(news.take(view(a="new"))[0]) == ["new"]


@pytest.mark.parametrize("home", ["two", None])
def test_a_link_that_leads_elsewhere_stands_still_at_first(
    news: RateNews, book: RateBook, clock: Seconds, home: str | None
) -> None:
    beat(book, "one", a=0)
    clock.now += 5
    beat(book, "one", a=500)
    assert news.take(view(a="one"))[1] == {"r-a": {"rate": 100.0, "queue": 0}}
    assert news.take(view(a=home))[1] == {"r-a": {"rate": 0.0, "queue": 0}}


def test_a_link_that_is_gone_is_forgotten(
    news: RateNews, book: RateBook, clock: Seconds
) -> None:
    beat(book, "one", a=0)
    clock.now += 5
    beat(book, "one", a=500)
    news.take(view(a="one"))
    assert news.take(view(b="one")) == ({}, {})
    assert news.take(view(a="one")) == ({}, {})
    clock.now += 5
    beat(book, "one", a=500)
    assert news.take(view(a="one"))[1] == {}

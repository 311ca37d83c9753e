"""Which figures of the topology page changed since they were last sent.

A figure changes only when its worker reports or falls silent, so a second costs as
much as there were reports in it, not as there are links.
"""

from collections import defaultdict

from cluster.realtime.messages import FullWorkerRates, LinkRates
from cluster.realtime.rates import RateBook
from cluster.realtime.view import TopologyView

End = tuple[str, str]
"""The worker and the id of the pipeline that a link leads to, empty without one."""
STANDSTILL: LinkRates = {"rate": 0.0, "queue": 0}
"""What a link shows that nothing was ever sent of."""


class RateNews:
    """Remembers what was sent."""

    def __init__(self, book: RateBook) -> None:
        """Keep where figures come from; nothing was sent yet."""
        self._book = book
        self._view = TopologyView()
        self._ends: dict[str, End] = {}
        self._links: dict[str, list[str]] = {}  # by the worker at their end
        self._sent: dict[str, LinkRates] = {}
        self._unlisted: set[str] = set()

    def take(
        self, view: TopologyView
    ) -> tuple[dict[str, FullWorkerRates], dict[str, LinkRates]]:
        """Return the new figures of workers and of links; they count as sent."""
        rerouted = self._follow(view) if view is not self._view else []
        news = self._book.take_news() | self._unlisted
        heard = news & view.worker.keys()
        self._unlisted = news - heard  # reported before the feed read of them
        workers = {key: self._worker(key) for key in sorted(heard)}
        touched = [link for key in workers for link in self._links.get(key, ())]
        figures = ((link, self._figures(link)) for link in (*rerouted, *touched))
        links = {
            link: found
            for link, found in figures
            if found != self._sent.get(link, STANDSTILL)
        }
        self._sent |= links
        return workers, links

    def _follow(self, view: TopologyView) -> list[str]:
        """Find where the links end; return those that ended elsewhere before."""
        before, self._view = self._ends, view
        ids = {
            (node["group_id"], node["pipeline_name"]): node["pipeline_id"]
            for node in view.placement.values()
        }
        self._ends = {
            key: (
                link["target_worker"] or "",
                ids.get((link["group_id"], link["to"]), ""),
            )
            for key, link in view.link.items()
        }
        links: dict[str, list[str]] = defaultdict(list)
        for key, (worker_id, _) in self._ends.items():
            links[worker_id].append(key)
        self._links = links
        self._sent = {k: rates for k, rates in self._sent.items() if k in self._ends}
        return [key for key in self._sent if before[key] != self._ends[key]]

    def _figures(self, link: str) -> LinkRates:
        rate, queue = self._book.pipeline(*self._ends[link])
        return {"rate": rate, "queue": queue}

    def _worker(self, key: str) -> FullWorkerRates:
        figures = self._book.worker(key)
        return {
            "in": figures.per_second_in,
            "out": figures.per_second_out,
            "cpu": figures.cpu,
            "memory": figures.memory,
            "pipelines": figures.running,
            "age": self._book.age_s(key) or 0.0,
        }

"""The topology by the number of placements: as an answer, unchanged, and as a page."""

import time
from collections.abc import Callable

import requests

from bench.filled import SPARES, FilledCluster, remove_spare
from bench.finding import Curve, Finding
from bench.progress import step
from bench.result import Effort, Result, require

SIZES = ((10, 100), (100, 1000), (1000, 10_000))  # workers, placements
TARGET_MS = 200.0
MS = 1e3
OF = "placements"
NOT_MODIFIED = 304
CHECKED = "number of workers, placements and links; the version of each answer"


def run(effort: Effort) -> list[Finding]:
    """Ask coordinators with larger and larger clusters in their databases."""
    sizes = SIZES[:-1] if effort.is_quick else SIZES
    repeats = min(5, effort.repeats)
    changed, same, known = [], [], []
    for workers, placements in sizes:
        step(f"{placements} placements on {workers} workers")
        with FilledCluster(workers, placements) as cluster:
            asker = _Asker(cluster.layout.url, cluster.layout.api_key)
            found = asker.topology()
            require(len(found["workers"]), workers + SPARES, "workers in the topology")
            pipelines = sum(len(group["pipelines"]) for group in found["groups"])
            require(pipelines, placements, "pipelines in the topology")
            require(len(found["links"]), placements, "links in the topology")
            changed.append(asker.after_changes(repeats))
            same.append(_samples(asker.whole, repeats))
            known.append(_samples(asker.unchanged, repeats))
    points = tuple(placements for _, placements in sizes)
    return [
        Result(
            f"topology of {sizes[-1][0]} workers, {sizes[-1][1]} placements",
            "ms",
            changed[-1],
            better="less",
            target=TARGET_MS,
            checked=CHECKED,
            note=f"right after a change, with as many routes; the answer has "
            f"{asker.size / 1e6:.1f} MB",
        ),
        Curve("topology after a change", OF, points, tuple(changed), "ms", CHECKED),
        Curve("topology, unchanged", OF, points, tuple(same), "ms", CHECKED),
        Curve("topology, known by its ETag", OF, points, tuple(known), "ms", CHECKED),
    ]


class _Asker:
    """Asks one coordinator over one connection."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._base = f"{url}/api/v1/cluster"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["X-API-Key"] = key
        self._tag = ""
        self.size = 0

    def topology(self) -> dict[str, list[dict[str, list[object]]]]:
        found: dict[str, list[dict[str, list[object]]]] = self.whole().json()
        return found

    def whole(self) -> requests.Response:
        answer = self._session.get(f"{self._base}/topology", timeout=60)
        require(answer.status_code, 200, "status of the topology")
        self._tag, self.size = answer.headers["ETag"], len(answer.content)
        return answer

    def unchanged(self) -> None:
        headers = {"If-None-Match": self._tag}
        answer = self._session.get(
            f"{self._base}/topology", headers=headers, timeout=60
        )
        require(answer.status_code, NOT_MODIFIED, "status of a known topology")

    def after_changes(self, repeats: int) -> tuple[float, ...]:
        """Change the topology and ask for it, again and again; milliseconds."""
        took = []
        for repeat in range(repeats):
            tag = self._tag
            remove_spare(self._session, self._url, repeat)
            started = time.perf_counter()
            self.whole()
            took.append(MS * (time.perf_counter() - started))
            require(self._tag != tag, True, "the topology is another one")
        return tuple(took)


def _samples(work: Callable[[], object], repeats: int) -> tuple[float, ...]:
    work()
    took = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        took.append(MS * (time.perf_counter() - started))
    return tuple(took)

"""Which worker runs which pipeline (api.md 6.4). Pure: figures in, choices out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cluster.natural_order import natural_key

ROUND_ROBIN = "round_robin"
LEAST_LOADED = "least_loaded"
STRATEGIES = (ROUND_ROBIN, LEAST_LOADED)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A worker that takes placements: ready, reachable and not cordoned.

    `assigned` counts placements of the coordinator, `running` is what the worker
    reported, with pipelines put there by hand.
    """

    worker_id: str
    assigned: int = 0
    running: int = 0
    max_pipelines: int = 100
    cpu_cores: float = 1.0
    cpu_percent: float = 0.0


@dataclass(frozen=True, slots=True)
class WantedPipeline:
    """A pipeline to place. `excluded` are workers that were tried in vain."""

    name: str
    affinity: str | None = None
    excluded: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Choice:
    """The worker chosen for a pipeline, None if there is no room for it anywhere.

    `rejected` says of workers why they were passed over, the wanted one first.
    """

    name: str
    worker_id: str | None
    reason: str
    rejected: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """One choice per wanted pipeline, in order, and what the caller should know."""

    choices: tuple[Choice, ...]
    warnings: tuple[str, ...] = ()

    @property
    def unplaced(self) -> tuple[Choice, ...]:
        """Return the choices without a worker."""
        return tuple(choice for choice in self.choices if choice.worker_id is None)


def plan_placements(
    wanted: Sequence[WantedPipeline],
    candidates: Sequence[Candidate],
    *,
    strategy: str = ROUND_ROBIN,
    unavailable: Mapping[str, str] | None = None,
) -> Plan:
    """Choose a worker for each pipeline, counting what the plan itself fills.

    Round robin: candidates in natural id order; the ring starts at the candidate with
    the fewest assigned pipelines, the first of them on a tie; picks by affinity do not
    advance it. Least loaded: fewest pipelines per core, then lowest CPU, then id.
    A wanted worker that is no candidate falls back to the strategy, with a warning;
    `unavailable` says why known workers are no candidates.
    """
    room = _Room(candidates, strategy)
    known = dict(unavailable or {})
    choices, warnings = [], []
    for pipeline in wanted:
        choice = _choose(pipeline, room, known)
        choices.append(choice)
        warnings += _affinity_warnings(pipeline, choice)
    return Plan(tuple(choices), tuple(warnings))


def _choose(
    pipeline: WantedPipeline, room: "_Room", unavailable: Mapping[str, str]
) -> Choice:
    refused: tuple[tuple[str, str], ...] = ()
    if pipeline.affinity:
        why = _affinity_obstacle(pipeline, room, unavailable)
        if why is None:
            room.take(pipeline.affinity)
            return Choice(
                pipeline.name, pipeline.affinity, f"affinity {pipeline.affinity}"
            )
        refused = ((pipeline.affinity, why),)
    chosen = room.next_worker(pipeline.excluded)
    if chosen is None:
        return Choice(pipeline.name, None, room.shortage(pipeline.excluded), refused)
    room.take(chosen)
    return Choice(pipeline.name, chosen, room.strategy, refused)


def _affinity_obstacle(
    pipeline: WantedPipeline, room: "_Room", unavailable: Mapping[str, str]
) -> str | None:
    worker_id = pipeline.affinity or ""
    if worker_id in pipeline.excluded:
        return "did not take it"
    if worker_id not in room.by_id:
        return unavailable.get(worker_id, "not registered")
    return None if room.has_room(worker_id) else "full"


def _affinity_warnings(pipeline: WantedPipeline, choice: Choice) -> list[str]:
    return [
        f"pipeline '{pipeline.name}': wanted worker '{worker_id}' is not available "
        f"({why}), placed on '{choice.worker_id}' instead"
        for worker_id, why in choice.rejected
        if choice.worker_id is not None
    ]


@dataclass(slots=True)
class _Room:
    """What is left on the candidates while a plan fills them."""

    candidates: Sequence[Candidate]
    strategy: str
    by_id: dict[str, Candidate] = field(init=False)
    planned: dict[str, int] = field(init=False)
    ring: list[str] = field(init=False)

    def __post_init__(self) -> None:
        ordered = sorted(self.candidates, key=lambda item: natural_key(item.worker_id))
        self.by_id = {item.worker_id: item for item in ordered}
        self.planned = dict.fromkeys(self.by_id, 0)
        fewest = min(ordered, key=lambda item: item.assigned, default=None)
        ids = list(self.by_id)
        start = ids.index(fewest.worker_id) if fewest else 0
        self.ring = ids[start:] + ids[:start]

    def load(self, worker_id: str) -> int:
        worker = self.by_id[worker_id]
        return max(worker.assigned, worker.running) + self.planned[worker_id]

    def has_room(self, worker_id: str) -> bool:
        return self.load(worker_id) < self.by_id[worker_id].max_pipelines

    def take(self, worker_id: str) -> None:
        self.planned[worker_id] += 1

    def next_worker(self, excluded: frozenset[str]) -> str | None:
        if self.strategy == LEAST_LOADED:
            return self._least_loaded(excluded)
        for index, worker_id in enumerate(self.ring):
            if worker_id not in excluded and self.has_room(worker_id):
                self.ring = self.ring[index + 1 :] + self.ring[: index + 1]
                return worker_id
        return None

    def shortage(self, excluded: frozenset[str]) -> str:
        if not self.by_id:
            return "no worker is ready"
        if excluded >= self.by_id.keys():
            return "no other worker is ready"
        return "all ready workers are full"

    def _least_loaded(self, excluded: frozenset[str]) -> str | None:
        free = [w for w in self.by_id if w not in excluded and self.has_room(w)]
        return min(free, key=self._pressure, default=None)

    def _pressure(self, worker_id: str) -> tuple[float, float]:
        worker = self.by_id[worker_id]
        cores = worker.cpu_cores if worker.cpu_cores > 0 else 1.0
        return (self.load(worker_id) / cores, worker.cpu_percent)

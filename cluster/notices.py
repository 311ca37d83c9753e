"""Which changes were heard of, and whether they are all there were."""

from dataclasses import dataclass

from cluster.services.notify import TopologyChanged

NEVER = -1
MOST_VERSIONS = 1000  # more are not worth keeping apart: all is read again
MOST_TOUCHED = 500  # ids; reading so many one by one costs as much as reading all


@dataclass(frozen=True, slots=True)
class Touched:
    """The workers and groups that changes were about, by id."""

    worker_ids: frozenset[str]
    group_ids: frozenset[str]


class Notices:
    """Changes heard since the topology was read.

    Notices may get lost or overtake each other, and other processes may not say what
    they changed. Each carries its version, so a gap shows; then nothing is known of
    what was touched, and all has to be read. Used by one thread at a time.
    """

    def __init__(self) -> None:
        """Start with nothing read."""
        self._read_version = NEVER
        self._heard: dict[int, TopologyChanged] = {}

    def take(self, change: TopologyChanged) -> None:
        """Note a change."""
        if change.version <= self._read_version:
            return
        if len(self._heard) >= MOST_VERSIONS:
            self.forget()
        self._heard[change.version] = change

    def is_current(self, version: int) -> bool:
        """Tell whether what was read is this version, and nothing was heard since."""
        return version == self._read_version and not self._heard

    def touched(self, version: int) -> Touched | None:
        """Return what to read to get from the last reading to `version`.

        None if that is not known, or too much. What was heard beyond `version` is
        among it: it is committed, so it may be read now as well as later.
        """
        heard, self._heard = self._heard, {}
        if self._read_version == NEVER or version < self._read_version:
            return None
        missing = range(self._read_version + 1, version + 1)
        if not all(number in heard for number in missing):
            return None
        return _union(list(heard.values()))

    def settle(self, version: int) -> None:
        """Note that this version was read; `forget` if it could not be."""
        self._read_version = version
        self._heard = {k: v for k, v in self._heard.items() if k > version}

    def forget(self) -> None:
        """Know nothing: what was read may be incomplete."""
        self._read_version = NEVER
        self._heard = {}


def _union(changes: list[TopologyChanged]) -> Touched | None:
    if not all(change.worker_ids or change.group_ids for change in changes):
        return None
    found = Touched(
        frozenset().union(*(change.worker_ids for change in changes)),
        frozenset(str(key) for change in changes for key in change.group_ids),
    )
    too_many = len(found.worker_ids) + len(found.group_ids) > MOST_TOUCHED
    return None if too_many else found

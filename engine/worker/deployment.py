"""What a deploy asks for."""

from typing import Any

import msgspec


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """What a deploy asks for (api.md 7.1); `id` is chosen by the coordinator.

    `imports` has the sources of the files that the program imports, by path, `limits`
    what the pipeline may use where that is not what others may.

    Pipelines without `group_id` were put on this worker by hand and belong to no
    coordinator.
    """

    name: str
    source: str
    imports: dict[str, str] = {}
    limits: dict[str, Any] = {}
    id: str | None = None
    group_id: str | None = None
    replica: int = 0
    generation: int = 1
    cluster_id: str | None = None

    @property
    def placement(self) -> tuple[str | None, str, int]:
        """Return what stays the same over moves and updates of this placement."""
        return self.group_id, self.name, self.replica

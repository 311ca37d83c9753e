"""What the link needs of a way to reach a coordinator."""

from collections.abc import Mapping
from typing import Any, Protocol

from engine.worker.link_state import Answer


class CoordinatorUnreachableError(Exception):
    """There was no answer; the text says why."""


class CoordinatorClient(Protocol):
    """A way to make calls to a coordinator."""

    async def post(
        self, url: str, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> Answer:
        """Post JSON and return the answer, whatever its status.

        Raises CoordinatorUnreachableError when there is none. Never called after
        `close`.
        """

    async def close(self) -> None:
        """Give up open connections."""

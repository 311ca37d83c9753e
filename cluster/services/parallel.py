"""Make calls to several workers at the same time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from cluster.exceptions import WorkerCallError

MAX_THREADS = 32

Item = TypeVar("Item")
Result = TypeVar("Result")


def call_each(
    call: Callable[[Item], Result], items: Sequence[Item]
) -> list[Result | WorkerCallError]:
    """Return the result of `call` for each item, or the error it raised, in order.

    `call` runs in threads and must not touch the database.
    """

    def guarded(item: Item) -> Result | WorkerCallError:
        try:
            return call(item)
        except WorkerCallError as error:
            return error

    if len(items) <= 1:
        return [guarded(item) for item in items]
    with ThreadPoolExecutor(min(MAX_THREADS, len(items))) as pool:
        return list(pool.map(guarded, items))

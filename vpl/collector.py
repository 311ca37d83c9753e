"""Keeping Python's search for garbage out of long passes over fresh objects."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collection() -> Iterator[None]:
    """Make no searches for cyclic garbage meanwhile; a third of a large parse is that.

    Tokens and trees hold no cycles. Threads may do this side by side: whoever found
    the collector running lets it go on, so it never stays off.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()

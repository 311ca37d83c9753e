"""The values of one field of many events."""

from typing import Any, Protocol


class Column(Protocol):
    """A NumPy array, or a memoryview, which NumPy takes as an array in place."""

    def __len__(self) -> int:
        """Return how many values there are."""
        ...

    def __getitem__(self, at: slice, /) -> Any:
        """Return a part, which is a column too."""
        ...

    def tolist(self) -> list[Any]:
        """Return the values as Python int, float or bool."""
        ...

"""What the place that runs a program has to offer, as far as checks need to know."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec


def is_installed(module: str) -> bool:
    """Tell whether this Python could import a top-level module."""
    return find_spec(module) is not None


@dataclass(frozen=True, slots=True)
class Host:
    """Where a program is to run.

    `connectors` are those the host supplies, kind by name: they count as declared,
    and the program's own declaration of a name wins. `has_module` tells whether an
    optional package is there. A host that `loads` the program needs those it uses
    (E097); elsewhere they are worth a warning (W097).
    """

    connectors: Mapping[str, str] = field(default_factory=dict)
    loads: bool = False
    has_module: Callable[[str], bool] = is_installed


ANYWHERE = Host()
"""This Python, of which no connectors are known."""

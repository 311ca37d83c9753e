"""Which limits pipelines get: what their owners ask for, within what is allowed here."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engine.limits import Limits
from vpl import PIPELINE_LIMITS, LimitFault, limit_faults, limit_values

Values = Mapping[str, int | float]


def parse_limits(text: str) -> dict[str, int | float]:
    """Return the limits of `NAME=VALUE,NAME=VALUE`; raises ValueError."""
    values: dict[str, Any] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"{part!r} is not of the form NAME=VALUE")
        values[name.strip()] = _number(value.strip())
    for fault in limit_faults(values):
        hint = f" ({fault.hint})" if fault.hint else ""
        raise ValueError(f"{fault.message}{hint}")
    return limit_values(values)


def limits_of(values: Values, base: Limits | None = None) -> Limits:
    """Return limits with some set to checked values, the others as in `base`."""
    changes: dict[str, Any] = dict(limit_values(values))
    return replace(base or Limits(), **changes)


def shown_limits(limits: Limits) -> dict[str, int | float]:
    """Return the limits a deploy may set, as they hold."""
    return {name: getattr(limits, name) for name in PIPELINE_LIMITS}


@dataclass(frozen=True, slots=True)
class LimitPolicy:
    """What pipelines get that ask for nothing, and what they may ask for at most.

    What is allowed bounds the defaults as well.
    """

    defaults: Values = field(default_factory=dict)
    allowed: Values = field(default_factory=dict)

    def most(self) -> dict[str, int | float]:
        """Return what may be asked for at most, by name.

        What the operator makes the default he allows, too.
        """
        return {
            name: self.allowed.get(name, max(limit.allowed, self._default(name)))
            for name, limit in PIPELINE_LIMITS.items()
        }

    def faults(self, wanted: Mapping[str, Any]) -> Iterator[LimitFault]:
        """Yield what is wrong with the limits that a deploy asks for."""
        return limit_faults(wanted, self.most())

    def limits(self, wanted: Values) -> Limits:
        """Return the limits of a pipeline, none above what is allowed.

        `wanted` without faults comes out as it is; what was taken when more was allowed
        is cut down to what is allowed now.
        """
        most = self.most()
        asked = {name: self._default(name) for name in PIPELINE_LIMITS} | dict(wanted)
        return limits_of({name: min(most[name], asked[name]) for name in most})

    def excess(self) -> Iterable[str]:
        """Return the names of defaults that are more than is allowed."""
        most = self.most()
        return [name for name, value in self.defaults.items() if value > most[name]]

    def _default(self, name: str) -> int | float:
        return self.defaults.get(name, PIPELINE_LIMITS[name].default)


def _number(text: str) -> Any:
    """Return the number a text stands for, or the text: no limit takes that."""
    try:
        return int(text) if text.isascii() and text.isdigit() else float(text)
    except ValueError:
        return text

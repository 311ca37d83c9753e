"""The operations on streams of vpl.md section 8.3 and the arguments they take."""

from dataclasses import dataclass
from typing import Final, Literal

MAX_BATCH: Final = 10_000
"""Events that `.to(.., batch: N)` may put into one message."""

ParameterKind = Literal["any", "duration", "constant", "count"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A named argument of an operation and what must stand there.

    `constant` is any constant expression, `count` a constant that is a whole number.
    """

    name: str
    kind: ParameterKind = "any"
    required: bool = False


@dataclass(frozen=True, slots=True)
class OperationSpec:
    """An operation: its tier, its arguments and where it may stand.

    `fields` means that any argument name is allowed (it names a field of the
    output); `positional` is the kind of the arguments without name, None if there
    are none. `ignored` are arguments that are accepted without effect (W082).
    `between_steps` operations may stand between two `->`, `first_step` ones before
    the first.
    """

    name: str
    tier: int
    positional: ParameterKind | None = None
    least: int = 0
    most: int | None = 0
    parameters: tuple[Parameter, ...] = ()
    fields: bool = False
    ignored: frozenset[str] = frozenset()
    first_step: bool = False
    between_steps: bool = False


def _one(
    name: str, tier: int, kind: ParameterKind = "any", *, between: bool = False
) -> OperationSpec:
    return OperationSpec(
        name, tier, kind, least=1, most=1, first_step=between, between_steps=between
    )


_PLAIN = (
    _one("where", 1, between=True),
    _one("filter", 1, between=True),
    _one("having", 2),
    _one("map", 2),
    _one("process", 1),
    OperationSpec("within", 2, "duration", 1, 1, between_steps=True),
    _one("allowed_lateness", 2, "duration", between=True),
    _one("on", 2),
    _one("limit", 2, "count"),
    _one("on_error", 3, "constant", between=True),
    OperationSpec("select", 2, fields=True, first_step=True),
    OperationSpec("emit", 1, fields=True),
    OperationSpec("aggregate", 2, fields=True),
    OperationSpec("trend_aggregate", 3, fields=True),
    OperationSpec("partition_by", 2, "any", 1, None, first_step=True),
    OperationSpec("order_by", 2),
    OperationSpec("first", 2),
    OperationSpec("collect", 2),
    OperationSpec("all", 3),
    OperationSpec("any", 3, "count", 0, 1),
    OperationSpec("not", 2),
    OperationSpec("context", 1, first_step=True, between_steps=True),
    OperationSpec("pattern", 3, "any", 1, 1),
    OperationSpec("fork", 3),
    OperationSpec("concurrent", 4, fields=True),
    OperationSpec("from", 2, first_step=True),
)

_WITH_PARAMETERS = (
    OperationSpec(
        "to", 1, parameters=(Parameter("topic"), Parameter("batch", "count"))
    ),
    OperationSpec("print", 2, "any", 0, None, first_step=True, between_steps=True),
    OperationSpec(
        "enrich",
        3,
        parameters=(
            Parameter("key", required=True),
            Parameter("fields"),
            Parameter("cache_ttl", "duration"),
            Parameter("timeout", "duration"),
            Parameter("fallback", "constant"),
        ),
    ),
    OperationSpec(
        "window",
        2,
        "constant",
        0,
        1,
        parameters=(
            Parameter("session", "duration"),
            Parameter("sliding", "constant"),
            Parameter("align", "constant"),
        ),
        ignored=frozenset(("policy",)),
    ),
    OperationSpec(
        "tap",
        2,
        parameters=(Parameter("counter", required=True), Parameter("labels")),
        first_step=True,
        between_steps=True,
    ),
    OperationSpec(
        "log",
        2,
        parameters=(Parameter("level"), Parameter("message"), Parameter("data")),
        first_step=True,
        between_steps=True,
    ),
    OperationSpec(
        "watermark",
        2,
        parameters=(Parameter("out_of_order", "duration", required=True),),
        first_step=True,
        between_steps=True,
    ),
    OperationSpec(
        "distinct", 2, "any", 0, 1, parameters=(Parameter("ttl", "duration"),)
    ),
    OperationSpec(
        "forecast",
        3,
        parameters=(
            Parameter("mode", "constant"),
            Parameter("confidence", "constant"),
            Parameter("horizon", "duration"),
            Parameter("warmup", "count"),
            Parameter("max_depth", "count"),
        ),
        ignored=frozenset(("hawkes", "conformal")),
    ),
    OperationSpec(
        "score",
        3,
        parameters=(
            Parameter("model", "constant", required=True),
            Parameter("inputs", required=True),
            Parameter("outputs", required=True),
        ),
    ),
)

OPERATIONS: dict[str, OperationSpec] = {
    spec.name: spec for spec in (*_PLAIN, *_WITH_PARAMETERS)
}

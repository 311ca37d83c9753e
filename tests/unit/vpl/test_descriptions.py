"""Everything the catalog offers is described for editors."""

import pytest

from vpl.catalog import AGGREGATES, BUILTINS, OPERATIONS
from vpl.catalog.descriptions import (
    AGGREGATE_DESCRIPTIONS,
    BUILTIN_DESCRIPTIONS,
    OPERATION_DESCRIPTIONS,
)


@pytest.mark.parametrize(
    ("names", "described"),
    [
        (OPERATIONS, OPERATION_DESCRIPTIONS),
        (AGGREGATES, AGGREGATE_DESCRIPTIONS),
        (BUILTINS, BUILTIN_DESCRIPTIONS),
    ],
)
def test_every_name_is_described_and_no_other(names: dict, described: dict) -> None:
    assert set(described) == set(names)


def test_the_arguments_of_builtins_are_as_many_as_they_take() -> None:
    for name, builtin in BUILTINS.items():
        inside = BUILTIN_DESCRIPTIONS[name].signature.partition("(")[2][:-1]
        shown = [part for part in inside.split(", ") if part and part != ".."]
        most = len(shown) if builtin.most is None else builtin.most
        assert builtin.least <= len(shown) <= most, name


def test_named_parameters_of_operations_exist() -> None:
    for name, spec in OPERATIONS.items():
        known = {parameter.name for parameter in spec.parameters}
        if not known:
            continue
        inside = OPERATION_DESCRIPTIONS[name].signature.partition("(")[2]
        shown = {part.partition(":")[0] for part in inside.split(", ") if ":" in part}
        assert shown <= known, name

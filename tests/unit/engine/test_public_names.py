"""What other packages may import of the engine."""

import importlib

import pytest

import engine


@pytest.mark.parametrize("name", engine.__all__)
def test_a_public_name_is_what_its_module_defines(name: str) -> None:
    value = getattr(engine, name)
    home = importlib.import_module(value.__module__)
    assert value is getattr(home, name)
    assert name in dir(engine)


def test_another_name_is_refused_as_by_any_module() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nonsense'"):
        _ = engine.Nonsense

"""Reading the environment: a bad value names its variable."""

from pathlib import Path

import pytest

from varpulis_site import env
from varpulis_site.env import InvalidSettingError


def test_an_empty_variable_counts_as_unset() -> None:
    assert env.text("X", "d", environ={"X": "  "}) == "d"


def test_a_key_is_read_from_the_file_it_names(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k-1\nsecond line\n")
    assert env.secret("X", environ={"X": f"@{tmp_path}/key"}) == "k-1"


def test_a_key_file_that_is_missing_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettingError, match=r"^X: cannot read"):
        env.secret("X", environ={"X": f"@{tmp_path}/none"})


@pytest.mark.parametrize(
    ("word", "meaning"), [("true", True), ("ON", True), ("0", False), ("", False)]
)
def test_truth_has_several_spellings(word: str, meaning: bool) -> None:
    assert env.boolean("X", not meaning, environ={"X": word}) is meaning


def test_another_word_is_no_truth_value() -> None:
    with pytest.raises(InvalidSettingError, match="X must be true or false"):
        env.boolean("X", environ={"X": "maybe"})


@pytest.mark.parametrize("value", ["x", "-1", "nan", "inf"])
def test_a_number_is_finite_and_at_least_the_bound(value: str) -> None:
    with pytest.raises(InvalidSettingError, match=r"^X must be"):
        env.number("X", 1, environ={"X": value})


@pytest.mark.parametrize("value", ["70000", "1.5", "-1", "abc"])
def test_a_port_is_whole_and_in_range(value: str) -> None:
    with pytest.raises(InvalidSettingError, match=r"^X must be"):
        env.integer("X", 9100, most=65535, environ={"X": value})


def test_a_choice_lists_what_it_may_be() -> None:
    with pytest.raises(InvalidSettingError, match="one of a, b, not 'c'"):
        env.choice("X", "a", ("a", "b"), environ={"X": "c"})


def test_a_list_is_split_at_commas() -> None:
    assert env.words("X", environ={"X": " a, ,b,"}) == ["a", "b"]


def test_the_state_folder_follows_the_user() -> None:
    found = env.state_folder({"XDG_STATE_HOME": "/home/u/.state"})
    assert found == Path("/home/u/.state/varpulis")


def test_the_state_folder_may_be_given() -> None:
    assert env.state_folder({"VARPULIS_STATE_DIR": "/srv/v"}) == Path("/srv/v")


def test_a_postgresql_url_is_taken_apart() -> None:
    found = env.database("postgresql://u:p%40x@db:5433/cluster?sslmode=require")
    assert found["NAME"] == "cluster"
    assert found["PASSWORD"] == "p@x"
    assert found["PORT"] == "5433"
    assert found["OPTIONS"] == {"sslmode": "require"}


@pytest.mark.parametrize("url", ["mysql://h/d", "postgresql://h", "x", "sqlite:"])
def test_another_database_url_says_what_it_must_look_like(url: str) -> None:
    with pytest.raises(InvalidSettingError, match="VARPULIS_DATABASE_URL must look"):
        env.database(url)

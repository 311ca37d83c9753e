"""Group specs in files."""

from pathlib import Path

import pytest

from cluster.demo.errors import UsageError
from cluster.demo.examples import example_path
from cluster.demo.spec_file import load_events, load_spec


def test_a_source_file_is_replaced_by_its_text(tmp_path: Path) -> None:
    (tmp_path / "a.vpl").write_text("stream A = B")
    (tmp_path / "g.yaml").write_text(
        "name: g\npipelines:\n- {name: p, source_file: a.vpl, worker_affinity: w}\n"
    )
    assert load_spec(tmp_path / "g.yaml") == {
        "name": "g",
        "pipelines": [{"name": "p", "source": "stream A = B", "worker_affinity": "w"}],
    }


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("g.json", "{", "cannot be parsed"),
        ("g.yaml", "a: [", "cannot be parsed"),
        ("g.json", "[]", "holds no group"),
        (
            "g.json",
            '{"pipelines": [{"source_file": "none.vpl"}]}',
            "cannot read .*none.vpl",
        ),
    ],
)
def test_a_bad_file_says_what_is_wrong(
    tmp_path: Path, name: str, text: str, says: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=says):
        load_spec(tmp_path / name)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*none\.json"):
        load_spec(tmp_path / "none.json")


def test_events_are_read_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "e.ndjson").write_text('{"event_type": "A"}\n\n{"event_type": "B"}\n')
    found = load_events(tmp_path / "e.ndjson")
    assert [event["event_type"] for event in found] == ["A", "B"]
    (tmp_path / "e.ndjson").write_text("{")
    with pytest.raises(UsageError, match="not one JSON object per line"):
        load_events(tmp_path / "e.ndjson")


@pytest.mark.parametrize("example", ["iot", "flights"])
def test_the_shipped_groups_load(example: str) -> None:
    spec = load_spec(example_path(example, "group.json"))
    names = {pipeline["name"] for pipeline in spec["pipelines"]}
    assert all(pipeline["source"] for pipeline in spec["pipelines"])
    assert {route["to_pipeline"] for route in spec["routes"]} == names

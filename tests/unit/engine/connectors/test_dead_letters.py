"""The dead-letter file."""

import json

import pytest

from engine.connectors import dead_letters
from engine.connectors.dead_letters import (
    MAX_ANNOUNCED,
    DeadLetters,
    Origin,
    dead_letter_name,
)

ORIGIN = Origin("intake", "Late", "Pages", "buffer full")


def test_each_event_is_one_line_with_its_origin(tmp_path):
    DeadLetters(tmp_path).write(ORIGIN, [b'{"event_type":"Late","delay":45}'])
    (line,) = (tmp_path / "intake.dlq.jsonl").read_text().splitlines()
    body = json.loads(line)
    assert body.pop("time").endswith("Z")
    assert body == {
        "pipeline": "intake",
        "stream": "Late",
        "connector": "Pages",
        "reason": "buffer full",
        "attempts": 1,
        "event": {"event_type": "Late", "delay": 45},
    }


def test_without_a_folder_they_are_counted_and_announced_once(caplog):
    letters = DeadLetters()
    letters.write(ORIGIN, [b"{}", b"{}"])
    letters.write(ORIGIN, [b"{}"])
    assert letters.count == 3
    assert len(caplog.records) == 1
    assert "no --state-dir" in caplog.text


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "..", "ü" * 128, "x y"])
def test_a_pipeline_name_never_leads_out_of_the_folder(tmp_path, name):
    DeadLetters(tmp_path).write(Origin(name, "S", "C", "r"), [b"{}"])
    assert [path.name for path in tmp_path.iterdir()] == [dead_letter_name(name)]


def test_four_files_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(dead_letters, "MAX_FILE_BYTES", 1)
    letters = DeadLetters(tmp_path)
    for number in range(6):
        letters.write(Origin("p", "S", "C", str(number)), [b"{}"])
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == ["p.dlq.jsonl"] + [f"p.dlq.jsonl.{n}" for n in (1, 2, 3)]
    newest = json.loads((tmp_path / "p.dlq.jsonl").read_text())
    assert newest["reason"] == "5"


def test_a_disk_that_fails_is_logged_and_not_raised(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    DeadLetters(tmp_path / "file").write(ORIGIN, [b"{}"])
    assert "lost" in caplog.text


def test_reasons_without_end_do_not_fill_the_log(caplog):
    letters = DeadLetters()
    for number in range(MAX_ANNOUNCED + 50):
        letters.write(Origin("p", "s", "c", f"byte {number}"), [b"1"])
    assert letters.count == MAX_ANNOUNCED + 50
    assert len(caplog.records) == MAX_ANNOUNCED

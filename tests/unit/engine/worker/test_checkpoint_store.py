"""Checkpoints on disk: whole, in order, and the one before when one is damaged."""

from pathlib import Path

import pytest

from engine.worker.checkpoint_store import KEPT, CheckpointStore

NOW = "2026-03-01T00:00:00Z"


def _store(tmp_path: Path, *numbers: int) -> CheckpointStore:
    store = CheckpointStore(tmp_path)
    for number in numbers:
        store.save("p1", {"n": number}, NOW)
    return store


def _documents(store: CheckpointStore, pipeline_id: str = "p1") -> list[object]:
    return [document for _, document in store.newest(pipeline_id)]


def test_the_last_ones_are_kept_newest_first(tmp_path: Path) -> None:
    store = _store(tmp_path, 1, 2, 3, 4, 5)
    assert _documents(store) == [{"n": 5}, {"n": 4}, {"n": 3}][:KEPT]


def test_sequences_go_on_after_a_restart(tmp_path: Path) -> None:
    _store(tmp_path, 1, 2)
    saved = CheckpointStore(tmp_path).save("p1", {"n": 9}, NOW)
    assert saved.sequence == 3
    assert saved.bytes == len(b'{"n":9}')


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-3],
        lambda content: content.replace(b'"n":2', b'"n":7'),
        lambda content: b"",
        lambda content: b"no header\n" + content,
        lambda content: content.replace(b'"version":1', b'"version":9'),
    ],
    ids=["cut", "changed", "empty", "no header", "unknown version"],
)
def test_the_one_before_is_used_when_the_last_is_damaged(
    tmp_path: Path, damage: object, caplog: pytest.LogCaptureFixture
) -> None:
    assert callable(damage)
    store = _store(tmp_path, 1, 2)
    newest = max(tmp_path.rglob("*.ckpt"))
    newest.write_bytes(damage(newest.read_bytes()))
    assert _documents(store) == [{"n": 1}]
    assert newest.name in caplog.text


def test_pipelines_do_not_share_checkpoints(tmp_path: Path) -> None:
    store = _store(tmp_path, 1)
    store.save("../p2", {"n": 2}, NOW)
    assert _documents(store) == [{"n": 1}]
    assert _documents(store, "../p2") == [{"n": 2}]
    assert all(tmp_path in path.parents for path in tmp_path.rglob("*.ckpt"))


def test_a_forgotten_pipeline_has_none(tmp_path: Path) -> None:
    store = _store(tmp_path, 1)
    store.forget("p1")
    store.forget("unknown")
    assert _documents(store) == []

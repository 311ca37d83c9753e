"""Parts of the worker that need neither sockets nor threads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.line_cutter import LineCutter
from engine.worker.bounded import MAX_BYTES, plainness_of
from engine.worker.config import WorkerConfig
from engine.worker.deployment import Deployment
from engine.worker.identity import advertised_address
from engine.worker.latency import LatencyHistogram
from engine.worker.options import ConfigError
from engine.worker.payloads import estimate_events
from engine.worker.seen_ids import MAX_IDS, WINDOW_S, SeenIds
from engine.worker.state_dir import StateDir, state_dir_of
from vpl import check

ECHO = "stream S = X .emit(v: v)"


@pytest.mark.parametrize(
    "source",
    [
        ECHO,
        "stream S = X .where(v > 1 and w != 2) .emit(v: v * 2, w)",
        'stream S = X .emit(t: "a" + t)',
        "stream S = X .emit(v: v)\nstream T = S .where(v > 1) .emit(v: v)",
    ],
)
def test_plain_filters_are_proven_quick(source):
    result = check(source)
    assert result.valid
    assert plainness_of(result.program)


@pytest.mark.parametrize(
    "source",
    [
        "fn f(): 1\nstream S = X .emit(v: f())",
        "fn f():\n    while true:\n        let a = 1\nstream S = X .process(f())",
        "context c\nstream S = X .context(c) .emit()",
        "connector O = console ()\nstream S = X .emit() .to(O)",
        "stream S = X .emit(v: 9 ** v)",
        "stream S = X .emit(v: 0..v)",
        "stream S = X .emit(v: to_string(v))",
        "stream S = X .emit(v: v + v)\nstream T = S .emit(v: v + v)",
        "stream S = X .emit as Y (v: v + v)\nstream T = Y .emit(v: v)",
        f"stream S = X .emit({', '.join(f'f{n}: v' for n in range(600))})",
    ],
)
def test_everything_else_is_not(source):
    result = check(source)
    assert result.valid, result.diagnostics
    assert not plainness_of(result.program)


def test_an_id_is_taken_once_within_the_window():
    now = 0.0
    seen = SeenIds(lambda: now)
    assert seen.take("a")
    assert not seen.take("a")
    now = WINDOW_S + 1
    assert seen.take("a")


def test_the_oldest_ids_are_forgotten_beyond_the_bound():
    seen = SeenIds(lambda: 0.0)
    for number in range(MAX_IDS + 1):
        seen.take(str(number))
    assert seen.take("0")
    assert not seen.take("2")


def cut(cutter, *pieces):
    blocks = [block for piece in pieces for block in cutter.feed(piece)]
    return blocks, cutter.rest()


def test_blocks_are_whole_lines():
    cutter = LineCutter(block_bytes=4)
    assert cut(cutter, b"ab", b"\ncd\ne", b"f") == ([b"ab\n", b"cd\n"], b"ef")


def test_whole_lines_need_not_wait_for_more():
    cutter = LineCutter(is_eager=True, max_line_bytes=4)
    blocks, rest = cut(cutter, b"a\nb\nc", b"d\n", b"01", b"2345", b"\ne\n", b"f")
    assert blocks == [b"a\nb\n", b"cd\n", None, b"e\n"]
    assert rest == b"f"


@given(
    st.lists(st.sampled_from([b"", b"a", b"bcd", b"x" * 20, b"y" * 9]), max_size=30),
    st.integers(1, 25),
    st.integers(1, 12),
    st.booleans(),
)
def test_lines_are_cut_as_splitting_them_would(lines, step, block_bytes, is_eager):
    text = b"\n".join(lines)
    cutter = LineCutter(block_bytes, 9 + step, is_eager=is_eager)
    pieces = [text[at : at + step] for at in range(0, len(text), step)]
    blocks, rest = cut(cutter, *pieces)
    kept = b"".join(block for block in blocks if block) + rest
    found = kept.split(b"\n")
    assert all(block is None or block.endswith(b"\n") for block in blocks)
    assert [line for line in found if len(line) <= 9 and line] == [
        line for line in lines if 0 < len(line) <= 9
    ]


def test_overlong_lines_are_left_out_and_told():
    cutter = LineCutter(block_bytes=4, max_line_bytes=8)
    blocks, rest = cut(cutter, b"ab\n0123", b"456789", b"0123\ncd\n", b"ef\n")
    assert blocks == [b"ab\n", None, b"cd\nef\n"]
    assert rest == b""


def test_quantiles_are_bucket_bounds():
    histogram = LatencyHistogram()
    assert histogram.quantile_s(0.99) == 0.0
    for _ in range(98):
        histogram.observe(0.0002)
    histogram.observe(0.03)
    histogram.observe(60.0)
    assert histogram.quantile_s(0.5) == 0.0005
    assert histogram.quantile_s(0.99) == 0.05
    assert histogram.quantile_s(1.0) == 10.0
    assert histogram.count == 100


@pytest.mark.parametrize(
    ("changes", "bound", "address"),
    [
        ({}, ("127.0.0.1", 9000), "http://127.0.0.1:9000"),
        ({}, ("::1", 9000), "http://[::1]:9000"),
        (
            {"coordinators": ("http://127.0.0.1:1",)},
            ("0.0.0.0", 9000),
            "http://127.0.0.1:9000",
        ),
        ({"advertise_address": "https://w:1"}, ("0.0.0.0", 9000), "https://w:1"),
    ],
)
def test_the_advertised_address_is_never_unspecified(changes, bound, address):
    assert advertised_address(WorkerConfig(**changes), bound) == address


@pytest.fixture
def state(tmp_path):
    state = StateDir(tmp_path / "w")
    state.open()
    yield state
    state.close()


def test_deployments_come_back_oldest_first(state):
    kept = [Deployment(name=n, source=ECHO, id=n, group_id="g") for n in ("b", "a")]
    for deployment in kept:
        state.save(deployment)
    assert state.load() == kept
    state.forget("b")
    state.forget("never-there")
    assert state.load() == kept[1:]


def test_a_broken_file_does_not_keep_the_others_from_coming_back(state, caplog):
    state.save(Deployment(name="a", source=ECHO, id="a"))
    (state.folder / "pipelines" / "x.json").write_text("{half")
    assert [deployment.id for deployment in state.load()] == ["a"]
    assert "cannot be restored" in caplog.text


@pytest.mark.parametrize("pipeline_id", ["..", "../x", "a/b"])
def test_ids_do_not_lead_out_of_the_folder(state, pipeline_id):
    state.save(Deployment(name="a", source=ECHO, id=pipeline_id))
    assert [path.parent for path in state.folder.rglob("*.json")] == [
        state.folder / "pipelines"
    ]


def test_a_folder_is_for_one_process(state):
    with pytest.raises(ConfigError, match="another worker"):
        StateDir(state.folder).open()


def test_a_made_id_is_kept(state):
    assert state.worker_id() == state.worker_id()


def test_a_worker_has_its_own_folder(tmp_path):
    config = WorkerConfig(state_dir=tmp_path, worker_id="w:1")
    assert state_dir_of(config, 9000).folder == tmp_path / "workers" / "w%3A1"
    config = WorkerConfig(state_dir=tmp_path)
    assert state_dir_of(config, 9000).folder == tmp_path / "workers" / "port-9000"
    assert state_dir_of(WorkerConfig(), 9000) is None


def test_longer_programs_get_fewer_bytes_for_sure():
    short = check(ECHO).program
    long = check("stream S = X .where(" + " and ".join(["v > 1"] * 60) + ")").program
    assert 0 < plainness_of(long).most_bytes < plainness_of(short).most_bytes
    assert plainness_of(short).most_bytes <= MAX_BYTES


@pytest.mark.parametrize("form", ["ndjson", "array"])
def test_events_of_large_batches_are_estimated(form):
    event = b'{"event_type":"X","v":1}\n'
    assert estimate_events(event * 3, form) == 3
    assert estimate_events(event * 4000, form) == pytest.approx(4000, rel=0.02)
    assert estimate_events(b" " * 5000, form) >= 1


def test_blocks_and_rest_are_all_that_came():
    text = b"".join(b"%d\n" % n for n in range(999)) + b"end"
    cutter = LineCutter(block_bytes=64)
    pieces = [text[at : at + 50] for at in range(0, len(text), 50)]
    blocks = [block for piece in pieces for block in cutter.feed(piece)]
    assert b"".join([*blocks, cutter.rest()]) == text
    assert all(block.endswith(b"\n") for block in blocks)

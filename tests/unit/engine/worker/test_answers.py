"""What answers to many events hold, and that they are bounded."""

import json

import msgspec
import pytest

import vpl
from engine import BadEventError, BatchReply, compile_program
from engine.reply import Reply
from engine.worker import pieces
from engine.worker.answer_size import MAX_LEVELS, OutputText, estimate
from engine.worker.bounded import plainness_of
from engine.worker.pieces import in_pieces
from engine.worker.tally import Tally, event_answer


class Row(msgspec.Struct):
    v: object


def outputs_of(text):
    return json.loads(bytes(text.to_json()))


def test_outputs_that_fit_are_all_there():
    text = OutputText(1000)
    text.add([Row(1), Row("a")])
    text.add([Row([1, {"b": 2}])])
    text.add([])
    assert outputs_of(text) == [{"v": 1}, {"v": "a"}, {"v": [1, {"b": 2}]}]
    assert not text.is_cut


def test_the_first_outputs_that_fit_are_kept():
    text = OutputText(300)
    text.add([Row("a" * 100) for _ in range(5)])
    text.add([Row(1)])
    assert outputs_of(text) == [{"v": "a" * 100}] * 2
    assert text.is_cut


def test_characters_that_grow_when_written_are_counted():
    text = OutputText(190)
    text.add([Row("\x01" * 15) for _ in range(5)])
    assert outputs_of(text) == [{"v": "\x01" * 15}]
    assert text.is_cut


def test_an_output_whose_parts_are_shared_is_weighed_before_it_is_written():
    value = ["x" * 1000]
    for _ in range(60):
        value = [value, value]
    text = OutputText(10_000)
    text.add([Row(1), Row(value)])
    assert outputs_of(text) == [{"v": 1}]
    assert text.is_cut


def test_an_output_that_is_nested_too_deeply_is_left_out():
    value = []
    for _ in range(MAX_LEVELS + 1):
        value = [value]
    assert estimate(Row(value), 10**6) > 10**6
    assert estimate(Row([[]]), 10**6) < 100


def test_keys_and_texts_count_as_long_as_they_are():
    assert estimate(Row({"k" * 50: "v" * 50}), 10**6) >= 100


def test_what_is_known_to_fit_is_not_weighed():
    text = OutputText(300)
    text.add([Row("a" * 40)], most_bytes=200)
    assert outputs_of(text) == [{"v": "a" * 40}]


COLUMNS = """
fn cells(n: int):
    for i in 0..n:
        emit Cell(i: i, x: i * 1.5)
stream Cells = Go .process(cells(n))
"""


def test_the_first_events_of_columns_that_fit_are_kept():
    pipeline = compile_program(COLUMNS)
    reply = pipeline.inject_batch(b'{"event_type":"Go","n":1000}')
    whole, cut = OutputText(), OutputText(10_000)
    whole.add(reply.rows)
    cut.add(reply.rows)
    pipeline.close()
    assert len(outputs_of(whole)) == 1000
    assert 100 < len(outputs_of(cut)) < 1000
    assert outputs_of(cut) == outputs_of(whole)[: len(outputs_of(cut))]
    assert (whole.is_cut, cut.is_cut) == (False, True)


def test_a_tally_keeps_the_first_errors_and_counts_all():
    tally = Tally("count", 3)
    bad = [{"index": at, "reason": "why"} for at in range(2)]
    tally.add(BatchReply(5, rejected=bad, output_count=4))
    tally.add(BatchReply(1, rejected=bad, errors=[{"code": "R001"}] * 5))
    body = json.loads(tally.batch_answer(7))
    assert (body["accepted"], body["failed"], body["output_count"]) == (6, 4, 4)
    assert [error["index"] for error in body["errors"]] == [0, 1, 7]
    assert body["errors_truncated"]
    assert len(body["runtime_errors"]) == 3
    assert body["runtime_errors_truncated"]


def test_an_answer_says_that_outputs_are_left_out():
    tally = Tally("all")
    tally._outputs = OutputText(50)
    tally.add(BatchReply(2, rows=[Row("a" * 20), Row("b" * 20)], output_count=2))
    body = json.loads(tally.batch_answer(7))
    assert body["output_events"] == [{"v": "a" * 20}]
    assert (body["output_count"], body["outputs_truncated"]) == (2, True)


def test_tallies_add_up():
    whole, later = Tally("count", 3), Tally("count", 3)
    bad = [{"index": 1, "reason": "why"}]
    whole.add(BatchReply(2, rejected=bad))
    later.add(BatchReply(4, rejected=bad, output_count=2, complete=False))
    whole.append(later)
    assert [error["index"] for error in whole.errors] == [1, 4]
    assert (whole.accepted, whole.failed, whole.output_count) == (6, 2, 2)
    assert not whole.complete


def test_the_answer_to_one_event_is_the_reply_if_it_fits(monkeypatch):
    reply = Reply(True, [Row(1), Row("x")], [{"code": "R001"}], complete=False)
    assert event_answer(reply) == reply.to_json_bytes()
    monkeypatch.setattr(OutputText.__init__, "__defaults__", (30,))
    assert json.loads(event_answer(Reply(True, [Row(1), Row("x" * 50)]))) == {
        "accepted": True,
        "output_events": [{"v": 1}],
        "output_count": 2,
        "outputs_truncated": True,
    }


def lines_of(found):
    return [line for payload, _ in found for line in payload.split(b"\n") if line]


def test_lines_are_cut_between_events(monkeypatch):
    monkeypatch.setattr(pieces, "PIECE_BYTES", 10)
    lines = [b"%d" % (10**n) for n in range(9)]
    for end in (b"", b"\n"):
        found = list(in_pieces(b"\n".join(lines) + end, "ndjson"))
        assert len(found) > 2
        assert lines_of(found) == lines


@pytest.mark.parametrize("payload", [b"", b"\n", b"{}"])
def test_there_is_at_least_one_piece(payload):
    assert list(in_pieces(payload, "ndjson")) == [(payload, "ndjson")]


@pytest.mark.parametrize("form", ["array", "events"])
def test_elements_of_long_arrays_become_lines(monkeypatch, form):
    monkeypatch.setattr(pieces, "WHOLE_BYTES", 10)
    monkeypatch.setattr(pieces, "PIECE_BYTES", 20)
    array = b'[{"a":\n1}, 2, {"b": [1,\n2]}, {"c": "d"}]'
    payload = array if form == "array" else b'{"events": %b}' % array
    found = list(in_pieces(payload, form))
    assert len(found) > 1
    assert lines_of(found) == [b'{"a": 1}', b"2", b'{"b": [1, 2]}', b'{"c": "d"}']


@pytest.mark.parametrize(
    ("payload", "form"),
    [(b'{"a": 1}', "array"), (b'{"events": 7}', "events"), (b"[1, 2", "array")],
)
def test_what_is_no_array_is_no_batch(monkeypatch, payload, form):
    monkeypatch.setattr(pieces, "WHOLE_BYTES", 2)
    with pytest.raises(BadEventError):
        next(in_pieces(payload, form))


def test_plain_programs_give_no_more_than_they_promise():
    source = (
        'stream S = X .where(v != "") '
        '.emit(a: v, b: v + v, c: "\\u0001é", d: 1.5, e: w * 1.1)'
    )
    plainness = plainness_of(vpl.check(source).program)
    pipeline = compile_program(source)
    for text in ("a", "\x01" * 50, "é" * 50, "\U0001f600" * 20):
        event = {"event_type": "X", "v": text, "w": 1e300}
        payload = json.dumps(event, ensure_ascii=False).encode()
        reply = pipeline.inject_batch(payload)
        answer = msgspec.json.encode(reply.outputs)
        assert len(answer) <= plainness.output_bytes(len(payload), 1)
    pipeline.close()

"""The console sink."""

import io

from engine.connectors.base import ConnectorSpec
from engine.connectors.console import ConsoleSink
from engine.connectors.dead_letters import DeadLetters

EVENT = (
    b'{"event_type":"Hot","timestamp":"1970-01-01T00:00:00Z","unit":"b 1","temp":9.5}'
)


def written(form):
    stream = io.StringIO()
    spec = ConnectorSpec("Out", "console", {"format": form} if form else {})
    sink = ConsoleSink(spec, DeadLetters(), stream)
    sink.open()
    sink.send("", [EVENT], stream="Hot")
    sink.close(1)
    return stream.getvalue(), sink


def test_text_lines_name_the_type_and_the_fields():
    text, sink = written(None)
    assert text == 'Hot unit="b 1" temp=9.5\n'
    assert sink.status()["sent"] == 1


def test_json_lines_are_the_event():
    assert written("json")[0].encode() == EVENT + b"\n"


def test_a_closed_stream_makes_dead_letters_and_raises_nothing():
    stream = io.StringIO()
    letters = DeadLetters()
    sink = ConsoleSink(ConnectorSpec("Out", "console"), letters, stream)
    stream.close()
    sink.send("", [EVENT], stream="Hot")
    assert letters.count == 1
    assert not sink.connected

"""Whatever is in a file, reading it gives events or says what is wrong."""

import contextlib
import gzip
import string

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.event import Event
from engine.event_files import (
    BadFileError,
    EventFileError,
    ReadOptions,
    open_event_file,
)
from engine.evt import EvtReader, as_payload
from tests.unit.engine.event_files.reading import block_events

NAMES = ("e.evt", "e.jsonl", "e.json", "e.csv", "e.gz", "e")
SNIPPETS = st.sampled_from([
    '{"event_type":"X","v":',
    '"timestamp":"2026-03-01T00:00:00Z"}',
    "X { a: 1",
    "Type(1, 2.5, nil)",
    "@10s ",
    "@2026-03-01T00:00:00Z X",
    "BATCH 10\n",
    "}]",
    "[",
    '"a,b",c\n',
    "event_type,v\n",
    "\n",
    "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    "1h30m",
    "0xffffffffffffffffff",
    "\\u12",
    '"',
    ";",
])
CONTENTS = st.one_of(
    st.binary(max_size=200),
    st.lists(SNIPPETS, max_size=12).map(lambda parts: "".join(parts).encode()),
    st.text(string.printable, max_size=200).map(str.encode),
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=CONTENTS, name=st.sampled_from(NAMES), packed=st.booleans())
def test_any_bytes_are_events_or_bad_events(tmp_path, content, name, packed):
    path = tmp_path / name
    path.write_bytes(gzip.compress(content)[:-3] if packed else content)
    bad = []
    options = ReadOptions(event_type="T", time_field="v", on_bad=bad.append)
    with (
        contextlib.suppress(EventFileError, BadFileError),
        open_event_file(str(path), options) as events,
    ):
        for block in events.blocks():
            assert all(kind for _, kind, *_ in block_events(block))
    assert all(isinstance(error, EventFileError) for error in bad)


WORD = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
VALUES = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(string.ascii_letters, min_size=1), inner, max_size=3)
    ),
    max_leaves=8,
)


def literal(value):
    """Write a value as an event file may."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        for char in set(escaped):
            if ord(char) < 32 or char in "\x7f\x85\u2028\u2029":
                escaped = escaped.replace(char, f"\\u{ord(char):04x}")
        return f'"{escaped}"'
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{k}: {literal(v)}' for k, v in value.items())}}}"
    return repr(value)


@given(fields=st.dictionaries(WORD, VALUES, max_size=4))
def test_what_is_written_reads_back(fields):
    (event,) = EvtReader().read([f"X {literal(fields)}"])
    assert event.fields == fields
    (again,) = EvtReader().read([as_payload(Event("X", fields)).decode()])
    assert again.fields == event.fields

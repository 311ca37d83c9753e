"""Tokens: constants, names, comments and what is wrong with them."""

import pytest

from vpl.lexer import tokenize

NS_PER_S = 1_000_000_000


def _kinds(source: str) -> list[str]:
    return [token.kind for token in tokenize(source).tokens[:-1]]


def _value(source: str) -> tuple[str, object]:
    result = tokenize(source)
    assert result.diagnostics == []
    (token, _) = result.tokens
    return token.kind, token.value


def _codes(source: str) -> list[tuple[str, int, int]]:
    found = tokenize(source).diagnostics
    return [(item.code, item.span.line, item.span.column) for item in found]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("0", "int", 0),
        ("1_000_000", "int", 1_000_000),
        ("0xff", "int", 255),
        ("9223372036854775807", "int", 2**63 - 1),
        ("1.5", "float", 1.5),
        (".5", "float", 0.5),
        ("1e5", "float", 1e5),
        ("2.5e-3", "float", 2.5e-3),
        ("1_000.25", "float", 1000.25),
    ],
)
def test_numbers_have_their_value(text: str, kind: str, value: object) -> None:
    found = _value(text)
    assert found == (kind, value)
    assert type(found[1]) is type(value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90m", 5400),
        ("1h30m", 5400),
        ("1.5s", 1.5),
        (".5s", 0.5),
        ("1m.5s", 60.5),
        ("250ms", 0.25),
        ("2min", 120),
        ("1d", 86400),
        ("1us", 1e-6),
        ("1s5ns", 1 + 5e-9),
    ],
)
def test_durations_are_nanoseconds(text: str, seconds: float) -> None:
    assert _value(text) == ("duration", round(seconds * NS_PER_S))


@pytest.mark.parametrize(
    "text",
    [
        *("1__0", "1_", "0x", "0b1", "1.5.2", "12abc", "1e", "9223372036854775808"),
        *("30m1h", "1s1s", "1m1min", "0.5ns", "1e5s", "300000d", "1e999"),
        "9" * 5000,
    ],
)
def test_bad_numbers_are_e103_once(text: str) -> None:
    assert [code for code, _, _ in _codes(text)] == ["E103"]
    assert len(tokenize(text).tokens) == 2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("@1970-01-01", 0),
        ("@1970-01-02T00:00:01Z", 86_401 * NS_PER_S),
        ("@1970-01-01T05:30:00+05:30", 0),
        ("@1970-01-01T00:00:00-01:00", 3600 * NS_PER_S),
        ("@1970-01-01T00:00:00.250", NS_PER_S // 4),
        ("@1969-12-31T23:59:59Z", -NS_PER_S),
    ],
)
def test_timestamps_are_nanoseconds_since_1970(text: str, value: int) -> None:
    assert _value(text) == ("timestamp", value)


@pytest.mark.parametrize(
    "text",
    ["@2026-13-01", "@2026-02-30", "@2026-1-1", "@2026-01-01T25:00:00Z", "@x", "@"],
)
def test_bad_timestamps_are_e103(text: str) -> None:
    assert [code for code, _, _ in _codes(text)] == ["E103"]


def test_a_timestamp_ends_before_the_colon_of_a_block() -> None:
    assert _kinds("if t > @2026-03-01:") == ["if", "name", ">", "timestamp", ":"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"x\ty\n"', "x\ty\n"),
        (r"""'it\'s "so"'""", 'it\'s "so"'),
        (r'"\u00e9\\"', "é\\"),
        (r'"\ud83d\ude00"', "\U0001f600"),
        ('"# no // comment"', "# no // comment"),
        (r'"\0"', "\0"),
    ],
)
def test_strings_have_their_escapes_resolved(text: str, value: str) -> None:
    assert _value(text) == ("str", value)


@pytest.mark.parametrize(
    "text",
    [r'"a\qb"', '"open', "'open", r'"\ud800"', '"\ud800"', "`open", "``", "/* open"],
)
def test_bad_text_is_e102(text: str) -> None:
    assert [code for code, _, _ in _codes(text)] == ["E102"]


def test_an_unknown_escape_is_explained() -> None:
    (finding,) = tokenize(r'"C:\dir"').diagnostics
    assert finding.hint == "double the backslash to write one"


def test_an_open_string_ends_with_its_line() -> None:
    assert _kinds('"open\nnext') == ["str", "name"]


def test_words_are_matched_whole() -> None:
    assert _kinds("notional index not trueish true") == [
        *("name", "name", "not", "name", "true"),
    ]


def test_a_name_in_backquotes_is_no_reserved_word() -> None:
    (token, _) = tokenize("`in`").tokens
    assert (token.kind, token.text) == ("quoted", "in")


def test_ranges_and_calls_follow_integers() -> None:
    assert _kinds("5..9") == ["int", "..", "int"]
    assert _kinds("0..=h") == ["int", "..=", "name"]
    assert _kinds("5.abs()") == ["int", ".", "name", "(", ")"]
    assert _kinds("a..=.5") == ["name", "..=", "float"]


def test_comments_are_no_tokens() -> None:
    assert _kinds("a # b\n// c\n/* d\n e */ f") == ["name", "name"]


def test_places_count_from_one_and_pass_over_comments() -> None:
    tokens = tokenize("a\r\n  b /* x\n\n*/ c").tokens
    places = [(t.text, t.line, t.column, t.end_column) for t in tokens[:-1]]
    assert places == [("a", 1, 1, 2), ("b", 2, 3, 4), ("c", 4, 4, 5)]


def test_columns_count_code_points() -> None:
    tokens = tokenize('"\U0001f600é" x').tokens
    assert tokens[1].column == 6


def test_the_first_token_of_a_line_knows_its_indentation() -> None:
    leads = [token.lead for token in tokenize("a b\n\t c\n/* */ d").tokens]
    assert leads == ["", None, "\t ", "", None]


def test_a_byte_order_mark_is_skipped() -> None:
    result = tokenize("\ufefflet")
    assert result.diagnostics == []
    assert result.tokens[0].kind == "let"


@pytest.mark.parametrize("text", ["$", "\0", "é", "!", "\x0c", "\ud800", "\u2028"])
def test_unknown_characters_are_e101(text: str) -> None:
    assert [code for code, _, _ in _codes(f"a {text} b")] == ["E101"]


def test_unknown_characters_in_a_row_are_one_finding() -> None:
    assert _codes("$" * 1000) == [("E101", 1, 1)]


def test_findings_of_the_lexer_are_bounded() -> None:
    assert len(tokenize("$ " * 5000).diagnostics) == 1000

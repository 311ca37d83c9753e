"""Whatever the text, the server answers; what it renames still parses."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vpl
from engine.lsp.completion import completions
from engine.lsp.document import Document
from engine.lsp.hover import hover
from engine.lsp.navigation import RenameError, definitions, references, rename
from engine.lsp.outline import entries, findings
from engine.lsp.positions import Place, Point
from tests.unit.vpl.programs import ruffled_programs

SCRAPS = (
    "",
    ".",
    "(",
    ")",
    "{",
    "}",
    ":",
    "\n",
    "`",
    '"',
    " as ",
    "->",
    "/*",
    "\ufeff",
)


@st.composite
def broken_programs(draw: st.DrawFn) -> str:
    """Return programs with some stretches replaced by scraps."""
    text = draw(ruffled_programs())
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        stop = start + draw(st.integers(0, 6))
        text = text[:start] + draw(st.sampled_from(SCRAPS)) + text[stop:]
    return text


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(broken_programs(), st.integers(0, 40), st.integers(0, 90))
def test_every_place_of_a_broken_program_has_an_answer(
    source: str, line: int, character: int
) -> None:
    document = Document(source)
    place = document.positions.place(Point(line, character))
    assert document.positions.place(document.positions.point(place)) == place
    labels = [item.label for item in completions(document, place)]
    assert len(labels) == len(set(labels))
    hover(document, place)
    places = definitions(document, place)
    assert set(places) <= {*references(document, place, declared=True)}
    assert len(entries(document)) <= len(document.result.program.body)
    assert len(findings(document)) == len(document.result.diagnostics)


def _applied(source: str, edits: list[tuple[vpl.Span, str]]) -> str:
    lines = source.split("\n")
    for span, text in sorted(edits, reverse=True):
        line = lines[span.line - 1]
        changed = line[: span.column - 1] + text + line[span.end_column - 1 :]
        lines[span.line - 1] = changed
    return "\n".join(lines)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(ruffled_programs(), st.randoms(use_true_random=False))
def test_renaming_keeps_a_program_free_of_syntax_errors(source: str, random) -> None:
    document = Document(source)
    names = [token for token in document.tokens if token.is_name]
    if not names:
        return
    token = random.choice(names)
    try:
        edits = rename(document, Place(token.line, token.column), "brand new")
    except RenameError:
        return
    result = _applied(source, [(edit.span, edit.text) for edit in edits])
    found = vpl.parse(result).diagnostics
    assert [item for item in found if item.severity == "error"] == []

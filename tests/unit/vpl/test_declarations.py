"""Declarations other than functions and streams, and recovery between them."""

import pytest

import vpl
from tests.unit.vpl.shorthand import codes, only, short
from vpl import nodes


@pytest.mark.parametrize(
    "source",
    [
        "event T extends B: a: int, b: str?\n",
        "event T extends B:\n    a: int\n    b: str?\n",
        "event T extends B:\n    a: int, b: str?,\n",
    ],
)
def test_event_fields_may_stand_on_one_line_or_several(source: str) -> None:
    event = only(source, nodes.EventDecl)
    assert (event.name, event.base) == ("T", "B")
    assert [(field.name, field.type.name) for field in event.fields] == [
        *(("a", "int"), ("b", "str")),
    ]
    assert event.fields[1].type.optional


def test_an_event_may_have_no_fields() -> None:
    assert only("event T\n", nodes.EventDecl).fields == ()


def test_words_of_the_language_may_name_fields() -> None:
    event = only("event T: where: int, type: str, `a b`: any\n", nodes.EventDecl)
    assert [field.name for field in event.fields] == ["where", "type", "a b"]


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("[int]", ("array", ["int"])),
        ("{str: float}", ("map", ["str", "float"])),
        ("(int, str, bool)", ("tuple", ["int", "str", "bool"])),
        ("Stream<T>", ("Stream", ["T"])),
        ("Stream<Stream<int>>", ("Stream", ["Stream"])),
        ("Stream", ("Stream", [])),
    ],
)
def test_types_have_parts(source: str, parts: tuple[str, list[str]]) -> None:
    found = only(f"type N = {source}\n", nodes.TypeDecl).type
    assert (found.name, [part.name for part in found.args]) == parts


def test_connectors_have_constant_parameters() -> None:
    source = (
        'connector C = mqtt (host: "h", port: 1883, tls: true, keep_alive: 30s, '
        'topic: base, servers: ["a", b], offset: -1,)\n'
    )
    connector = only(source, nodes.ConnectorDecl)
    assert connector.kind == "mqtt"
    assert [f"{p.name}={short(p.value)}" for p in connector.params] == [
        *("host='h'", "port=1883", "tls=True", "keep_alive=30000000000"),
        *("topic=base", "servers=['a', b]", "offset=(- 1)"),
    ]


def test_contexts_may_have_no_parameters() -> None:
    assert only("context c\n", nodes.ContextDecl).params == ()
    assert len(only("context c (cores: [0, 1])\n", nodes.ContextDecl).params) == 1


@pytest.mark.parametrize(
    "source",
    [
        "config engine { threads: 4, mode: fast }\n",
        "config engine {\n  threads: 4\n  mode: fast\n}\n",
        "config:\n    threads: 4\n    mode: fast\n",
    ],
)
def test_config_blocks_are_accepted(source: str) -> None:
    config = only(source, nodes.ConfigDecl)
    assert [param.name for param in config.params] == ["threads", "mode"]


def test_imports_have_a_path_and_perhaps_an_alias() -> None:
    assert only('import "a/b.vpl" as c\n', nodes.ImportDecl) == nodes.ImportDecl(
        "a/b.vpl", "c"
    )


def test_context_words_may_name_globals() -> None:
    source = "var stream = 1\nstream := stream + 1\nvar config = 2\nconfig := 3\n"
    assert vpl.parse(source).diagnostics == ()


@pytest.mark.parametrize(
    ("source", "findings", "kept"),
    [
        ("stream = =\nstream B = In\n", [("E101", 1)], ["B"]),
        ("stream A = In .where(> 3)\nstream B = In\n", [("E101", 1)], ["B"]),
        ("stream A = In .where((a\nstream B = In\n", [("E101", 1)], ["B"]),
        ("stream A = In .where(a))\nstream B = In\n", [("E108", 1)], ["A", "B"]),
        ("let a = 1 2; stream B = In\n", [("E108", 1)], ["a", "B"]),
        ("stream A = = ; stream B = In\n", [("E101", 1)], ["B"]),
        ("fn f(:\n    let a = 1\nstream B = In\n", [("E101", 1)], ["B"]),
        ("fn f():\n    let = 1\n    1\nlet c = 2\n", [("E101", 2)], ["c"]),
        (
            "let a = $ 1\nlet b = ` \nlet c = 2\n",
            [("E101", 1), ("E102", 2)],
            ["b", "c"],
        ),
        ("let a = (\nx := 3\n", [("E101", 1)], ["x"]),
        ("connector C = mqtt (host: )\nprint(1)\n", [("E101", 1), ("E110", 2)], []),
        (")\nlet b = 1\n", [("E101", 1)], ["b"]),
    ],
)
def test_parsing_resumes_at_the_next_declaration(
    source: str, findings: list[tuple[str, int]], kept: list[str]
) -> None:
    parsed = vpl.parse(source)
    found = sorted((item.code, item.span.line) for item in parsed.diagnostics)
    assert found == sorted(findings)
    assert [getattr(decl, "name", None) for decl in parsed.program.body] == kept


def test_the_name_of_a_broken_declaration_is_remembered() -> None:
    parsed = vpl.parse("connector Bus = mqtt (host: )\n")
    assert parsed.broken_names == {"Bus"}


def test_a_reserved_word_cannot_be_declared() -> None:
    assert codes("let while = 3\nstream if = In\n") == [("E105", 1), ("E105", 2)]


def test_a_text_over_one_mebibyte_is_e107() -> None:
    assert codes(" " * 2**20) == []
    assert codes(" " * 2**20 + " ") == [("E107", 1)]
    assert codes("#" + "\u00e9" * 2**19) == [("E107", 1)]


def test_names_have_places_of_their_own() -> None:
    connector = only("connector Alerts = console ()\n", nodes.ConnectorDecl)
    assert (connector.name_span.column, connector.name_span.end_column) == (11, 17)

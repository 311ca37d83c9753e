"""Imports: one program of several texts."""

import pytest

import vpl
from vpl.limits import MAX_EXPANDED_TOKENS, MAX_IMPORT_DEPTH, MAX_SOURCE_BYTES


def _found(result: vpl.CheckResult) -> list[tuple[str, str, int]]:
    return [(d.code, d.span.file, d.span.line) for d in result.diagnostics]


def test_declarations_of_an_import_stand_where_it_is_named() -> None:
    source = 'let a = 1\nimport "lib.vpl"\nlet c = b\n'
    result = vpl.check(source, imports={"lib.vpl": "let b = 2\n"})
    assert _found(result) == []
    names = [getattr(decl, "name", "import") for decl in result.program.body]
    assert names == ["a", "import", "b", "c"]


def test_paths_are_relative_to_the_file_that_imports() -> None:
    files = {
        "lib/a.vpl": 'import "deep/b.vpl"\nimport "../top.vpl"\n',
        "lib/deep/b.vpl": "fn b(): 1\n",
        "top.vpl": "fn t(): 2\n",
    }
    asked = []

    def load(path: str) -> str | None:
        asked.append(path)
        return files.get(path)

    source = 'import "./lib/a.vpl"\nlet x = b() + t()\n'
    assert _found(vpl.check(source, imports=load)) == []
    assert asked == ["lib/a.vpl", "lib/deep/b.vpl", "top.vpl"]
    assert _found(vpl.check(source, imports=files)) == []


def test_a_bundle_may_name_a_file_as_the_import_writes_it() -> None:
    files = {"lib/a.vpl": 'import "b.vpl"\n', "b.vpl": "fn b(): 1\n"}
    source = 'import "lib/a.vpl"\nimport "b.vpl"\nlet x = b()\n'
    assert _found(vpl.check(source, imports=files)) == []


def test_each_file_is_loaded_once() -> None:
    files = {
        "a.vpl": 'import "c.vpl"\n',
        "b.vpl": 'import "x/../c.vpl"\n',
        "c.vpl": "event C: n: int\n",
    }
    source = 'import "a.vpl"\nimport "b.vpl"\nimport "c.vpl"\n'
    assert _found(vpl.check(source, imports=files)) == []


def test_findings_name_their_file_and_come_after_those_of_the_program() -> None:
    source = 'import "lib.vpl"\nfn f(): 1\nlet a = nothing()\n'
    result = vpl.check(source, imports={"lib.vpl": "\nfn f(): 2\nlet b = +\n"})
    assert _found(result) == [
        ("E003", "", 2),
        ("E050", "", 3),
        ("E101", "lib.vpl", 3),
    ]
    first, _, last = result.to_json()["diagnostics"]
    assert "file" not in first
    assert first["related"][0]["file"] == "lib.vpl"
    assert last["file"] == "lib.vpl"


def test_text_form_shows_the_line_of_the_import() -> None:
    source, lib = 'import "lib.vpl"\n', "let a = nothing()\n"
    result = vpl.check(source, imports={"lib.vpl": lib})
    shown = vpl.render_diagnostics(
        result.diagnostics, source, "main.vpl", {"lib.vpl": lib}
    )
    assert shown.startswith("lib.vpl:1:9: error[E050] unknown function 'nothing'")
    assert "  let a = nothing()\n          ^^^^^^^" in shown
    bare = vpl.render_diagnostics(result.diagnostics, source, "main.vpl")
    assert bare == shown.splitlines()[0]


def test_a_file_that_cannot_be_read_is_e095_and_one_not_sent_e096() -> None:
    source = 'import "a.vpl"\nimport "b.vpl"\n'
    assert _found(vpl.check(source, imports=lambda path: None)) == [
        ("E095", "", 1),
        ("E095", "", 2),
    ]
    assert _found(vpl.check(source, imports={"a.vpl": ""})) == [("E096", "", 2)]
    assert _found(vpl.check(source)) == [("E096", "", 1), ("E096", "", 2)]


def test_a_cycle_is_told_with_its_path() -> None:
    files = {"a.vpl": 'import "b.vpl"\n', "b.vpl": '\nimport "a.vpl"\n'}
    result = vpl.check('import "a.vpl"\n', imports=files)
    assert _found(result) == [("E095", "b.vpl", 2)]
    assert "a.vpl -> b.vpl -> a.vpl" in result.diagnostics[0].message


def test_a_file_that_imports_the_program_is_a_cycle() -> None:
    files = {"a.vpl": 'import "main.vpl"\n'}.get
    result = vpl.check('import "a.vpl"\n', imports=files, file="main.vpl")
    assert _found(result) == [("E095", "a.vpl", 1)]


@pytest.mark.parametrize(
    ("count", "codes"), [(MAX_IMPORT_DEPTH, []), (MAX_IMPORT_DEPTH + 1, ["E107"])]
)
def test_imports_go_sixteen_files_deep(count: int, codes: list[str]) -> None:
    files = {f"{at}.vpl": f'import "{at + 1}.vpl"\n' for at in range(count - 1)}
    files[f"{count - 1}.vpl"] = ""
    result = vpl.check('import "0.vpl"\n', imports=files)
    assert [found.code for found in result.diagnostics] == codes


def test_large_imports_are_refused() -> None:
    half = "#" * (MAX_SOURCE_BYTES - 1)
    files = {f"{at}.vpl": half for at in range(5)}
    source = "".join(f'import "{at}.vpl"\n' for at in range(5))
    assert _found(vpl.check(source, imports=files)) == [("E107", "", 5)]
    result = vpl.check('import "a.vpl"\n', imports={"a.vpl": half + "##"})
    assert _found(result) == [("E107", "a.vpl", 1)]


def test_a_program_and_its_imports_together_have_bounded_tokens() -> None:
    fifth = "let a = [" + "1," * (MAX_EXPANDED_TOKENS // 10) + "]\n"
    files = {f"{at}.vpl": fifth for at in range(6)}
    source = "".join(f'import "{at}.vpl"\n' for at in range(6))
    result = vpl.check(source, imports=files)
    assert _found(result) == [("E107", "", 5), ("E107", "", 6)]


def test_the_tree_of_a_text_shows_imports_as_written() -> None:
    tree = vpl.tree_json(vpl.parse('import "a.vpl" as a\n').program)
    assert [(node["node"], node["path"]) for node in tree["body"]] == [
        ("Import", "a.vpl")
    ]


def test_generator_bodies_in_imports_name_file_and_values() -> None:
    lib = "for i in 0..2:\n    let a{i} = no{i}()\n"
    result = vpl.check('import "l.vpl"\n', imports={"l.vpl": lib})
    assert _found(result) == [("E050", "l.vpl", 2)]
    assert "i = 0" in result.diagnostics[0].message

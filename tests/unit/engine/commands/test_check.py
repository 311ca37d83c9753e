"""`varpulis check`, `parse` and `explain` of several files, imports and streams."""

import json

import pytest

GOOD = "stream S = X .where(v > 1) .emit(v: v)\n"
BAD = "stream S = X .wher(v > 1)\n"


def test_an_unreadable_file_does_not_keep_the_others_from_being_checked(run, write):
    write("good.vpl", GOOD)
    write("bad.vpl", BAD)
    result = run("check", "no.vpl", "bad.vpl", "good.vpl")
    assert result.code == 2
    assert "cannot read no.vpl: No such file" in result.err
    assert "bad.vpl:1:15: error[E082]" in result.out
    assert "good.vpl: ok\n" in result.out


def test_several_files_as_json_are_named(run, write):
    write("good.vpl", GOOD)
    write("bad.vpl", BAD)
    result = run("check", "bad.vpl", "good.vpl", "--json")
    bodies = [json.loads(line) for line in result.out.splitlines()]
    assert [(body["file"], body["valid"]) for body in bodies] == [
        ("bad.vpl", False),
        ("good.vpl", True),
    ]


def test_severities_are_coloured_where_they_can_be(run, write, monkeypatch):
    write("bad.vpl", BAD)
    write("good.vpl", GOOD)
    monkeypatch.setenv("DJANGO_COLORS", "error=red;success=green")
    result = run("check", "bad.vpl", "good.vpl", "--force-color")
    assert "bad.vpl:1:15: \x1b[31merror[E082]\x1b[0m " in result.out
    assert "good.vpl: \x1b[32mok\x1b[0m\n" in result.out


def test_imports_are_read_beside_the_program(run, write):
    write("sub/lib.vpl", "fn twice(v):\n    v * 2\n")
    write("sub/a.vpl", 'import "lib.vpl"\nstream S = X .emit(v: twice(v))\n')
    assert run("check", "sub/a.vpl").out == "sub/a.vpl: ok\n"
    assert json.loads(run("check", "sub/a.vpl", "--json").out)["valid"]
    write("sub/e.evt", "X { v: 2 }")
    result = run("simulate", "-p", "sub/a.vpl", "-e", "sub/e.evt")
    assert result.out == '{"event_type":"S","v":4}\n'


def test_findings_in_an_import_show_its_line(run, write):
    write("lib.vpl", "fn twice(v):\n    nowhere(v)\n")
    write("a.vpl", 'import "lib.vpl"\nstream S = X .emit(v: twice(v))\n')
    write("a.evt", "X")
    for argv in [("check", "a.vpl"), ("test", "a.vpl")]:
        result = run(*argv)
        assert result.code == 1
        assert "lib.vpl:2:5: error[E050]" in result.out
        assert "    nowhere(v)" in result.out


def test_parse_names_standard_input(run):
    assert run("parse", "-", stdin="stream S = ").err.startswith("<stdin>:1:")


@pytest.mark.parametrize("name", ["check", "parse", "explain"])
def test_a_file_is_needed(run, name):
    assert run(name).code == 2


PLAN = """\
connector Out = console ()
context c
stream Hot = Oven as o .where(o.temp > 90) .context(c) .emit(temp) .to(Out)
stream Seen = Hot .emit(n: temp)
"""


def test_explain_in_lines(run, write):
    write("a.vpl", PLAN)
    lines = run("explain", "a.vpl").out.splitlines()
    assert lines[:5] == [
        "stream Hot <- Oven",
        "    .take Oven as o",
        "    .where o.temp > 90",
        "    .context c",
        "    .emit temp",
    ]
    assert "    consumers: Seen" in lines
    assert "    sinks: Out" in lines
    assert "    context: c" in lines
    assert "stream Seen <- Hot" in lines


def test_explain_as_json_has_the_whole_shape(run, write):
    write("a.vpl", PLAN)
    hot, seen = json.loads(run("explain", "a.vpl", "--json").out)["streams"]
    assert set(hot) == {
        *("name", "type", "sources", "consumers", "partition_by", "ops", "state"),
        *("context", "sinks", "fingerprint"),
    }
    assert (hot["consumers"], hot["sinks"], hot["context"]) == (["Seen"], ["Out"], "c")
    assert (seen["sources"], seen["state"]) == (["Hot"], [])
    assert hot["fingerprint"] != seen["fingerprint"]


def test_explain_as_a_table_on_a_terminal(run, write, monkeypatch):
    write("a.vpl", PLAN.replace("o.temp > 90", 'o.note != "[bold]"'))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    text = run("explain", "a.vpl").out
    assert "Hot <- Oven" in text
    assert 'o.note != "[bold]"' in text
    assert "│" in text


def test_explain_takes_several_files_but_one_source(run, write):
    write("a.vpl", GOOD)
    write("b.vpl", PLAN)
    assert run("explain", "a.vpl", "b.vpl").out.count("stream ") == 3
    bodies = run("explain", "a.vpl", "b.vpl", "--json").out.splitlines()
    assert [json.loads(body)["file"] for body in bodies] == ["a.vpl", "b.vpl"]
    assert run("explain", "a.vpl", "b.vpl", "--source").code == 2

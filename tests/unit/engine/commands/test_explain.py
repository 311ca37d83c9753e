"""`varpulis explain` about functions."""

import json

PROGRAM = """fn area(n: int) -> int:
    var s = 0
    for i in 0..n: s := s + i * i
    return s

fn label(n: int):
    for i in n: emit Row(text: "row")

stream S = In .emit(a: area(n)) .where(a > 1)
"""


def test_it_says_which_functions_are_machine_code(run, write):
    write("p.vpl", PROGRAM)
    lines = run("explain", "p.vpl").out.splitlines()
    assert lines[-2:] == [
        "function area: machine code",
        "function label: Python (line 7, column 32: it uses a str)",
    ]


def test_as_json_functions_stand_beside_the_streams(run, write):
    write("p.vpl", PROGRAM)
    (found, other) = json.loads(run("explain", "p.vpl", "--json").out)["functions"]
    assert found == {"name": "area", "native": True}
    assert (other["native"], other["line"]) == (False, 7)


def test_a_reason_names_the_import(run, write):
    write("lib.vpl", "fn far(n: int):\n    for i in n: [i]\n")
    write("p.vpl", 'import "lib.vpl"\nstream S = In .emit(a: far(n))\n')
    (line,) = run("explain", "p.vpl").out.splitlines()[-1:]
    assert (
        line == "function far: Python (lib.vpl, line 2, column 17: it makes an array)"
    )

"""The canonical layout, form by form."""

from textwrap import dedent

import pytest

import vpl


def _laid_out(source: str) -> str:
    return vpl.format_program(dedent(source))


def _text(source: str) -> str:
    return dedent(source).lstrip("\n")


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("let x=1+2*-y", "let x = 1 + 2 * -y"),
        ("let x = f ( a , b ) [ 0 ] . c", "let x = f(a, b)[0].c"),
        ("let x = xs[ 1 : -1 ]", "let x = xs[1:-1]"),
        ("let x = xs[@2026-03-01T08:30 :5]", "let x = xs[@2026-03-01T08:30 :5]"),
        ("let m = { a:1,'b c' : 2, }", "let m = {a: 1, 'b c': 2}"),
        ("let f = (a,b)=>a+b", "let f = (a, b) => a + b"),
        ("let f = x=>{let y=x;y}", "let f = x => { let y = x; y }"),
        ("let r = 0 .. n", "let r = 0..n"),
        ("let x = not( a )and b in[ 1 ]", "let x = not (a) and b in [1]"),
        ("let x = a.in (1) - b.or", "let x = a.in(1) - b.or"),
        ("let n = 1_000 + 0xff + .5 + 1h30m", "let n = 1_000 + 0xff + .5 + 1h30m"),
        ("let n = `abc` + `a b` + `if` + `stream`", "let n = abc + `a b` + `if` + `stream`"),
        ("var x:Stream < [ int? ]> =1", "var x: Stream<[int?]> = 1"),
        ("type T={ str:( int,float ) } ?", "type T = {str: (int, float)}?"),
        ("connector C=mqtt(host:'h')", "connector C = mqtt (host: 'h')"),
        ("context c(cores:[ 0,1 ])", "context c (cores: [0, 1])"),
        ("import  'x.vpl'  as x", "import 'x.vpl' as x"),
        ("event E : a:int,b:str", "event E: a: int, b: str"),
        ("pattern P=SEQ(A +,B* as b,NOT(C OR D))", "pattern P = SEQ(A+, B* as b, NOT (C OR D))"),
        ("stream A=B.emit( a , b:1 )", "stream A = B .emit(a, b: 1)"),
        ("stream A=merge(stream X=B .where(c),D)", "stream A = merge(stream X = B.where(c), D)"),
        ("stream A = B .emit as T (x)", "stream A = B .emit as T(x)"),
        ("fn f( a:int )->int:return a", "fn f(a: int) -> int: return a"),
        ("let x = 1; let y = 2;", "let x = 1\nlet y = 2"),
    ],
)  # fmt: skip
def test_blanks_are_where_people_expect_them(source: str, result: str) -> None:
    assert vpl.format_program(source) == result + "\n"


def test_several_operations_have_a_line_each() -> None:
    result = _laid_out("stream S = A as a -> B where x == a.x as b .emit(x: a.x)")
    assert result == _text("""
        stream S = A as a
            -> B where x == a.x as b
            .emit(x: a.x)
        """)


def test_long_calls_break_at_their_items() -> None:
    names = ", ".join(f"a_long_name_{at}: {at}" for at in range(6))
    lines = _laid_out(f"stream S = A .emit({names})").splitlines()
    assert lines[:4] == [
        "stream S = A",
        "    .emit(",
        "        a_long_name_0: 0,",
        "        a_long_name_1: 1,",
    ]
    assert lines[-1] == "    )"


def test_long_conditions_break_before_their_loosest_operators() -> None:
    long = "a_rather_long_name_of_a_field"
    result = _laid_out(f"let x = {long} > 1 and {long} + 1 < 3 or {long} == 4")
    assert result == _text(f"""
        let x = {long} > 1 and {long} + 1 < 3
            or {long} == 4
        """)


def test_conditions_of_blocks_go_on_deeper_than_the_block() -> None:
    long = "a_rather_long_name_of_a_field_of_an_event"
    result = _laid_out(f"fn f():\n  if {long} > 1 and {long} < 3:\n    return 1")
    assert result == _text(f"""
        fn f():
            if {long} > 1
                    and {long} < 3:
                return 1
        """)


def test_branches_of_a_fork_break_like_streams() -> None:
    long = "a_rather_long_name_of_a_field"
    result = _laid_out(
        f"stream S = A .fork(b: .where({long} > 1).emit({long}: 1), c: .emit())"
    )
    assert result == _text(f"""
        stream S = A
            .fork(
                b: .where({long} > 1).emit({long}: 1),
                c: .emit()
            )
        """)


def test_the_block_of_a_lambda_opens_beside_its_call() -> None:
    result = _laid_out("stream S = A .map(e => {\n  let d = e.v\n  d * 2\n  })")
    assert result == _text("""
        stream S = A
            .map(e => {
                let d = e.v
                d * 2
            })
        """)


def test_comments_stay_where_they_are() -> None:
    result = _laid_out("""
        #first


        # second
        stream S = A  // source
            # a filter

            .where(x > 1) /* behind */
            .emit(
              a, # field a
              # all
              b /* field b */ : 1, // last
            )
        fn f():
              # at the start
              x
              # at the end of the block
        # after it
        """)
    assert result == _text("""
        #first

        # second
        stream S = A  // source
            # a filter
            .where(x > 1) /* behind */
            .emit(
                a,  # field a
                # all
                b /* field b */: 1  // last
            )
        fn f():
            # at the start
            x
            # at the end of the block
        # after it
        """)


def test_block_comments_over_lines_are_kept_as_typed() -> None:
    source = "/* one\n     two\n*/\nlet x = 1\n"
    assert vpl.format_program(source) == source


def test_blank_lines_are_at_most_one() -> None:
    result = _laid_out("\n\nlet a = 1\n\n\n\nlet b = 2\nlet c = 3\n\n\n")
    assert result == "let a = 1\n\nlet b = 2\nlet c = 3\n"


def test_statements_on_one_line_get_lines_of_their_own() -> None:
    result = _laid_out("""
        fn f(a):
         if a > 1: x := 1; return x
         else: if b: return 2
        """)
    assert result == _text("""
        fn f(a):
            if a > 1:
                x := 1
                return x
            else:
                if b: return 2
        """)


def test_an_else_goes_with_the_innermost_if() -> None:
    result = _laid_out("""
        fn f():
            if a: if b: x()
            else: y()
        """)
    assert result == _text("""
        fn f():
            if a:
                if b: x()
                else: y()
        """)


def test_generator_bodies_are_laid_out_as_templates() -> None:
    result = _laid_out("""
        for i in 0 .. 2:
          stream Lane{ i }=In{i}.where(lane=={i}).emit(t:"lane { i }", d: 1{i}ms)
          for j in 0..={ i } : let n{i}_{j}={i}*{j}
        """)
    assert result == _text("""
        for i in 0..2:
            stream Lane{i} = In{i}
                .where(lane == {i})
                .emit(t: "lane { i }", d: 1{i}ms)
            for j in 0..={i}: let n{i}_{j} = {i} * {j}
        """)


def test_a_lambda_block_of_the_loop_variable_is_no_hole() -> None:
    source = "for v in 0..2:\n    let f{v} = x => {\n        v\n    }\n"
    assert vpl.format_program(source) == source
    assert vpl.format_program(source.replace("{\n        v\n    }", "{ v; }")) == source


def test_config_blocks_have_a_setting_to_a_line() -> None:
    result = _laid_out("config net { host: 'h', port: 1 deep: [1,2] }")
    assert result == "config net {\n    host: 'h'\n    port: 1\n    deep: [1, 2]\n}\n"


def test_a_field_called_like_an_operator_cannot_start_a_line() -> None:
    fields = ", ".join(f"a_long_field_name_{at}: int" for at in range(5))
    result = _laid_out(f"event E: in: int, {fields}")
    assert result.startswith("event E:\n    `in`: int\n")


def test_tabs_carriage_returns_and_byte_order_marks_go() -> None:
    assert vpl.format_program("\ufefffn f():\r\n\tx\r\n") == "fn f():\n    x\n"


def test_an_empty_program_stays_empty() -> None:
    assert vpl.format_program("") == ""
    assert vpl.format_program("\n\n# only\n") == "# only\n"


def test_a_text_with_syntax_errors_is_reported() -> None:
    with pytest.raises(vpl.FormatError) as caught:
        vpl.format_program("stream = 1")
    assert [item.code for item in caught.value.diagnostics] == ["E101"]


def test_the_body_of_a_loop_that_never_runs_is_checked_too() -> None:
    with pytest.raises(vpl.FormatError) as caught:
        vpl.format_program("for v in 0..0:\n    stream = 1\n")
    assert [item.code for item in caught.value.diagnostics] == ["E101"]


def test_nested_brackets_to_the_limit_are_laid_out() -> None:
    source = "let x = " + "(" * 99 + "1" + ")" * 99
    result = vpl.format_program(source)
    assert "".join(result.split()) == "".join(source.split())

"""The guide to the language: every example runs, every table holds, nothing is left out."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from engine.compiling import compile_program
from engine.connectors.guard import Guard
from engine.errors import InvalidProgramError
from engine.limits import Limits
from tests.conformance.test_diagnostics import CODES
from tests.docs.blocks import FENCE, read_blocks
from tests.docs.examples import Example, lacks, read_examples, run_example
from tests.docs.tables import code, rows
from vpl import Host, catalog
from vpl.checker import check, connectors, operations

ROOT = Path(__file__).resolve().parents[2]
LANGUAGE = ROOT / "docs" / "language"
PAGES = sorted(LANGUAGE.glob("*.md"))
DOCUMENTS = sorted([*PAGES, ROOT / "README.md", ROOT / "docs" / "README.md"])
RUN_TIME_CODES = {"R001", "R002", "R003", "R004", "R005"}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _examples() -> list[Any]:
    return [
        pytest.param(example, id=f"{path.stem}:{example.events.line}")
        for path in DOCUMENTS
        for example in read_examples(read_blocks(path))
    ]


@pytest.mark.parametrize("example", _examples())
def test_every_example_gives_the_outputs_shown(
    example: Example, tmp_path: Path
) -> None:
    if not lacks(example.program):
        assert run_example(example, tmp_path) == []


def _expressions() -> list[Any]:
    return [
        pytest.param(code(cells[place]), code(cells[place + 1]), id=f"{path.stem}:{at}")
        for path in PAGES
        for place, header in (
            (0, ("expression", "gives")),
            (0, ("expression", "gives", "because")),
            (1, ("function", "example", "gives", "")),
        )
        for at, cells in enumerate(rows(path, *header))
    ]


def _value(expression: str) -> Any:
    """Return what an expression gives, null if the output has no such field."""
    pipeline = compile_program(f"stream S = T .emit(v: {expression})")
    try:
        [output] = json.loads(pipeline.process(b'{"event_type":"T"}'))["output_events"]
    finally:
        pipeline.close()
    return output.get("v")


@pytest.mark.parametrize(("expression", "gives"), _expressions())
def test_every_expression_gives_the_value_beside_it(
    expression: str, gives: str
) -> None:
    got, wanted = _value(expression), json.loads(gives)
    assert got == wanted
    assert type(got) is type(wanted)


DIAGNOSTICS = [
    pytest.param(*cells, id=code(cells[0]))
    for cells in rows(LANGUAGE / "diagnostics.md", "code", "meaning", "example")
]
EVERYTHING = frozenset(catalog.OPERATIONS) | catalog.AVAILABLE
HOST = Host(has_module=lambda name: name != "confluent_kafka")


def _found(program: str, **options: Any) -> list[str]:
    return [item.code for item in check(program, **options).diagnostics]


def _builds(patch: pytest.MonkeyPatch, available: frozenset[str]) -> None:
    patch.setattr(operations, "AVAILABLE", available)
    patch.setattr(connectors, "AVAILABLE", available)


@pytest.mark.parametrize(("shown", "meaning", "example"), DIAGNOSTICS)
def test_every_example_of_a_finding_gives_just_this_one(
    shown: str, meaning: str, example: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert meaning
    lacking = {"forecast"} if code(shown) == "E090" else set()
    _builds(monkeypatch, EVERYTHING - lacking)
    assert _found(code(example), host=HOST) == [code(shown)]


def _elsewhere() -> dict[str, list[str]]:
    """Return what is found where each finding of a place arises."""
    path = _guarded('connector F = file (path: "../up")\nstream S = T .to(F)')
    files = {"a.vpl": "fn f(): 1"}
    package = "connector K = kafka ()\nstream S = T .to(K)"
    there = Host(loads=True, has_module=HOST.has_module)
    return {
        "E035": path,
        "E095": _found('import "b.vpl"', imports=files.get),
        "E097": _found(package, host=there),
        "E107": _found("let a = " + "(" * 101 + "1" + ")" * 101),
        "W092": _found('import "a.vpl" as a', imports=files),
    }


def _guarded(program: str) -> list[str]:
    """Return the findings about a program on a worker that guards its connections."""
    guard = Guard(workdir=Path("/srv/programs"), is_strict=True)
    with pytest.raises(InvalidProgramError) as refused:
        compile_program(program, guard=guard)
    return [item.code for item in refused.value.diagnostics]


def test_findings_of_a_place_arise_there() -> None:
    page = LANGUAGE / "diagnostics.md"
    shown = {code(cells[0]) for cells in rows(page, "code", "meaning", "arises")}
    found = _elsewhere()
    assert found == {name: [name] for name in shown}


RUN_TIME = list(
    rows(
        LANGUAGE / "diagnostics.md",
        *("code", "what becomes of the event", "a program that gets there"),
    )
)
TIGHT = Limits(cpu_s_per_event=0.05, outputs_per_event=100, text_chars=1000)


@pytest.mark.parametrize(
    ("shown", "program"),
    [pytest.param(code(row[0]), code(row[2]), id=row[0]) for row in RUN_TIME if row[2]],
)
def test_every_program_that_reaches_a_bound_says_so(shown: str, program: str) -> None:
    pipeline = compile_program(program, limits=TIGHT)
    try:
        reply = json.loads(pipeline.process(b'{"event_type":"T"}'))
    finally:
        pipeline.close()
    assert [error["code"] for error in reply["errors"]] == [shown]


def test_no_code_is_left_out() -> None:
    page = (LANGUAGE / "diagnostics.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| `(\w\d+)` \|", page, re.MULTILINE)
    assert len(shown) == len(set(shown))
    assert set(shown) == CODES | RUN_TIME_CODES


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("builtins.md", catalog.BUILTINS),
        ("windows.md", [a.name for a in catalog.AGGREGATES.values() if not a.trends]),
        ("advanced.md", [a.name for a in catalog.AGGREGATES.values() if a.trends]),
        ("streams.md", catalog.OPERATIONS),
        ("connectors.md", catalog.CONNECTOR_KINDS),
    ],
)
def test_a_page_has_every_name_of_the_catalog(page: str, names: list[str]) -> None:
    text = FENCE.sub("", (LANGUAGE / page).read_text(encoding="utf-8"))
    spans = " ".join(re.findall(r"`([^`\n]+)`", text))
    missing = [name for name in names if not re.search(rf"\b{name}\b", spans)]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_block_of_the_guide_is_one_that_is_checked(page: Path) -> None:
    """`text` is for pictures and what commands print; everything else is tried."""
    blocks = read_blocks(page)
    before = [""] + [block.language for block in blocks]
    for previous, block in zip(before, blocks, strict=False):
        assert block.language in {"vpl", "evt", "json", "bash", "text"}, block.line
        assert block.language != "json" or previous in {"evt", "bash", "json"}

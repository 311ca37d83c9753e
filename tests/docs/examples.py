"""Runnable examples in documents: a program, events, and the outputs they lead to.

A `vpl` block followed by an `evt` block and a `json` block is an example; further pairs
of `evt` and `json` run the same program from its start. `needs=NAME` on a program names
an operation that a build may lack: then the program is refused with E090 and not run.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.simulation.program_test import ProgramTest, run_test
from tests.docs.blocks import Block, json_values
from vpl import catalog


@dataclass(frozen=True, slots=True)
class Example:
    """A program with the events it is given and the outputs that are shown."""

    program: Block
    events: Block
    outputs: Block


def read_examples(blocks: list[Block]) -> Iterator[Example]:
    """Yield the examples among the blocks of a document, in order.

    Raises AssertionError for events without a program before or outputs after them.
    """
    program: Block | None = None
    for place, block in enumerate(blocks):
        if block.language == "vpl":
            program = block
        elif block.language == "bash":
            program = None
        elif block.language == "evt":
            after = blocks[place + 1 : place + 2]
            assert program, f"line {block.line}: events of no program"
            languages = [block.language for block in after]
            assert languages == ["json"], f"line {block.line}: events without outputs"
            yield Example(program, block, after[0])


def lacks(program: Block) -> bool:
    """Tell whether this build lacks an operation that the program needs."""
    needed = program.options.get("needs")
    return needed is not None and needed not in catalog.AVAILABLE


def run_example(example: Example, folder: Path) -> list[str]:
    """Run an example as `varpulis test` does; return what is not as shown."""
    test = ProgramTest(folder / "example.vpl")
    order = ["# unordered"] if "unordered" in example.outputs.options else []
    shown = [*order, *map(json.dumps, json_values(example.outputs.text.strip()))]
    test.events.write_text(example.events.text, encoding="utf-8")
    test.expected.write_text("\n".join([*shown, ""]), encoding="utf-8")
    outcome = run_test(test, example.program.text, {}, update=False)
    return [*outcome.reasons, *map(str, outcome.differences)]

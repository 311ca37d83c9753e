"""Compiling a program for a command: errors go to the terminal."""

import sys

from engine import InvalidProgramError, Pipeline, compile_program
from engine.connectors.base import SinkFactory
from engine.management.command import FAILURE, read_text
from engine.management.findings import diagnostic_lines


def compile_or_exit(path: str, sinks: SinkFactory | None = None) -> Pipeline:
    """Return the program of a file (`-`: standard input) as a pipeline.

    Prints the findings and exits with 1 if it has errors, with 2 if it cannot be read.
    """
    return compile_text_or_exit(path, read_text(path), sinks)


def compile_text_or_exit(
    name: str, source: str, sinks: SinkFactory | None = None
) -> Pipeline:
    """Return a program's pipeline; `name` stands for it in findings."""
    try:
        return compile_program(source, name=name, sinks=sinks)
    except InvalidProgramError as error:
        for line in diagnostic_lines(name, source, error.diagnostics):
            sys.stderr.write(f"{line}\n")
        sys.exit(FAILURE)

"""Compiling a program for a command: errors go to the terminal."""

import sys

from engine import InvalidProgramError, Pipeline, compile_program
from engine.connectors.base import SinkFactory
from engine.management.command import FAILURE, read_text
from vpl import render_diagnostics


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
        text = render_diagnostics(error.diagnostics, source, name)
        sys.stderr.write(f"{text}\n")
        sys.exit(FAILURE)

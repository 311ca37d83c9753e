"""Compiling a program for a command: errors go to the terminal."""

import sys
from typing import Any

from engine import InvalidProgramError, Pipeline, compile_program
from engine.errors import LoadError
from engine.management.command import FAILURE, read_text, shown_name
from engine.management.importing import ImportedFiles
from vpl import render_diagnostics


def compile_or_exit(path: str, **options: Any) -> Pipeline:
    """Return the program of a file (`-`: standard input) as a pipeline.

    `options` are those of `compile_program`. Prints the findings and exits with 1 if
    it has errors or cannot set its globals, with 2 if it cannot be read.
    """
    return compile_text_or_exit(shown_name(path), read_text(path), **options)


def compile_text_or_exit(name: str, source: str, **options: Any) -> Pipeline:
    """Return a program's pipeline; `name` stands for it in findings."""
    files = ImportedFiles(name)
    try:
        return compile_text(name, source, imports=files, **options)
    except InvalidProgramError as error:
        text = render_diagnostics(error.diagnostics, source, name, files.texts)
        sys.stderr.write(f"{text}\n")
    except LoadError as error:
        sys.stderr.write(f"{name}: {error}\n")
    sys.exit(FAILURE)


def compile_text(name: str, source: str, **options: Any) -> Pipeline:
    """Return a program's pipeline; raises InvalidProgramError and LoadError.

    Imports are files beside the one called `name`, or in the working directory.
    """
    options.setdefault("imports", ImportedFiles(name))
    return compile_program(source, name=name, **options)

"""Write the TextMate grammar of VPL from the words of the language.

usage: python editors/grammar.py [--check]
With `--check` nothing is written; status 1 says that the file is not current. Only
regular expressions that Oniguruma and Python read alike are used, so a test can
compare the grammar with the lexer.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vpl.catalog import AGGREGATES, BUILTINS, OPERATIONS
from vpl.tokens import DECLARATION_WORDS, RESERVED

FILE = Path(__file__).parent / "vscode" / "syntaxes" / "vpl.tmLanguage.json"

CONSTANTS = frozenset(("true", "false", "null"))
STORAGE = frozenset(("fn", "let", "var", "const"))
OPERATOR_WORDS = frozenset(("and", "or", "not", "in", "is", "as", "where"))
CONTROL = RESERVED - CONSTANTS - STORAGE - OPERATOR_WORDS
PATTERN_WORDS = frozenset(("SEQ", "AND", "OR", "NOT"))
SOURCES = frozenset(("merge", "join", "sequence", "timer"))
TYPES = frozenset(("int", "float", "bool", "str", "timestamp", "duration", "any"))
UNITS = ("ns", "us", "ms", "min", "s", "m", "h", "d")

NAME = "[A-Za-z_][A-Za-z0-9_]*"
_NOT_IN_WORD = "(?<![A-Za-z0-9_])"
_DIGITS = "[0-9]+(?:_[0-9]+)*"
_FRACTION = r"\.[0-9]+(?:_[0-9]+)*"

Rule = dict[str, Any]


def grammar() -> dict[str, Any]:
    """Return the grammar as the JSON that editors read."""
    return {
        "$schema": "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
        "name": "VPL",
        "scopeName": "source.vpl",
        "fileTypes": ["vpl"],
        "patterns": [{"include": f"#{name}"} for name in _rules()],
        "repository": {name: {"patterns": rules} for name, rules in _rules().items()},
    }


def _rules() -> dict[str, list[Rule]]:
    """Return the rules by concern; of rules that match at one place the first wins."""
    return {
        "comments": _comments(),
        "strings": [_string('"', "double"), _string("'", "single")],
        "timestamps": [_match("constant.other.timestamp", _timestamp())],
        "quoted": [_match("variable.other.quoted", "`[^`\n]+`")],
        "numbers": _numbers(),
        "members": _members(),
        "declarations": _declarations(),
        "words": _words(),
        "calls": _calls(),
        "operators": [_match("keyword.operator", r"[-+*/%=<>!&|^~?:]+|\.\.=?")],
    }


def _match(scope: str, pattern: str) -> Rule:
    return {"name": f"{scope}.vpl", "match": pattern}


def _captured(pattern: str, *scopes: str) -> Rule:
    """Return a rule that names the groups of its pattern in order."""
    captures = {
        str(at): {"name": f"{scope}.vpl"} for at, scope in enumerate(scopes, start=1)
    }
    return {"match": pattern, "captures": captures}


def _any_of(words: Iterable[str]) -> str:
    """Return a pattern for whole words; longer ones come first."""
    ordered = sorted(words, key=lambda word: (-len(word), word))
    return rf"{_NOT_IN_WORD}(?:{'|'.join(ordered)})(?![A-Za-z0-9_])"


def _comments() -> list[Rule]:
    return [
        _match("comment.line.number-sign", "#.*$"),
        _match("comment.line.double-slash", "//.*$"),
        {"name": "comment.block.vpl", "begin": r"/\*", "end": r"\*/"},
    ]


def _string(quote: str, kind: str) -> Rule:
    """Return the rule of a string; one that is not closed ends with its line."""
    escape = r"""\\(?:[ntr0"'\\]|u[0-9a-fA-F]{4})"""
    return {
        "name": f"string.quoted.{kind}.vpl",
        "begin": quote,
        "end": f"{quote}|$",
        "patterns": [
            _match("constant.character.escape", escape),
            _match("invalid.illegal.escape", r"\\."),
        ],
    }


def _timestamp() -> str:
    time = r"T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?"
    return (
        f"@[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:{time}(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})?)?"
    )


def _numbers() -> list[Rule]:
    part = f"(?:{_DIGITS}(?:{_FRACTION})?|{_FRACTION})(?:{'|'.join(UNITS)})"
    exponent = "(?:[eE][+-]?[0-9]+)"
    fraction = f"(?:{_DIGITS})?{_FRACTION}{exponent}?"
    end = "(?![A-Za-z0-9_])"
    return [
        _match("constant.numeric.duration", f"{_NOT_IN_WORD}(?:{part})+{end}"),
        _match("constant.numeric.hex", f"{_NOT_IN_WORD}0x[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*{end}"),
        _match("constant.numeric.float", f"{_NOT_IN_WORD}(?:{fraction}|{_DIGITS}{exponent}){end}"),
        _match("constant.numeric.integer", f"{_NOT_IN_WORD}{_DIGITS}{end}"),
    ]  # fmt: skip


def _members() -> list[Rule]:
    """Return the rules for what follows a dot: operations before brackets, and names,
    which may be reserved words there."""
    operations = "|".join(sorted(OPERATIONS, key=lambda name: (-len(name), name)))
    return [
        _captured(
            rf"(\.)({operations})(?=[ \t]*\(|[ \t]+as[ \t])",
            "punctuation.accessor",
            "keyword.other.operation",
        ),
        _captured(
            rf"(\?\.|\.)({NAME})", "punctuation.accessor", "variable.other.member"
        ),
    ]


def _declarations() -> list[Rule]:
    words = "|".join(sorted(DECLARATION_WORDS))
    reserved = rf"(?!(?:{'|'.join(sorted(RESERVED))})\b)"
    return [
        _captured(
            rf"^[ \t]*({words})[ \t]+({reserved}{NAME})",
            "storage.type.declaration",
            "entity.name.type",
        ),
        _captured(rf"^[ \t]*({words})(?=[ \t]*[:\"'`])", "storage.type.declaration"),
        _captured(
            rf"{_NOT_IN_WORD}(fn)[ \t]+({NAME})",
            "storage.type.function",
            "entity.name.function",
        ),
        _captured(
            rf"{_NOT_IN_WORD}(emit)[ \t]+(?!as[ \t])({NAME})(?=[ \t]*\()",
            "keyword.control.emit",
            "entity.name.type",
        ),
    ]


def _words() -> list[Rule]:
    return [
        _match("constant.language", _any_of(CONSTANTS)),
        _match("storage.type", _any_of(STORAGE)),
        _match("keyword.operator.word", _any_of(OPERATOR_WORDS)),
        _match("keyword.control", _any_of(CONTROL)),
        _match("keyword.other.pattern", _any_of(PATTERN_WORDS)),
        _match("keyword.other.pattern", r"(?<=\))[ \t]*within(?=[ \t])"),
        _match("keyword.other.pattern", r"partition[ \t]+by(?=[ \t])"),
        _captured(
            rf"(:)[ \t]*({_any_of(TYPES)})", "punctuation.separator", "support.type"
        ),
    ]


def _calls() -> list[Rule]:
    functions = _any_of({*BUILTINS, *AGGREGATES})
    return [
        _match("support.function.source", rf"{_any_of(SOURCES)}(?=[ \t]*\()"),
        _match("support.function.builtin", rf"{functions}(?=[ \t]*\()"),
        _match("entity.name.function", rf"{_NOT_IN_WORD}{NAME}(?=\()"),
        _match("variable.other", rf"{_NOT_IN_WORD}{NAME}"),
    ]


def main(arguments: list[str]) -> int:
    """Write the file, or with `--check` tell whether it is current."""
    text = json.dumps(grammar(), indent=2) + "\n"
    if arguments == ["--check"]:
        current = FILE.read_text(encoding="utf-8") == text
        if not current:
            sys.stderr.write(f"{FILE} is not current: run editors/grammar.py\n")
        return 0 if current else 1
    FILE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A small reader of TextMate grammars: which scope every character of a text has.

It knows what our grammar uses: `match` with captures, `begin` and `end` with patterns,
includes of the repository. Rules are tried as editors do: the earliest match wins, of
those the first rule.
"""

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class _Open:
    """A begun rule that waits for its end."""

    scope: str
    end: re.Pattern[str]
    rules: list[dict[str, Any]]


class Highlighter:
    """Applies one grammar."""

    def __init__(self, grammar: dict[str, Any]) -> None:
        self._repository = grammar["repository"]
        self._rules = self._resolved(grammar["patterns"])
        self._compiled: dict[str, re.Pattern[str]] = {}

    def scopes(self, text: str) -> list[list[str]]:
        """Return the innermost scope of every character, line by line."""
        stack: list[_Open] = []
        return [self._line(line, stack) for line in text.split("\n")]

    def _resolved(self, patterns: list[dict[str, Any]]) -> list[dict[str, Any]]:
        found = []
        for rule in patterns:
            if "include" in rule:
                name = rule["include"].removeprefix("#")
                found += self._resolved(self._repository[name]["patterns"])
            else:
                found.append(rule)
        return found

    def _pattern(self, text: str) -> re.Pattern[str]:
        if text not in self._compiled:
            self._compiled[text] = re.compile(text)
        return self._compiled[text]

    def _line(self, line: str, stack: list[_Open]) -> list[str]:
        scopes = [stack[-1].scope if stack else ""] * len(line)
        position = 0
        while position <= len(line):
            rules = stack[-1].rules if stack else self._rules
            end = stack[-1].end.search(line, position) if stack else None
            found, rule = self._earliest(rules, line, position)
            if end is not None and (found is None or end.start() <= found.start()):
                scope = stack.pop().scope
                _paint(scopes, position, end.end(), scope)
                position = end.end()
                _paint(scopes, position, len(line), stack[-1].scope if stack else "")
                if position == len(line):
                    break
                continue
            if found is None or rule is None:
                break
            position = self._apply(found, rule, scopes, stack)
        return scopes

    def _earliest(
        self, rules: list[dict[str, Any]], line: str, position: int
    ) -> tuple[re.Match[str] | None, dict[str, Any] | None]:
        best: tuple[re.Match[str] | None, dict[str, Any] | None] = (None, None)
        for rule in rules:
            pattern = self._pattern(rule.get("match") or rule["begin"])
            found = pattern.search(line, position)
            if found and (best[0] is None or found.start() < best[0].start()):
                best = (found, rule)
        return best

    def _apply(
        self,
        found: re.Match[str],
        rule: dict[str, Any],
        scopes: list[str],
        stack: list[_Open],
    ) -> int:
        _paint(scopes, *found.span(), rule.get("name", ""))
        for group, capture in rule.get("captures", {}).items():
            _paint(scopes, *found.span(int(group)), capture["name"])
        if "begin" in rule:
            inner = self._resolved(rule.get("patterns", []))
            stack.append(_Open(rule["name"], self._pattern(rule["end"]), inner))
            _paint(scopes, found.end(), len(scopes), rule["name"])
            return found.end()
        assert found.end() > found.start(), "an empty match would never end"
        return found.end()


def _paint(scopes: list[str], start: int, end: int, scope: str) -> None:
    scopes[start:end] = [scope] * (end - start)

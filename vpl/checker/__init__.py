"""Checking programs: `check` collects the findings of all passes.

A rule is a function from the symbols of a program to findings, for one concern;
`RULES` lists them all. Rules do not depend on each other's order.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from vpl.checker import (
    aggregates,
    calls,
    conditions,
    connectors,
    duplicates,
    emits,
    graph,
    impossible,
    operations,
    sequences,
    sources,
    structure,
    subscriptions,
    trends,
    values,
    variables,
    windowed,
)
from vpl.collector import without_collection
from vpl.diagnostics import Diagnostic
from vpl.findings import settle
from vpl.host import ANYWHERE, Host
from vpl.imports import Imports, merge
from vpl.limits import MAX_FINDINGS
from vpl.nodes import Program
from vpl.symbols import Symbols

__all__ = ["RULES", "CheckResult", "check"]

Rule = Callable[[Symbols], Iterator[Diagnostic]]

RULES: tuple[Rule, ...] = (
    duplicates.duplicate_declarations,
    duplicates.ambiguous_names,
    duplicates.duplicate_names,
    duplicates.duplicate_arguments,
    calls.hidden_builtins,
    calls.calls,
    variables.top_level_assignments,
    variables.local_assignments,
    variables.loop_control,
    variables.constants,
    graph.circles,
    graph.pattern_circles,
    connectors.connector_declarations,
    connectors.context_declarations,
    connectors.connector_uses,
    subscriptions.source_uses,
    connectors.context_uses,
    connectors.missing_packages,
    connectors.without_effect,
    operations.operations,
    operations.availability,
    structure.windows,
    sequences.sequences,
    structure.patterns,
    impossible.never_matching,
    structure.joins,
    structure.timers,
    aggregates.aggregates,
    trends.trends,
    windowed.window_functions,
    conditions.conditions,
    conditions.constant_arguments,
    conditions.literal_types,
    values.values,
    values.branches,
    emits.idle_emits,
    emits.envelope_fields,
    emits.ignored_contexts,
    emits.undeclared_types,
    sources.unknown_sources,
    sources.declared_fields,
    sources.shadowed_globals,
)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A checked program: its tree and everything found, sorted by file and position."""

    program: Program
    diagnostics: tuple[Diagnostic, ...]

    @property
    def valid(self) -> bool:
        """Tell whether the program may be loaded: no finding is an error."""
        return all(found.severity != "error" for found in self.diagnostics)

    def to_json(self) -> dict[str, Any]:
        """Return the check result of vpl.md section 18.3."""
        return {
            "valid": self.valid,
            "diagnostics": [found.to_json() for found in self.diagnostics],
        }


def check(
    source: str,
    *,
    imports: Imports | None = None,
    file: str = "",
    host: Host = ANYWHERE,
) -> CheckResult:
    """Return the tree of `source` and all findings; never raises.

    `imports` gives the sources of imports: a mapping by path, or a function that
    reads files. Their declarations are part of the tree, and their findings name
    their file. `file` is the path by which they would import the program itself.
    """
    with without_collection():
        parsed = merge(source, imports, file)
        found = list(parsed.diagnostics)
        # With as many syntax errors much of the text was not looked at: whatever
        # rules would call unknown may be declared there.
        if sum(item.severity == "error" for item in found) < MAX_FINDINGS:
            symbols = Symbols.of(parsed, host)
            for rule in RULES:
                found.extend(islice(rule(symbols), MAX_FINDINGS))
        return CheckResult(parsed.program, settle(found))

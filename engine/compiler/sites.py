"""The places of a program that make output events."""

from engine.compiler.namespace import Namespace
from engine.compiler.outputs import OutputSite, new_site
from vpl import nodes


class Sites:
    """All emit statements of functions: what `.process` may get."""

    def __init__(self) -> None:
        self.all: list[OutputSite] = []
        self._statements: dict[int, tuple[nodes.EmitStmt, OutputSite]] = {}

    def statement(self, names: Namespace, node: nodes.EmitStmt) -> OutputSite:
        """Return the place of an emit statement, made when it is first asked for."""
        known = self._statements.get(id(node))
        if known is not None:
            return known[1]
        site = new_site(names, node.event_type, [arg.name or "" for arg in node.args])
        self._statements[id(node)] = node, site  # equal ones may stand in two places
        self.all.append(site)
        return site

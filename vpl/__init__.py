"""The VPL language: text in, tree and diagnostics out.

Other packages import from here only. `parse` and `check` never raise on any input;
what is wrong with a program is a `Diagnostic`.
"""

from vpl import nodes
from vpl.diagnostics import Diagnostic, Related
from vpl.nodes import Program
from vpl.source import Span

__all__ = ["Diagnostic", "Program", "Related", "Span", "nodes"]

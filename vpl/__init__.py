"""The VPL language: text in, tree and diagnostics out.

Other packages import from here only. `parse` and `check` never raise on any input;
what is wrong with a program is a `Diagnostic`.
"""

from vpl import nodes
from vpl.analysis import (
    CallGraph,
    consumed_types,
    emitted_types,
    functions,
    output_types,
    stream_names,
)
from vpl.checker import CheckResult, check
from vpl.diagnostics import Diagnostic, Related
from vpl.fingerprints import (
    StreamFingerprints,
    fingerprint,
    global_fingerprints,
    stream_fingerprint,
)
from vpl.formatter import FormatError, format_program
from vpl.host import ANYWHERE, Host
from vpl.imports import Imports, Loader
from vpl.nodes import Program
from vpl.parser import ParseResult, parse
from vpl.pipeline_limits import (
    PIPELINE_LIMITS,
    LimitFault,
    PipelineLimit,
    limit_faults,
    limit_values,
)
from vpl.rendering import render_diagnostics
from vpl.source import Span
from vpl.tree_json import tree_json
from vpl.visitor import walk

__all__ = [
    "ANYWHERE",
    "PIPELINE_LIMITS",
    "CallGraph",
    "CheckResult",
    "Diagnostic",
    "FormatError",
    "Host",
    "Imports",
    "LimitFault",
    "Loader",
    "ParseResult",
    "PipelineLimit",
    "Program",
    "Related",
    "Span",
    "StreamFingerprints",
    "check",
    "consumed_types",
    "emitted_types",
    "fingerprint",
    "format_program",
    "functions",
    "global_fingerprints",
    "limit_faults",
    "limit_values",
    "nodes",
    "output_types",
    "parse",
    "render_diagnostics",
    "stream_fingerprint",
    "stream_names",
    "tree_json",
    "walk",
]

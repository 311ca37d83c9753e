"""Bounds on a program text; beyond them the finding is E107 (or E109)."""

MAX_SOURCE_BYTES = 1024 * 1024
MAX_TOKENS = 60_000
"""Names, numbers, operators and so on of one text."""

MAX_EXPANDED_TOKENS = 250_000
"""Those of a program with its generators expanded and all its imports."""

MAX_BRACKETS = 100
"""Open brackets at one place of the text."""

MAX_NESTING = 120
"""Open brackets, blocks and lambdas together."""

MAX_LOOPS = 16
"""Loops inside each other; Python itself allows twenty in generated code."""

MAX_OPERATIONS = 64
"""Operations of one stream; each may stand inside the one before it."""

MAX_PROCESSES = 8
"""`.process` in one stream; each is a loop over what the one before it emitted."""

MAX_HEIGHT = 150
"""Height of an expression tree, so that passes over it may recurse."""

MAX_FINDINGS = 1000
"""Diagnostics kept of one program."""

MAX_IMPORT_DEPTH = 16
"""Files that import each other in a row."""

MAX_IMPORTED_CHARS = 4 * 1024 * 1024
"""Length of all imports of a program together."""

MAX_COPIES = 10_000
"""Copies that all generator loops of a program make."""

MAX_EXPANDED = 4 * 1024 * 1024
"""Length of the text after generator expansion."""

INT_MAX = 2**63 - 1
INT_MIN = -(2**63)

#!/usr/bin/env python3
"""Compare one server with four workers on equal work: the same tiles, the same pixels.

Baseline: one `varpulis server`, one pipeline, 16 contexts, called directly.
Distributed: a coordinator and four workers, four pipelines of four contexts each.

Both compute the same picture, sent by the same code with the same number of tiles at
a time. The time runs from the first event to the last pixel; every pixel is counted,
and the whole is held against the formula before a time is believed.
"""

import importlib.util
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
COMPARISON = "cluster.demo.mandelbrot.compare"


def python_with_varpulis() -> str:
    """Return this Python if Varpulis is installed for it, else the checkout's."""
    if importlib.util.find_spec("varpulis_site") is not None:
        return sys.executable
    python = ROOT / ".venv" / "bin" / "python"
    if not python.exists():
        sys.exit(f"bench.py: Varpulis is not installed: run 'make setup' in {ROOT}")
    return str(python)


if __name__ == "__main__":
    chosen = python_with_varpulis()
    os.execv(chosen, [chosen, "-P", "-m", COMPARISON, *sys.argv[1:]])

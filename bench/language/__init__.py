"""Stateful operations of the language in process: speed, memory, flatness of cost.

`python -m bench language`. Every workload states what must come out by a computation
of its own, and stands beside a program that somebody wrote by hand for it alone.
"""

from bench.language.running import WORKLOADS, run

__all__ = ["WORKLOADS", "run"]

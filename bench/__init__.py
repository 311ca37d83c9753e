"""Benchmarks: measured, checked, reported; never part of the tests.

One module per benchmark, each with `run(effort) -> list[Result]`. A result counts
only after its outputs were compared with what must come out.
"""

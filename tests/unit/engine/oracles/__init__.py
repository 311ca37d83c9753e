"""Naive re-computations, written straight from the reference."""

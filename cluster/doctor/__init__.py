"""Looks at a configuration and says what to change before others rely on it."""

from cluster.doctor.finding import Finding, Level, diagnose

__all__ = ["Finding", "Level", "diagnose"]

"""Exit codes of the commands that start clusters (api.md 10)."""

from cluster.demo.errors import CoordinatorUnreachableError, DemoError, UsageError

FAILURE, USAGE, UNREACHABLE, INTERRUPTED = 1, 2, 3, 130


def exit_status(exc: DemoError) -> int:
    """Return the exit code that says what kind of error it was."""
    if isinstance(exc, UsageError):
        return USAGE
    if isinstance(exc, CoordinatorUnreachableError):
        return UNREACHABLE
    return FAILURE

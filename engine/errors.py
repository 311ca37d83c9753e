"""What the engine raises."""

from vpl import Diagnostic


class EngineError(Exception):
    """Root of every error the engine raises on purpose."""


class InvalidProgramError(EngineError):
    """A program has errors and cannot be compiled.

    `diagnostics` holds every finding of the check, warnings included.
    """

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        self.diagnostics = diagnostics
        errors = [item for item in diagnostics if item.severity == "error"]
        first = errors[0] if errors else None
        where = f"{first.code} line {first.span.line}: {first.message}" if first else ""
        super().__init__(f"program has {len(errors)} error(s); {where}")


class BadEventError(EngineError):
    """A payload is no event (vpl.md section 14); the message says why."""


class EventTooLargeError(BadEventError):
    """An event goes beyond a bound of vpl.md section 14; the message says which."""


class PipelineClosedError(EngineError):
    """An event was given to a pipeline that is closed."""


class QueueFullError(EngineError):
    """A pipeline had no room for an event in the time its caller could wait.

    The event was not processed and may be sent again.
    """


class LoadError(EngineError):
    """The globals of a program could not be set within its limits."""


class CheckpointError(EngineError):
    """A checkpoint cannot be used: it is damaged or of an unknown version."""

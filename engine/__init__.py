"""The engine: compiles VPL programs and runs events through them.

Other packages import from here only. A name is loaded when it is first asked for:
commands that only read programs live below this package too, and the compiler is most
of what they would wait for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.compiling import compile_program
    from engine.errors import (
        BadEventError,
        CheckpointError,
        EngineError,
        EventTooLargeError,
        InvalidProgramError,
        LoadError,
        PipelineClosedError,
        QueueFullError,
    )
    from engine.event import Event
    from engine.limits import Limits
    from engine.metrics import PipelineMetrics, StreamMetrics
    from engine.pipeline import Pipeline
    from engine.reply import BatchReply, Reply
    from engine.runtime.clock import Clock, SystemClock

_MODULES = {
    "engine.compiling": ("compile_program",),
    "engine.errors": (
        "BadEventError",
        "CheckpointError",
        "EngineError",
        "EventTooLargeError",
        "InvalidProgramError",
        "LoadError",
        "PipelineClosedError",
        "QueueFullError",
    ),
    "engine.event": ("Event",),
    "engine.limits": ("Limits",),
    "engine.metrics": ("PipelineMetrics", "StreamMetrics"),
    "engine.pipeline": ("Pipeline",),
    "engine.reply": ("BatchReply", "Reply"),
    "engine.runtime.clock": ("Clock", "SystemClock"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "BadEventError",
    "BatchReply",
    "CheckpointError",
    "Clock",
    "EngineError",
    "Event",
    "EventTooLargeError",
    "InvalidProgramError",
    "Limits",
    "LoadError",
    "Pipeline",
    "PipelineClosedError",
    "PipelineMetrics",
    "QueueFullError",
    "Reply",
    "StreamMetrics",
    "SystemClock",
    "compile_program",
]


def __getattr__(name: str) -> object:
    """Load the module of a public name; it is kept, so this runs once per name."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names too that were not asked for yet."""
    return sorted({*globals(), *__all__})

"""The engine: compiles VPL programs and runs events through them.

Other packages import from here only.
"""

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

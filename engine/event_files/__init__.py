"""Events in files of any form, read in bounded pieces (vpl.md 17.1).

`open_event_file` opens a file and knows its form; its `blocks` are what a pipeline
takes in one call. Forms are `.evt`, JSON lines, a JSON array, `{"events": [..]}` and
CSV with a header; each may be compressed by gzip, which its content tells.
"""

from engine.event_files.blocks import Block, EventBlock, PayloadBlock
from engine.event_files.errors import BadFileError, EventFileError
from engine.event_files.opening import EventFile, open_event_file
from engine.event_files.options import FORMS, TIME_UNITS, ReadOptions

__all__ = [
    "FORMS",
    "TIME_UNITS",
    "BadFileError",
    "Block",
    "EventBlock",
    "EventFile",
    "EventFileError",
    "PayloadBlock",
    "ReadOptions",
    "open_event_file",
]

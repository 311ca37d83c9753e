"""Source texts -> pipelines."""

import vpl
from engine.connectors.base import LookupFactory, SinkFactory, SourceFactory
from engine.connectors.dead_letters import DeadLetters
from engine.connectors.guard import Guard
from engine.limits import Limits
from engine.machine import load_program
from engine.outside import Outside
from engine.pipeline import Pipeline
from engine.runtime.clock import Clock, SystemClock


def compile_program(
    source: str,
    *,
    name: str = "pipeline",
    limits: Limits | None = None,
    sinks: SinkFactory | None = None,
    clock: Clock | None = None,
    sources: SourceFactory | None = None,
    lookups: LookupFactory | None = None,
    dead_letters: DeadLetters | None = None,
    guard: Guard | None = None,
    imports: vpl.Imports | None = None,
    host: vpl.Host = vpl.ANYWHERE,
) -> Pipeline:
    """Return a pipeline that runs `source`.

    `sinks` makes the sinks of `.to`; without it those events go nowhere, as in trial
    runs. `sources` makes the sources of `.from`; without it only injected events
    arrive; without `lookups` every `.enrich` fails. `dead_letters` takes what is no
    event. `guard` refuses addresses and paths. `imports` has the sources of imports by
    path, or reads them; `host` says what the program finds where it runs. Raises
    `InvalidProgramError` with all findings if there is an error among them.
    """
    outside = Outside(sinks, sources, lookups, dead_letters, guard, host)
    return Pipeline(
        name,
        load_program(source, outside, imports),
        limits or Limits(),
        clock or SystemClock(),
        outside,
    )

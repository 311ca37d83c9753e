"""What surrounds a pipeline: connectors, dead letters, and what a program may reach."""

from dataclasses import dataclass

import vpl
from engine.connectors.base import LookupFactory, SinkFactory, SourceFactory
from engine.connectors.dead_letters import DeadLetters
from engine.connectors.guard import Guard


@dataclass(frozen=True, slots=True)
class Outside:
    """Makes what a program connects to.

    Without `sinks` events of `.to` go nowhere, without `sources` only injected events
    arrive, without `lookups` every `.enrich` fails: so are trial runs. `dead_letters`
    takes what is no event, `guard` refuses addresses and paths, `host` tells the check
    what the program finds where it runs.
    """

    sinks: SinkFactory | None = None
    sources: SourceFactory | None = None
    lookups: LookupFactory | None = None
    dead_letters: DeadLetters | None = None
    guard: Guard | None = None
    host: vpl.Host = vpl.ANYWHERE

"""Programs on recorded events, in event time: what `simulate` and `test` do."""

from engine.simulation.clock import EventClock
from engine.simulation.pacing import Pacing
from engine.simulation.simulation import SIMULATION_LIMITS, Audience, Simulation
from engine.simulation.totals import Totals

__all__ = [
    "SIMULATION_LIMITS",
    "Audience",
    "EventClock",
    "Pacing",
    "Simulation",
    "Totals",
]

"""Programs on recorded events, in event time: what `simulate` and `test` do."""

from engine.simulation.clock import EventClock
from engine.simulation.pacing import Pacing
from engine.simulation.simulation import Audience, Simulation, simulation_limits
from engine.simulation.totals import Totals

__all__ = [
    "Audience",
    "EventClock",
    "Pacing",
    "Simulation",
    "Totals",
    "simulation_limits",
]

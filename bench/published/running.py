"""Measures every scenario against everybody who is there."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.finding import Comparison, Contender, Finding, NotMeasured
from bench.language import chains, filters, joins, sequences
from bench.language.checking import BATCH, check, through_engine
from bench.language.contest import contenders
from bench.language.workload import Workload
from bench.peers.environment import prepared
from bench.peers.running import PEERS, Match, measured
from bench.progress import step
from bench.published import crossover, minutes, sensors, vwap
from bench.result import Effort
from bench.workload import batches

CHECKED = (
    "all our outputs with a computation of their own, in order; those of hand-written "
    "Python, bytewax and csp with ours, floats to 1e-9"
)
ORIGINAL, APAMA = "Rust original", "Apama"


@dataclass(frozen=True)
class Scenario:
    """A workload that peers do too.

    Attributes:
        name: as the reports call it.
        task: what `bench.peers.tasks` calls it.
        published: events per second by who published them; 100 000 events, one
            thread, other hardware.
    """

    name: str
    task: str
    workload: Workload
    published: dict[str, float] = field(default_factory=dict)


SCENARIOS = (
    Scenario("filter", "filter", filters.ONE, {ORIGINAL: 234e3, APAMA: 199e3}),
    Scenario("VWAP windows", "vwap", vwap.VWAP, {ORIGINAL: 335e3}),
    Scenario("temporal join", "join", joins.PAID, {ORIGINAL: 268e3}),
    Scenario("Kleene rising sequence", "chains", chains.RISING, {ORIGINAL: 97e3}),
    Scenario("EMA crossover", "crossover", crossover.CROSSOVER, {ORIGINAL: 266e3}),
    Scenario("multi-sensor", "sensors", sensors.SENSORS),
    Scenario(
        "sequence",
        "sequence",
        sequences.TWO_STEPS,
        {ORIGINAL: 256e3, APAMA: 221e3},
    ),
    Scenario("windows by the clock", "minutes", minutes.MINUTES),
)


def run(effort: Effort) -> list[Finding]:
    """Measure all; raises `WrongOutputError`."""
    environment = prepared()
    ours = {each.task: own(each, effort) for each in SCENARIOS}
    matches = [_match(each, effort) for each in SCENARIOS]
    peers = measured(matches, environment, min(3, effort.repeats))
    found: list[Finding] = [
        Comparison(
            each.name,
            (*ours[each.task], *peers[each.task]),
            CHECKED,
            published=each.published,
        )
        for each in SCENARIOS
    ]
    missing = [
        NotMeasured(f"{peer.name} beside us", environment.missing[peer.package])
        for peer in PEERS
        if peer.package in environment.missing
    ]
    return [*found, *missing, *LEFT_OUT]


def own(scenario: Scenario, effort: Effort) -> list[Contender]:
    """Check one scenario, and measure what needs no other environment."""
    step(scenario.name)
    lines = _lines(scenario, effort)
    check(scenario.workload, lines)
    return contenders(scenario.workload, lines, effort.repeats)


def _match(scenario: Scenario, effort: Effort) -> Match:
    lines = _lines(scenario, effort)
    payloads = batches(tuple(lines), BATCH)
    wanted = through_engine(scenario.workload, payloads, is_ended=True)
    return Match(scenario.task, lines, wanted)


def _lines(scenario: Scenario, effort: Effort) -> Sequence[bytes]:
    return scenario.workload.lines(max(effort.events // 2, scenario.workload.least))


LEFT_OUT = (
    NotMeasured(
        "the Rust original, Apama and Flink on this machine",
        "no package index that this bench may use has them; the figures that are shown "
        "were published by the original's authors for other hardware",
    ),
    NotMeasured(
        "peers with more than one worker, or over a network",
        "all stand on one core, as the published figures do",
    ),
)

"""Conditions between consecutive events of a trend, apart from filters (vpl.md 20)."""

from dataclasses import replace

from engine.compiler.steps import (
    Branch,
    Chain,
    Option,
    Sequence,
    Step,
    mentioned,
    parts_of,
)


def with_links(sequence: Sequence) -> Sequence:
    """Return the sequence with the parts of repeated steps' filters told apart.

    What mentions the step's own events is a link between two that are chosen one after
    the other; it does not decide which events the step takes.
    """
    branches = tuple(_branch(branch, sequence) for branch in sequence.branches)
    return replace(sequence, branches=branches)


def _branch(branch: Branch, sequence: Sequence) -> Branch:
    chains = tuple(_chain(chain, sequence) for chain in branch.chains)
    return replace(branch, chains=chains)


def _chain(chain: Chain, sequence: Sequence) -> Chain:
    return replace(chain, steps=tuple(_step(step, sequence) for step in chain.steps))


def _step(step: Step, sequence: Sequence) -> Step:
    return replace(step, options=tuple(_option(o, sequence) for o in step.options))


def _option(option: Option, sequence: Sequence) -> Option:
    own = frozenset(own_name(option, sequence))
    if not option.is_many or not own:
        return option
    parts = parts_of(option.filters)
    links = tuple(part for part in parts if mentioned(part, own))
    return replace(
        option, filters=tuple(part for part in parts if part not in links), links=links
    )


def own_name(option: Option, sequence: Sequence) -> list[str]:
    """Return the name by which a step's filter reads its own events, if it has one."""
    if option.alias is not None:
        return [option.alias]
    is_own = sequence.named_slots.get(option.name) == option.slot
    return [option.name] if is_own else []

"""Checkpoints: the state of a pipeline as one JSON document (vpl.md section 16).

    {"version": 1, "program": fingerprint, "counters": {..},
     "globals": {name: {"fingerprint", "keyword", "value"}},
     "streams": {name: {"fingerprint", "counters", "clock", "states": {place: data}}}}

Taken and applied between two events, by whoever holds the pipeline still.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import vpl
from engine.errors import CheckpointError, LoadError
from engine.metrics import PipelineMetrics
from engine.runtime.frame import Frame
from engine.runtime.instance import Instance
from engine.runtime.state import FOREVER, Codec, Deadlines
from engine.runtime.values import KIND_NAMES
from engine.runtime.weight import is_bounded
from vpl import nodes

VERSION: Final = 1
_FRAME_NUMBERS: Final = ("events_in", "events_out", "outputs", "sink_sent")
_FRAME_COUNTS: Final = ("eval_errors", "stopped", "counts", "dropped")
_PIPELINE_NUMBERS: Final = ("events_in", "events_out", "rejected", "processing_s")
_INSTANCE_NUMBERS: Final = ("unrouted", "type_mismatches")

Document = dict[str, Any]
Blank = Sequence[dict[str, Any]]
"""What each stream of a new program keeps, as `contents` gives it, by index."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of the streams, by name.

    `kept` go on from the checkpoint, `restarted` have changed and start empty, `added`
    are not in the checkpoint, `removed` only there.
    """

    kept: tuple[str, ...] = ()
    restarted: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, list[str]]:
        """Return the four lists as the reply of a reload shows them."""
        return {
            "kept": list(self.kept),
            "restarted": list(self.restarted),
            "added": list(self.added),
            "removed": list(self.removed),
        }


def take(instance: Instance, counts: PipelineMetrics) -> Document:
    """Return the state of a program that stands still."""
    program = instance.compiled.plan.program
    codec = instance.codec
    return {
        "version": VERSION,
        "program": vpl.fingerprint(program),
        "counters": _pipeline_counters(instance, counts),
        "globals": dict(_globals(instance, codec)),
        "streams": {
            stream.name: {
                "fingerprint": instance.fingerprint(stream.index),
                **contents(instance, stream.index),
            }
            for stream in instance.compiled.plan.streams
        },
    }


def apply(
    document: Any, instance: Instance, counts: PipelineMetrics, blank: Blank
) -> Restored:
    """Take over a checkpoint; what changed since then starts empty, that is `blank`.

    Raises `CheckpointError`, also if constants that changed cannot be set; the state is
    then as it was before.
    """
    _refuse_unknown(document)
    before = take(instance, counts)
    try:
        return _apply(document, instance, counts, blank)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        _apply(before, instance, counts, blank)
        text = f"the checkpoint is damaged: {error.__class__.__name__} {error}"
        raise CheckpointError(text) from error
    except LoadError as error:
        _apply(before, instance, counts, blank)
        raise CheckpointError(f"no way on from the checkpoint: {error}") from error
    except CheckpointError:
        _apply(before, instance, counts, blank)
        raise


def _refuse_unknown(document: Any) -> None:
    if document.__class__ is not dict:
        raise CheckpointError("a checkpoint is a JSON object")
    version = document.get("version")
    if version.__class__ is not int or version != VERSION:
        raise CheckpointError(
            f"checkpoint version {version!r} is unknown; this build reads {VERSION}"
        )


def _pipeline_counters(instance: Instance, counts: PipelineMetrics) -> dict[str, Any]:
    found = {name: getattr(counts, name) for name in _PIPELINE_NUMBERS}
    return found | {name: getattr(instance, name) for name in _INSTANCE_NUMBERS}


def _restore_counters(
    kept: dict[str, Any], instance: Instance, counts: PipelineMetrics
) -> None:
    for name in _PIPELINE_NUMBERS:
        setattr(counts, name, kept[name])
    for name in _INSTANCE_NUMBERS:
        setattr(instance, name, int(kept.get(name, 0)))  # older ones lack these


# --- globals ------------------------------------------------------------------------


def _declared(instance: Instance) -> dict[str, tuple[nodes.VarDecl, str]]:
    """Return the globals by name with the attribute that holds each."""
    plan = instance.compiled.plan
    return {
        decl.name: (decl, plan.symbols.globals[decl.name].attribute)
        for decl in plan.program.body
        if isinstance(decl, nodes.VarDecl)
    }


def _globals(instance: Instance, codec: Codec) -> Iterator[tuple[str, Any]]:
    """Yield name and value of the globals; functions have none."""
    held = instance.compiled.values["G"]
    for name, (decl, attribute) in _declared(instance).items():
        value = getattr(held, attribute)
        if value.__class__ not in KIND_NAMES or KIND_NAMES[type(value)] == "function":
            continue
        if not is_bounded(value, instance.load_frame):
            continue  # reported as R004; it starts anew after a restore
        yield (
            name,
            {
                "fingerprint": instance.global_fingerprints[name],
                "keyword": decl.keyword,
                "value": codec.to_data(value),
            },
        )


def _restore_globals(kept: dict[str, Any], instance: Instance) -> None:
    """Set the variables of the same name and kind, and constants that mean the same.

    Other constants are what the program says, given those that were kept.
    """
    declared = _declared(instance)
    values = {
        attribute: instance.codec.from_data(kept[name]["value"])
        for name, (decl, attribute) in declared.items()
        if name in kept and _is_kept(kept[name], decl, attribute, instance)
    }
    held = instance.compiled.values["G"]
    fixed = [
        attribute for decl, attribute in declared.values() if decl.keyword != "var"
    ]
    if any(attribute not in values for attribute in fixed):
        before = {a: getattr(held, a) for _, a in declared.values() if a not in fixed}
        instance.set_globals({a: values[a] for a in fixed if a in values})
        values = before | values
    for attribute, value in values.items():
        setattr(held, attribute, value)


def _is_kept(
    found: dict[str, Any], decl: nodes.VarDecl, attribute: str, instance: Instance
) -> bool:
    if found["fingerprint"] == instance.global_fingerprints[decl.name]:
        return True
    if not decl.keyword == "var" == found["keyword"]:
        return False
    value = instance.codec.from_data(found["value"])
    fresh = getattr(instance.compiled.values["G"], attribute)
    return value is None or fresh is None or value.__class__ is fresh.__class__


# --- streams ------------------------------------------------------------------------


def contents(instance: Instance, index: int) -> dict[str, Any]:
    """Return what one stream keeps: counters, clock and states."""
    compiled, codec = instance.compiled, instance.codec
    frame = instance.frames[index]
    clock = compiled.clocks.get(index)
    return {
        "counters": _frame_counters(frame),
        "clock": None if clock is None else clock.snapshot(codec),
        "states": {
            slot.place: slot.state.snapshot(codec)
            for slot in compiled.states
            if slot.stream == index
        },
    }


def _frame_counters(frame: Frame) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(frame, name) for name in _FRAME_NUMBERS}
    found["taps"] = [[*series, n] for series, n in frame.taps.items()]
    return found | {name: dict(getattr(frame, name)) for name in _FRAME_COUNTS}


def _restore_stream(kept: dict[str, Any], instance: Instance, index: int) -> None:
    codec, compiled = instance.codec, instance.compiled
    frame = instance.frames[index]
    counters = kept["counters"]
    for name in _FRAME_NUMBERS:
        setattr(frame, name, int(counters[name]))
    for name in _FRAME_COUNTS:
        setattr(frame, name, {str(k): int(n) for k, n in counters[name].items()})
    frame.taps = {
        (str(name), tuple((str(k), str(v)) for k, v in labels)): int(n)
        for name, labels, n in counters.get("taps", ())  # older ones lack them
    }
    due = FOREVER
    clock = compiled.clocks.get(index)
    if clock is not None and kept["clock"] is not None:
        clock.restore(kept["clock"], codec)
    for slot in compiled.states:
        if slot.stream == index:
            slot.state.restore(kept["states"][slot.place], codec)
            if isinstance(slot.state, Deadlines):
                due = min(due, slot.state.due)
    if clock is not None:
        clock.due = due


def _apply(
    document: Document, instance: Instance, counts: PipelineMetrics, blank: Blank
) -> Restored:
    kept, restarted, added = [], [], []
    streams = document["streams"]
    for stream in instance.compiled.plan.streams:
        found = streams.get(stream.name)
        if found is None:
            added.append(stream.name)
        elif found["fingerprint"] == instance.fingerprint(stream.index):
            kept.append(stream.name)
        else:
            restarted.append(stream.name)
        is_kept = bool(kept) and kept[-1] == stream.name
        data = found if is_kept else blank[stream.index]
        _restore_stream(data, instance, stream.index)
    _restore_globals(document["globals"], instance)
    _restore_counters(document["counters"], instance, counts)
    known = {stream.name for stream in instance.compiled.plan.streams}
    removed = tuple(name for name in streams if name not in known)
    return Restored(tuple(kept), tuple(restarted), tuple(added), removed)

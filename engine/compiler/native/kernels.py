"""A native function with all that it calls -> one LLVM module.

Its function `kernel` takes the address of the memory and returns how it ended.
"""

from collections.abc import Container, Iterator, Sequence
from typing import Final

from engine.compiler.kinds import BOOL, Kinds
from engine.compiler.native import arithmetic, comparisons
from engine.compiler.native.assembly import UNLIKELY, Assembly
from engine.compiler.native.builtins import LIBRARY
from engine.compiler.native.frame import load
from engine.compiler.native.instances import Instance, Instances
from engine.compiler.native.layout import EmitSite, Layout, place, with_places
from engine.compiler.native.values import IR_TYPES
from engine.runtime.native_memory import Ending, Header

MAX_INLINED: Final = 300  # lines of IR
_CHECKED: Final = ("sadd", "ssub", "smul")
_FLOATS: Final = ("sqrt", "fabs", "floor", "ceil", "trunc", "round")

DECLARED: Final = "\n".join((
    *(
        f"declare {{i64, i1}} @llvm.{name}.with.overflow.i64(i64, i64)"
        for name in _CHECKED
    ),
    *(f"declare double @llvm.{name}.f64(double)" for name in _FLOATS),
    *(
        f"declare double @vpl_{name}({', '.join(['double'] * arity)}) nounwind"
        for name, arity in {"pow": 2, **LIBRARY}.items()
    ),
    "declare i32 @vpl_look(ptr)",
    "declare ptr @vpl_realloc(ptr, i64) nounwind",
))
METADATA: Final = """
!0 = !{!"branch_weights", i32 1, i32 2000000}
!1 = !{}
"""
GROW: Final = """
define internal i1 @grow(ptr %part, i64 %columns) noinline cold {
entry:
  %room_at = getelementptr i64, ptr %part, i64 1
  %room = load i64, ptr %room_at
  %none = icmp eq i64 %room, 0
  %twice = shl i64 %room, 1
  %more = select i1 %none, i64 256, i64 %twice
  %bytes = shl i64 %more, 3
  br label %loop
loop:
  %at = phi i64 [0, %entry], [%next, %kept]
  %goes_on = icmp slt i64 %at, %columns
  br i1 %goes_on, label %one, label %done
one:
  %slot = add i64 %at, 2
  %place = getelementptr i64, ptr %part, i64 %slot
  %old = load ptr, ptr %place
  %new = call ptr @vpl_realloc(ptr %old, i64 %bytes)
  %failed = icmp eq ptr %new, null
  br i1 %failed, label %refused, label %kept
kept:
  store ptr %new, ptr %place
  %next = add i64 %at, 1
  br label %loop
done:
  store i64 %more, ptr %room_at
  ret i1 true
refused:
  ret i1 false
}
"""
"""Doubles the room of a part; every column gets eight bytes per event."""


def closure(instance: Instance, instances: Instances) -> list[Instance]:
    """Return an instance and all it may call, callees first."""
    found = {instance.generated: instance}
    waiting = [instance]
    while waiting:
        for key in sorted(waiting.pop().calls):
            called = instances.get(key)
            if called.generated not in found:
                found[called.generated] = called
                waiting.append(called)
    height = instances.calls.height
    return sorted(found.values(), key=lambda member: height(member.symbol.name))


def module_text(
    entry: Instance,
    members: Sequence[Instance],
    slots: dict[int, int],
    sites: Sequence[EmitSite],
    layout: Layout,
) -> str:
    """Return the module; `slots` are those of the inputs by their numbers."""
    inlined = _inlined(members)
    functions = [line for member in members for line in _function(member, inlined)]
    texts = [DECLARED, arithmetic.POWER, comparisons.COMPARE_EXACTLY]
    if sites:
        texts.append(GROW)
    for at, site in enumerate(sites):
        texts += _emit_function(at, site, layout)
    texts += [with_places("\n".join(functions), slots), *_kernel(entry), METADATA]
    return "\n".join(texts)


def _inlined(members: Sequence[Instance]) -> Container[str]:
    """Return the functions that become part of their callers: the short ones.

    What becomes part of a function counts as its own. Callees come first.
    """
    lengths: dict[str, int] = {}
    names = {(m.symbol.name, m.params): m.generated for m in members}
    for member in members:
        below = ((names[key], times) for key, times in member.calls.items())
        length = len(member.lines)
        length += sum(lengths.get(name, 0) * times for name, times in below)
        if length <= MAX_INLINED and not member.symbol.may_recurse:
            lengths[member.generated] = length
    return frozenset(lengths)


def _function(member: Instance, inlined: Container[str]) -> Iterator[str]:
    suffix = " alwaysinline" if member.generated in inlined else ""
    yield f"{member.head}{suffix} {{"
    yield from member.lines
    yield "}"


def _kernel(entry: Instance) -> Iterator[str]:
    """Yield the function that Python calls."""
    asm = Assembly()
    args = "".join(_given(asm, at, kind) for at, kind in enumerate(entry.params))
    if entry.symbol.may_recurse:
        args = f", i64 {asm.temp(f'load i64, ptr {_at(asm, Header.DEPTH)}')}{args}"
    found = asm.temp(f"call {entry.returned} {entry.generated}(ptr %c{args})")
    ending = asm.temp(f"extractvalue {entry.returned} {found}, 0")
    value = asm.temp(f"extractvalue {entry.returned} {found}, 1")
    value_type = IR_TYPES[entry.result]
    if entry.result == BOOL:
        value, value_type = asm.temp(f"zext i1 {value} to i8"), "i8"
    asm.add(f"store {value_type} {value}, ptr {_at(asm, Header.RESULT)}")
    asm.end(f"ret i32 {asm.temp(f'zext i8 {ending} to i32')}")
    yield "define i32 @kernel(ptr noalias %c) {"
    yield "entry:"
    yield from asm.lines
    yield "}"


def _given(asm: Assembly, at: int, kind: Kinds) -> str:
    text = load(asm, _at(asm, len(Header) + at), kind)
    return f", {IR_TYPES[kind]} {text}"


def _at(asm: Assembly, slot: int) -> str:
    return asm.temp(place(slot))


def _emit_function(number: int, site: EmitSite, layout: Layout) -> Iterator[str]:
    """Yield the function that appends one event to the columns of its site."""
    asm = Assembly()
    room_at = _at(asm, Header.ROOM)
    room = asm.temp(f"load i64, ptr {room_at}")
    asm.leave_if(asm.temp(f"icmp slt i64 {room}, 1"), "full")
    asm.add(f"store i64 {asm.temp(f'sub i64 {room}, 1')}, ptr {room_at}")
    values = [(IR_TYPES[kind], f"%a{at}") for at, kind in enumerate(site.kinds)]
    _append(asm, layout.parts[site.number], values)
    if layout.order:
        _append(asm, layout.order, [("i64", str(number))])
    asm.end(f"ret i8 {Ending.VALUE.value}")
    for label, ending in (("full", Ending.FULL), ("refused", Ending.LEFT)):
        asm.begin(label)
        asm.end(f"ret i8 {ending.value}")
    yield f"define internal i8 {site.function}(ptr %c{site.params}) {{"
    yield "entry:"
    yield from asm.lines
    yield "}"


def _append(asm: Assembly, part: int, values: Sequence[tuple[str, str]]) -> None:
    """Append one value to each column of a part."""
    count_at = _at(asm, part)
    count = asm.temp(f"load i64, ptr {count_at}")
    room = asm.temp(f"load i64, ptr {_at(asm, part + 1)}")
    grow, put = asm.label(), asm.label()
    asm.end(
        f"br i1 {asm.temp(f'icmp eq i64 {count}, {room}')}, "
        f"label %{grow}, label %{put}, {UNLIKELY}"
    )
    asm.begin(grow)
    has_grown = asm.temp(f"call i1 @grow(ptr {count_at}, i64 {len(values)})")
    asm.branch(has_grown, put, "refused")
    asm.begin(put)
    for at, (value_type, text) in enumerate(values):
        column = asm.temp(f"load ptr, ptr {_at(asm, part + 2 + at)}")
        if value_type == "i1":
            value_type, text = "i8", asm.temp(f"zext i1 {text} to i8")
        where = asm.temp(f"getelementptr {value_type}, ptr {column}, i64 {count}")
        asm.add(f"store {value_type} {text}, ptr {where}")
    asm.add(f"store i64 {asm.temp(f'add i64 {count}, 1')}, ptr {count_at}")

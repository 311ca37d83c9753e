"""What the code of one native function shares: its locals, its clock, how it ends."""

from collections.abc import Iterable
from typing import Final

from engine.compiler.kinds import BOOL, NULL, Kinds
from engine.compiler.native.arithmetic import LEAVE
from engine.compiler.native.assembly import UNLIKELY, Assembly
from engine.compiler.native.instances import Instance, Instances
from engine.compiler.native.layout import place
from engine.compiler.native.refusals import RefusedError
from engine.compiler.native.values import (
    ALWAYS,
    IR_TYPES,
    KIND_WORDS,
    NOTHING,
    NULL_VALUE,
    UNKNOWN,
    ZEROS,
    Value,
)
from engine.runtime.frame import TICK_UNITS
from engine.runtime.native_memory import TURNS_PER_UNIT, Ending, Header
from vpl import nodes
from vpl.source import Span

TURNS_PER_LOOK: Final = TICK_UNITS * TURNS_PER_UNIT


class FunctionFrame:
    """The function at hand while its body is written.

    `locals` are the slots of all locals by name, `set_here` the locals that have a
    value at the present place for sure.
    """

    def __init__(self, instance: Instance, instances: Instances) -> None:
        self.instance = instance
        self.instances = instances
        self.asm = Assembly()
        self.locals: dict[str, str] = {}
        self.set_here: set[str] = set()
        self.has_clock = instances.calls.works_long(instance.symbol.name)
        self.may_recurse = instance.symbol.may_recurse

    def declare(self, names: Iterable[str]) -> None:
        """Make slots for locals; all of them are null at first."""
        for name in names:
            slot = f"%l{len(self.locals)}"
            self.locals[name] = slot
            kind = self.instance.kinds.get(name, UNKNOWN)
            self.asm.slot(slot, IR_TYPES[kind], ZEROS[kind])
            self.asm.slot(f"{slot}.set", "i1", "false")

    def read(self, name: str) -> Value:
        """Return the value of a local."""
        kind = self.instance.kinds.get(name, UNKNOWN)
        if kind == UNKNOWN:
            return NOTHING
        if kind == NULL:
            return NULL_VALUE
        slot = self.locals[name]
        text = self.asm.temp(f"load {IR_TYPES[kind]}, ptr {slot}")
        if name in self.set_here:
            return Value(kind, text)
        is_set = self.asm.temp(f"load i1, ptr {slot}.set")
        return Value(kind, text, self.asm.temp(f"xor i1 {is_set}, true"))

    def assign(self, name: str, value: Value, span: Span) -> None:
        """Set a local; it keeps one kind throughout the function."""
        known = self.instance.kinds.get(name, UNKNOWN)
        if value.kind == UNKNOWN:
            return
        if value.kind != NULL and known not in {UNKNOWN, NULL, value.kind}:
            reason = f"{_spoken(name)} is {KIND_WORDS[known]} elsewhere and {KIND_WORDS[value.kind]} here: keep to one kind"
            raise RefusedError(reason, span)
        if known in {UNKNOWN, NULL}:
            self.instance.kinds[name] = value.kind
        if value.null:
            self.instance.nullable.add(name)
        self._store(name, value, known)

    def _store(self, name: str, value: Value, known: Kinds) -> None:
        asm, slot = self.asm, self.locals[name]
        if value.kind == known:
            asm.add(f"store {value.type} {value.text}, ptr {slot}")
        is_set = "true"
        if value.null == ALWAYS:
            is_set = "false"
        elif value.null:
            is_set = asm.temp(f"xor i1 {value.null}, true")
        asm.add(f"store i1 {is_set}, ptr {slot}.set")
        if name not in self.instance.nullable:
            self.set_here.add(name)

    def load(self, address: str, kind: Kinds) -> str:
        """Return the value of that kind in the kernel's memory."""
        return load(self.asm, address, kind)

    def unknown(self, node: nodes.Node) -> None:
        """Note a value whose kind no round has found yet."""
        self.instance.unknown = self.instance.unknown or node.span

    # --- results ------------------------------------------------------------------

    def give_back(self, value: Value | None, span: Span) -> None:
        """Return a value or null."""
        instance = self.instance
        if value is not None and value.kind != UNKNOWN:
            self._note_result(value, span)
        if value is None:
            self._note_result(NULL_VALUE, span)
            value = NULL_VALUE
        asm = self.asm
        ending = str(Ending.VALUE.value)
        if value.null == ALWAYS:
            ending = str(Ending.NULL.value)
        elif value.null:
            ending = asm.temp(f"zext i1 {value.null} to i8")
        self._keep_clock()
        kind = instance.result
        text = value.text if value.kind == kind else ZEROS[kind]
        self.ret(ending, text)

    def _note_result(self, value: Value, span: Span) -> None:
        instance = self.instance
        if value.null:
            instance.is_result_nullable = True
        if value.kind == NULL and instance.result != UNKNOWN:
            return
        if instance.result not in {UNKNOWN, NULL, value.kind}:
            one, other = KIND_WORDS[instance.result], KIND_WORDS[value.kind]
            reason = f"it returns {one} elsewhere and {other} here: keep to one kind"
            raise RefusedError(reason, span)
        instance.result = value.kind

    def ret(self, ending: str, text: str) -> None:
        """Write the return."""
        asm, returned = self.asm, self.instance.returned
        value_type = IR_TYPES[self.instance.result]
        first = asm.temp(f"insertvalue {returned} undef, i8 {ending}, 0")
        both = asm.temp(f"insertvalue {returned} {first}, {value_type} {text}, 1")
        asm.end(f"ret {returned} {both}")

    def write_endings(self) -> None:
        """Write the blocks where the function gives the event up."""
        asm, zero = self.asm, ZEROS[self.instance.result]
        asm.begin(LEAVE)
        asm.add(f"store i8 {Ending.LEFT.value}, ptr %ending")
        asm.jump("ended")
        asm.begin("ended")
        self.ret(asm.temp("load i8, ptr %ending"), zero)

    # --- the clock ----------------------------------------------------------------

    def begin_clock(self) -> None:
        """Take over what the caller left until the next look at the clock."""
        if self.has_clock:
            self.asm.slot("%turns", "i64", "0")
            self._fetch_clock()
            if self.may_recurse:
                self.pay(1)

    def pay(self, units: int) -> None:
        """Pay for work, and look at the clock when nothing is left."""
        asm = self.asm
        left = asm.temp("load i64, ptr %turns")
        less = asm.temp(f"sub i64 {left}, {units}")
        asm.add(f"store i64 {less}, ptr %turns")
        look, stopped, go_on = asm.label(), asm.label(), asm.label()
        is_over = asm.temp(f"icmp slt i64 {less}, 0")
        asm.end(f"br i1 {is_over}, label %{look}, label %{go_on}, {UNLIKELY}")
        asm.begin(look)
        caller = asm.temp(f"load ptr, ptr {asm.temp(place(Header.CALLER))}")
        answer = asm.temp(f"call i32 @vpl_look(ptr {caller})")
        asm.add(f"store i64 {TURNS_PER_LOOK}, ptr %turns")
        asm.branch(asm.temp(f"icmp eq i32 {answer}, 0"), go_on, stopped)
        asm.begin(stopped)
        asm.add(f"store i8 {Ending.STOPPED.value}, ptr %ending")
        asm.jump("ended")
        asm.begin(go_on)

    def leave_clock(self, called: Instance) -> None:
        """Hand the clock over to a function that is called."""
        if self.instances.calls.works_long(called.symbol.name):
            self._keep_clock()

    def take_clock(self, called: Instance) -> None:
        """Take the clock back after a call."""
        if self.instances.calls.works_long(called.symbol.name):
            self._fetch_clock()

    def _keep_clock(self) -> None:
        if self.has_clock:
            asm = self.asm
            left = asm.temp("load i64, ptr %turns")
            asm.add(f"store i64 {left}, ptr {asm.temp(place(Header.TURNS))}")

    def _fetch_clock(self) -> None:
        asm = self.asm
        left = asm.temp(f"load i64, ptr {asm.temp(place(Header.TURNS))}")
        asm.add(f"store i64 {left}, ptr %turns")

    # --- depth --------------------------------------------------------------------

    def depth_for(self, called: Instance) -> str:
        """Return the argument that bounds the calls below, testing that one may nest."""
        if not self.may_recurse:
            return ""  # the kernel is entered only if all of them may nest
        asm = self.asm
        needed = 1 + self.instances.calls.height(called.symbol.name)
        asm.leave_if(asm.temp(f"icmp slt i64 %depth, {needed}"), LEAVE)
        if not called.symbol.may_recurse:
            return ""
        return f", i64 {asm.temp('sub i64 %depth, 1')}"


def load(asm: Assembly, address: str, kind: Kinds) -> str:
    """Return the value of that kind at an address in the kernel's memory."""
    if kind == BOOL:
        bits = asm.temp(f"load i64, ptr {address}, !invariant.load !1")
        return asm.temp(f"icmp ne i64 {bits}, 0")
    return asm.temp(f"load {IR_TYPES[kind]}, ptr {address}, !invariant.load !1")


def _spoken(name: str) -> str:
    return f"'{name}'" if name else "its last value"

"""Functions for arguments of certain kinds, each lowered once for all kernels."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from engine.compiler.kinds import FLOAT, INT, Kinds
from engine.compiler.namespace import Namespace
from engine.compiler.native.calls import Calls
from engine.compiler.native.inputs import Inputs
from engine.compiler.native.layout import EmitSite
from engine.compiler.native.refusals import RefusedError
from engine.compiler.native.values import IR_TYPES, UNKNOWN
from engine.compiler.sites import Sites
from engine.compiler.symbols import FunctionSymbol, Refusal, Symbols
from vpl import nodes, walk
from vpl.source import Span

Key = tuple[str, tuple[Kinds, ...]]

MAX_NODES: Final = 3000  # of one function: larger ones take LLVM too long
MAX_WORK: Final = 100_000  # nodes lowered for one program, about a second
MAX_CHAIN: Final = 30  # functions that call each other while they are lowered
MAX_ROUNDS: Final = 20  # until the kinds of all locals are stable


@dataclass(slots=True)
class Instance:
    """A function for arguments of certain kinds, and what is known of it so far.

    `length` is how many nodes its body has, `kinds` are those of its locals, `nullable` the locals that may be null, `result`
    the kind it returns. What is known only grows; `head` and `lines`, its text, are right
    once it is stable. `calls` counts the places that call others.
    """

    generated: str
    symbol: FunctionSymbol
    params: tuple[Kinds, ...]
    length: int
    kinds: dict[str, Kinds] = field(default_factory=dict)
    nullable: set[str] = field(default_factory=set)
    result: Kinds = UNKNOWN
    is_result_nullable: bool = False
    head: str = ""
    lines: list[str] = field(default_factory=list)
    calls: Counter[Key] = field(default_factory=Counter)
    inputs: set[int] = field(default_factory=set)
    sites: dict[int, EmitSite] = field(default_factory=dict)
    unknown: Span | None = None
    round: int = 0
    is_done: bool = False

    @property
    def decl(self) -> nodes.FnDecl:
        """Return the declaration."""
        return self.symbol.decl

    @property
    def returned(self) -> str:
        """Return the IR type it gives back: how it ended, and the value."""
        return f"{{i8, {IR_TYPES[self.result]}}}"

    def state(self) -> tuple[object, ...]:
        """Return all that another round may still change."""
        known = (tuple(self.kinds.items()), frozenset(self.nullable))
        return (*known, self.result, self.is_result_nullable)


WriteBody = Callable[[Instance, "Instances"], None]


class Instances:
    """All instances of a program, found by function and kinds of arguments.

    `write_body` lowers the body of one, with what is known so far; it comes back here for
    the functions that are called.
    """

    def __init__(
        self,
        names: Namespace,
        symbols: Symbols,
        sites: Sites,
        inputs: Inputs,
        write_body: WriteBody,
    ) -> None:
        self._write_body = write_body
        self.symbols = symbols
        self.inputs = inputs
        self.calls = Calls(symbols)
        self._names = names
        self._sites = sites
        self._known: dict[Key, Instance] = {}
        self._refused: dict[Key, Refusal] = {}  # with what lies at the bottom of it
        self._round = 0
        self._root: Instance | None = None
        self._chain = 0
        self._work = MAX_WORK
        self._emits: dict[tuple[int, tuple[Kinds, ...]], EmitSite] = {}

    def get(self, key: Key) -> Instance:
        """Return an instance lowered earlier."""
        return self._known[key]

    def lowered(self, name: str, kinds: tuple[Kinds, ...]) -> Instance:
        """Return a function for arguments of these kinds.

        Raises `RefusedError` if it has no native form. Inside a circle of calls what
        is known of the result may still grow.
        """
        key = (name, self._widened(name, kinds))
        if key in self._refused:
            refusal = self._refused[key]
            raise RefusedError(refusal.reason, refusal.span, refusal)
        instance = self._known.get(key) or self._new(key)
        if instance.is_done or instance.round == self._round != 0:
            return instance
        try:
            self._lower(instance)
        except RefusedError as error:
            self._refused[key] = error.root
            raise
        return instance

    def _widened(self, name: str, kinds: tuple[Kinds, ...]) -> tuple[Kinds, ...]:
        """Return the kinds with ints made floats where a parameter says so."""
        params = self.symbols.functions[name].decl.params
        return tuple(
            FLOAT if kind == INT and is_float(param.type) else kind
            for kind, param in zip(kinds, params, strict=True)
        )

    def _new(self, key: Key) -> Instance:
        symbol = self.symbols.functions[key[0]]
        span = symbol.decl.name_span
        length = sum(1 for _ in walk(*symbol.decl.body))
        if length > MAX_NODES:
            raise RefusedError("it is too long: divide it into functions", span)
        instance = Instance(f"@f{len(self._known)}", symbol, key[1], length)
        names = [param.name for param in symbol.decl.params]
        instance.kinds = dict(zip(names, key[1], strict=True))
        self._known[key] = instance
        return instance

    def _lower(self, instance: Instance) -> None:
        if self._chain >= MAX_CHAIN:
            reason = "its calls lead through too many functions"
            raise RefusedError(reason, instance.decl.name_span)
        self._chain += 1
        try:
            if instance.symbol.may_recurse:
                self._lower_in_circle(instance)
            else:
                self._lower_alone(instance)
        finally:
            self._chain -= 1

    def _lower_alone(self, instance: Instance) -> None:
        for _ in range(MAX_ROUNDS):
            before = instance.state()
            self._write(instance)
            if before == instance.state():
                self._finish(instance)
                return
        raise RefusedError("its kinds do not settle", instance.decl.name_span)

    def _lower_in_circle(self, instance: Instance) -> None:
        """Lower functions that call each other, all of them in each round."""
        if self._root is not None:
            instance.round = self._round
            self._write(instance)
            return
        self._root = instance
        try:
            self._settle(instance)
            for member in self._members():
                self._finish(member)
        finally:  # members of a circle that failed start anew
            self._root = None
            self._round += 1

    def _settle(self, root: Instance) -> None:
        for _ in range(MAX_ROUNDS):
            self._round += 1
            root.round = self._round
            before = self._circle()
            self._write(root)
            if before == self._circle():
                return
        raise RefusedError("its kinds do not settle", root.decl.name_span)

    def _members(self) -> list[Instance]:
        return [i for i in self._known.values() if i.round == self._round != 0]

    def _circle(self) -> list[tuple[object, ...]]:
        return [
            instance.state()
            for instance in self._known.values()
            if instance.symbol.may_recurse and not instance.is_done
        ]

    def _write(self, instance: Instance) -> None:
        self._work -= instance.length
        if self._work < 0:
            reason = "the program has too many functions that could be native"
            raise RefusedError(reason, instance.decl.name_span)
        instance.calls, instance.inputs, instance.sites = Counter(), set(), {}
        instance.unknown = None
        self._write_body(instance, self)

    def _finish(self, instance: Instance) -> None:
        if instance.unknown is not None:
            reason = "this is null, or nothing tells its kind"
            raise RefusedError(reason, instance.unknown)
        instance.is_done = True

    def emit_site(self, node: nodes.EmitStmt, kinds: tuple[Kinds, ...]) -> EmitSite:
        """Return the site of an emit statement for values of these kinds."""
        key = (id(node), kinds)
        found = self._emits.get(key)
        if found is None:
            site = self._sites.statement(self._names, node)
            names = tuple(arg.name or "" for arg in node.args)
            found = self._emits[key] = EmitSite(
                len(self._emits),
                kinds,
                site.generated,
                node.event_type,
                names,
                site.is_struct,
            )
        return found


def is_float(type_ref: nodes.TypeRef | None) -> bool:
    """Tell whether a declared type makes ints floats."""
    return type_ref is not None and type_ref.name == "float"

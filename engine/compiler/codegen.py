"""Plan -> one generated Python module per pipeline (architecture 5.1).

Everything that comes from the program's text is a value in the module's namespace or
a number; names are made here. So no program text ever reaches `exec` as code.
"""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final

import msgspec

from engine.compiler import expressions, functions, handlers, streams
from engine.compiler.exact import add_exact_forms
from engine.compiler.expressions import Expressions
from engine.compiler.functions import body_scope, compile_function
from engine.compiler.handlers import HANDLERS
from engine.compiler.lines import Lines
from engine.compiler.namespace import FieldTable, Namespace, sound_text
from engine.compiler.native import add_native_forms
from engine.compiler.outputs import row_struct
from engine.compiler.patterns_as_steps import with_pattern_streams
from engine.compiler.plan import Plan
from engine.compiler.planner import plan_program
from engine.compiler.queued import QueuedProgram
from engine.compiler.sinkports import SinkPort
from engine.compiler.sites import Sites
from engine.compiler.static import StaticProgram, TooManyBodiesError
from engine.compiler.streams import StateSlot, Unit
from engine.runtime.routes import Route
from engine.runtime.state import FOREVER
from engine.runtime.stream_clock import StreamClock
from vpl import Program, nodes

FILE_NAME: Final = "<vpl pipeline>"
_BUILTINS: Final = {
    kind.__name__: kind for kind in (float, int, str, bool, list, dict, range)
} | {"len": len, "min": min, "max": max}


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled program; the runtime gives it frames, budgets and locks to run with.

    `code` defines the functions in `values`, but for those that `put_off` has by name:
    `function` compiles them. `line_map` gives the VPL line of each line of `source`, 0
    where there is none. `clocks` are those of the streams that have one, by index; such
    a stream with deadlines has a function `end<index>` that works off what is due.
    """

    plan: Plan
    fields: FieldTable
    source: str
    line_map: tuple[int, ...]
    code: Any
    put_off: dict[str, str]
    values: dict[str, Any]
    row_class: type[msgspec.Struct]
    ports: tuple[SinkPort, ...]
    states: tuple[StateSlot, ...]
    clocks: dict[int, StreamClock]
    queued: QueuedProgram | None

    def function(self, name: str) -> Any:
        """Return a function of the module, compiled now if that was put off."""
        if name not in self.values:
            # generated code: names are made by the compiler, texts are values
            exec(compile(self.put_off[name], FILE_NAME, "exec"), self.values)  # noqa: S102
        return self.values[name]

    @property
    def routes(self) -> dict[str, Route]:
        """Return the routes of injected events by type; empty for static programs."""
        if self.queued is None:
            return {}
        singles = self.queued.routes.items()
        return {next(iter(n)): route for n, (_, route) in singles if len(n) == 1}


def compile_plan(program: Program) -> Compiled:
    """Return a program without errors as code.

    Code is written twice: the first time finds out which fields are read, the second
    time knows them.
    """
    program = with_pattern_streams(program)
    fields = FieldTable()
    _Module(program, fields).write()
    return _Module(program, fields).compiled()


class _Module:
    """One generated module while it is written."""

    def __init__(self, program: Program, fields: FieldTable) -> None:
        self.names = Namespace(fields)
        self.plan = plan_program(program, self.names)
        self.sites = Sites()
        self.unit = Unit(self.plan, self.names, self.sites, HANDLERS)
        self.static: StaticProgram | None = None
        self.queued: QueuedProgram | None = None

    def compiled(self) -> Compiled:
        """Return the finished module."""
        plan = self.plan
        add_native_forms(plan.program, self.names, plan.symbols, self.sites)
        lines = self.write()
        code = compile(_source(lines), FILE_NAME, "exec")
        put_off = self._put_off(lines)
        fields = self.names.fields
        values = self._runtime() | self.names.values
        row_class = row_struct(fields)
        values |= {"Row": row_class, "G": SimpleNamespace()}
        return Compiled(
            self.plan,
            fields,
            _source(lines),
            tuple(lines.vpl_lines),
            code,
            put_off,
            values,
            row_class,
            tuple(self.unit.ports),
            tuple(self.unit.states.values()),
            dict(self.unit.clocks),
            self.queued,
        )

    def _put_off(self, lines: Lines) -> dict[str, str]:
        """Append the loops compiled when they are needed, and return them by name.

        Python needs long to compile a loop and a program is mostly fed in one way. Not
        so `run`: a program that Python cannot compile has to fail before it runs. Blank
        lines before a loop let its line numbers be those of the whole source.
        """
        put_off = {}
        loops = self.static.others() if self.static else {}
        for name, loop in loops.items():
            put_off[name] = "\n" * len(lines.texts) + _source(loop)
            lines.take(loop)
        return put_off

    def write(self) -> Lines:
        """Return the source of the module but for the loops that are put off."""
        symbols = self.plan.symbols
        main = self._streams()
        exact = add_exact_forms(self.names, symbols, self.sites)
        written = [
            compile_function(symbol, self.names, symbols, self.sites)
            for symbol in symbols.functions.values()
        ]
        load = self._load()
        rows = self._emit_rows()
        whole = Lines()
        for part in [*self.names.functions, *exact, *written, rows, load, main]:
            whole.take(part)
            whole.vpl_line = 0
            whole.add("")
        whole.add(*self.names.module_lines)
        return whole

    def _streams(self) -> Lines:
        if self.plan.is_static:
            try:
                self.static = StaticProgram(self.unit)
                return self.static.write()
            except TooManyBodiesError:
                self.static = None
                self.unit.forget()
        self.queued = QueuedProgram(self.unit)
        return self.queued.write()

    def _load(self) -> Lines:
        """Return the function that sets the globals, in program order.

        `kept` has values of `let` and `const` to take instead, by attribute.
        """
        scope = body_scope(self.names, self.plan.symbols, self.sites)
        compiler = Expressions(scope)
        lines = Lines()
        with lines.block("def load(x, d, kept):"):
            for symbol in self.plan.symbols.globals.values():
                lines.add(f"G.{symbol.attribute} = None")
            for decl in self.plan.program.body:
                if isinstance(decl, nodes.VarDecl | nodes.Assign):
                    lines.vpl_line = decl.span.line
                    code = compiler.code(decl.value)
                    symbol = self.plan.symbols.globals[decl.name]
                    value, slot = f"held({code.text}, x)", symbol.attribute
                    if not symbol.is_mutable:
                        value = f'kept["{slot}"] if "{slot}" in kept else {value}'
                    lines.add(f"G.{slot} = {value}")
        return lines

    def _emit_rows(self) -> Lines:
        """Return the tables that turn what functions emit into rows."""
        lines = Lines()
        entries = []
        types = []
        for site in self.sites.all:
            name = self.names.fresh("row")
            with lines.block(f"def {name}(o, ts):"):
                lines.add(f"return {site.row('o', 'ts', self.names)}")
            entries.append(f"{site.generated}: {name}")
            types.append(
                f"{site.generated}: {self.names.text(sound_text(site.event_type))}"
            )
        lines.add(f"EMIT_ROWS = {{{', '.join(entries)}}}")
        lines.add(f"EMIT_TYPES = {{{', '.join(types)}}}")
        return lines

    def _runtime(self) -> dict[str, Any]:
        return {
            **expressions.RUNTIME,
            **functions.RUNTIME,
            **streams.RUNTIME,
            **handlers.RUNTIME,
            "__builtins__": _BUILTINS,
            "UNROUTED": [0],
            "FOREVER": FOREVER,
        }


def _source(lines: Lines) -> str:
    return "\n".join(lines.texts) + "\n"

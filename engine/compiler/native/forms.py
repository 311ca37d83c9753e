"""Which functions of a program are native, and why the others are not."""

from typing import Final

from engine.compiler.kinds import Kinds
from engine.compiler.namespace import Namespace
from engine.compiler.native.bodies import write_body
from engine.compiler.native.inputs import KINDS_OF_TYPES, Inputs
from engine.compiler.native.instances import Instance, Instances
from engine.compiler.native.kernels import closure, module_text
from engine.compiler.native.layout import CODES, EmitSite, lay_out
from engine.compiler.native.refusals import RefusedError
from engine.compiler.sites import Sites
from engine.compiler.symbols import FunctionSymbol, NativeForm, Symbols
from engine.runtime.native import NativeFunction, is_available
from engine.runtime.native_memory import ColumnPart, Header, KernelCode
from vpl import nodes
from vpl.nodes import Program

MAX_GIVEN: Final = 64  # parameters, and names read from outside
MAX_LINES: Final = 30_000  # of IR in one kernel; LLVM takes a second for so many
NO_LOOP: Final = "it has no loop and calls nothing that has: Python is as quick"
NOT_INSTALLED: Final = "it could be, but llvmlite is missing here: pip install llvmlite"


def add_native_forms(
    program: Program, names: Namespace, symbols: Symbols, sites: Sites
) -> None:
    """Find the functions that have a native form and note it, or why they have none."""
    instances = Instances(names, symbols, sites, Inputs(program), write_body)
    for symbol in symbols.functions.values():
        try:
            _add_form(symbol, instances, names)
        except RefusedError as error:
            symbols.refusals[symbol.name] = error.refusal


def _add_form(symbol: FunctionSymbol, instances: Instances, names: Namespace) -> None:
    span = symbol.decl.name_span
    if not instances.calls.works_long(symbol.name):
        raise RefusedError(NO_LOOP, span)
    kinds = tuple(_param_kind(param) for param in symbol.decl.params)
    instance = instances.lowered(symbol.name, kinds)
    members = closure(instance, instances)
    if sum(len(member.lines) for member in members) > MAX_LINES:
        raise RefusedError("it is too long with what it calls", span)
    numbers = sorted({number for member in members for number in member.inputs})
    if len(kinds) + len(numbers) > MAX_GIVEN:
        raise RefusedError(f"it reads more than {MAX_GIVEN} values", span)
    if not is_available():
        raise RefusedError(NOT_INSTALLED, span)
    code = _kernel_code(instance, members, numbers, instances, names)
    inputs = instances.inputs
    symbols = instances.symbols
    symbols.native[symbol.name] = NativeForm(
        names.bind("N", NativeFunction(code)),
        kinds,
        tuple((name, inputs.kind(name)) for _, name in inputs.names(numbers)),
    )
    if len(code.parts) == 1 and code.parts[0].is_struct and code.parts[0].codes:
        symbols.columned.add(symbol.name)


def _param_kind(param: nodes.FnParam) -> Kinds:
    name = param.name
    if param.type is None:
        words = f"{name}: int, {name}: float or {name}: bool"
        raise RefusedError(f"parameter '{name}' has no type: write {words}", param.span)
    kind = KINDS_OF_TYPES.get(param.type.name)
    if kind is None:
        reason = f"parameter '{name}' is no int, float or bool"
        raise RefusedError(reason, param.span)
    return kind


def _kernel_code(
    entry: Instance,
    members: list[Instance],
    numbers: list[int],
    instances: Instances,
    names: Namespace,
) -> KernelCode:
    found = {n: site for member in members for n, site in member.sites.items()}
    sites = [found[number] for number in sorted(found)]
    inputs = dict(instances.inputs.names(numbers))
    first = len(Header) + len(entry.params)
    slots = {number: first + at for at, number in enumerate(inputs)}
    layout = lay_out(len(entry.params) + len(inputs), sites)
    kinds = [*entry.params, *(instances.inputs.kind(name) for name in inputs.values())]
    recursive = entry.symbol.may_recurse
    return KernelCode(
        ir=module_text(entry, members, slots, sites, layout),
        given="".join(CODES[kind] for kind in kinds),
        result=CODES.get(entry.result, "q"),
        height=0 if recursive else instances.calls.height(entry.symbol.name),
        size=layout.size,
        parts=tuple(_part(site, layout.parts[site.number], names) for site in sites),
        order=layout.order,
    )


def _part(site: EmitSite, slot: int, names: Namespace) -> ColumnPart:
    return ColumnPart(
        slot,
        site.codes,
        names.values[site.generated],
        site.event_type,
        site.names,
        site.is_struct,
    )

"""VPL expressions -> Python expressions: the one definition of their meaning.

Evaluation order is that of the text, every operand is evaluated at most once, and only
the branch that is needed. Pieces that would nest too many brackets for Python become
functions of their own.
"""

from typing import Final

from engine.builtins import BUILTINS
from engine.compiler import arithmetic
from engine.compiler.code import FRAME, Code, combine, constant, variable
from engine.compiler.kinds import (
    ANY,
    ARRAY,
    BOOL,
    FIELD,
    FLOAT,
    FUNCTION,
    INT,
    LOGICAL,
    MAP,
    NULL,
    NUMBER,
    RANGE,
    STR,
    within,
)
from engine.compiler.lines import Lines
from engine.compiler.scopes import Scope
from engine.runtime import access, bound
from engine.runtime.frame import paying
from engine.runtime.values import Duration, Timestamp
from vpl import nodes, walk

MAX_DEPTH: Final = 24  # Python takes 200 brackets; one level here nests up to four

_KIND_CLASSES: Final = {
    "int": "int",
    "float": "float",
    "str": "str",
    "bool": "bool",
    "array": "list",
    "map": "dict",
    "timestamp": "Timestamp",
    "duration": "Duration",
}
RUNTIME: Final = {
    **arithmetic.RUNTIME,
    "member": access.member,
    "safe_member": access.safe_member,
    "dotted": access.dotted,
    "safe_dotted": access.safe_dotted,
    "at_index": access.index,
    "part": access.part,
    "int_range": access.int_range,
    "range_array": access.range_array,
    "stored": access.stored,
    "sent": access.sent,
    "held": access.held,
    "finite": access.finite,
    "new_array": access.new_array,
    "new_map": access.new_map,
    "call_value": access.call_value,
    "NO_BOUND": access.NO_BOUND,
    "bound_field": bound.bound_field,
    "bound_whole": bound.bound_whole,
    "row_maps": bound.row_maps,
    "match_map": bound.match_map,
    "join_map": bound.join_map,
    "NUMBERS": frozenset((int, float)),
    "PLAIN": frozenset((type(None), bool, int, str, Timestamp, Duration)),
    "Timestamp": Timestamp,
    "Duration": Duration,
}


class Expressions:
    """Compiles expressions in one scope."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def code(self, node: nodes.Expr) -> Code:
        """Return code that gives the value of `node`."""
        found = self._dispatch(node)
        return found if found.depth <= MAX_DEPTH else self._moved_out(found)

    def condition(self, node: nodes.Expr) -> Code:
        """Return code that is truthy exactly when `node` is true."""
        if isinstance(node, nodes.Binary) and node.op in {"and", "or"}:
            found = self._connective(node)
        else:
            found = self._plain_condition(self.code(node))
        return found if found.depth <= MAX_DEPTH else self._moved_out(found)

    def stored(self, node: nodes.Expr) -> Code:
        """Return code for a value kept in a global."""
        code = self.code(node)
        return code if self._is_plain_read(node) else self._as_stored(code)

    def sent(self, node: nodes.Expr) -> Code:
        """Return code for a value put into an event."""
        code = self.code(node)
        if self._is_plain_read(node):
            return code
        if not code.kinds & (ARRAY | MAP | FUNCTION | RANGE):
            return self._as_stored(code)
        temp = self.scope.temp()
        kinds = (code.kinds & FIELD) | NULL
        slow = f"sent({temp}, {self.scope.frame})"
        kind = self.scope.temp()
        test = f"({kind} := ({temp} := {code.text}).__class__) in PLAIN"
        if code.kinds & FLOAT:  # the usual kind first, without a call
            bind = f"({kind} := ({temp} := {code.text}).__class__) is float"
            test = f"{bind} and {temp} - {temp} == 0.0 or {kind} in PLAIN"
        return combine(f"({temp} if {test} else {slow})", kinds, code)

    def _as_stored(self, code: Code) -> Code:
        """Return `code` with what may not be stored made null."""
        if not code.kinds & (FLOAT | FUNCTION | RANGE):
            return code
        if code.number is not None:
            return code
        kinds = (code.kinds & FIELD) | NULL
        if code.is_atom and within(code.kinds, FLOAT):
            slow = f"finite({code.text}, {self.scope.frame})"
            text = f"({code.text} if {code.text} - {code.text} == 0.0 else {slow})"
            return combine(text, kinds, code)
        if not code.kinds & FUNCTION:
            temp = self.scope.temp()
            slow = f"finite({temp}, {self.scope.frame})"
            test = f"({temp} := {code.text}).__class__ is not float"
            text = f"({temp} if {test} or {temp} - {temp} == 0.0 else {slow})"
            return combine(text, kinds, code)
        return combine(f"stored({code.text}, {self.scope.frame})", kinds, code)

    def _is_plain_read(self, node: nodes.Expr) -> bool:
        """A field of an event holds nothing that may not be stored."""
        if isinstance(node, nodes.Member) and isinstance(node.target, nodes.Name):
            return self.scope.member(node.target.id, node.name) is not None
        if not isinstance(node, nodes.Name) or node.id in self.scope.locals:
            return False
        return node.id not in self.scope.symbols.globals

    def called(self, function: nodes.Expr, argument: Code) -> Code:
        """Return code that is truthy exactly when `function(argument)` is true."""
        value = self._value_call(self.code(function), [argument])
        return self._plain_condition(value)

    def lazy_range(self, node: nodes.Range) -> Code:
        """Return the ints of a range without building the array."""
        start, stop = self.code(node.start), self.code(node.stop)
        if within(start.kinds | stop.kinds, INT):
            end = f"{stop.text} + 1" if node.inclusive else stop.text
            return combine(f"range({start.text}, {end})", RANGE, start, stop)
        args = f"{start.text}, {stop.text}, {node.inclusive}, {self.scope.frame}"
        return combine(f"int_range({args})", RANGE | NULL, start, stop)

    # --- one method per node ----------------------------------------------------

    def _dispatch(self, node: nodes.Expr) -> Code:  # noqa: C901 - one line per node class
        match node:
            case nodes.Literal():
                return self.scope.names.literal(node)
            case nodes.Name():
                return self.scope.name(node.id)
            case nodes.Unary():
                return self._unary(node)
            case nodes.Binary():
                return self._binary(node)
            case nodes.KindTest():
                return self._kind_test(node)
            case nodes.IfExpr():
                return self._choice(node)
            case nodes.Range():
                return self._range(node)
            case nodes.Member():
                return self._member(node)
            case nodes.Index():
                return self._index(node)
            case nodes.Slice():
                return self._slice(node)
            case nodes.Call():
                return self._call(node)
            case nodes.ArrayLiteral():
                return self._array(node)
            case nodes.MapLiteral():
                return self._map(node)
            case nodes.Lambda():
                return self._lambda(node)

    def _unary(self, node: nodes.Unary) -> Code:
        operand = self.code(node.operand)
        if node.op == "not":
            return arithmetic.negation(operand, self.scope)
        if node.op == "~":
            return arithmetic.inverted(operand, self.scope)
        if operand.number is not None and -operand.number < 2**63:
            return constant(f"({-operand.number!r})", operand.kinds, -operand.number)
        return arithmetic.negative(operand, self.scope)

    def _binary(self, node: nodes.Binary) -> Code:
        left, right = self.code(node.left), self.code(node.right)
        if node.op == "and":
            return arithmetic.conjunction(left, right, self.scope)
        if node.op == "or":
            return arithmetic.disjunction(left, right, self.scope)
        if node.op == "??":
            return self._fallback(left, right)
        return arithmetic.binary(node.op, left, right, self.scope)

    def _fallback(self, left: Code, right: Code) -> Code:
        kinds = (left.kinds & ~NULL) | right.kinds
        temp = self.scope.temp()
        text = f"({temp} if ({temp} := {left.text}) is not None else {right.text})"
        return combine(text, kinds, left, right)

    def _connective(self, node: nodes.Binary) -> Code:
        """Compile and/or where only truth counts.

        Python's `and` skips its right side after null; that is told apart only by a
        call on the right, so calls take the exact way.
        """
        if node.op == "and" and calls_something(node.right):
            return self._plain_condition(self.code(node))
        left, right = self.condition(node.left), self.condition(node.right)
        return combine(f"({left.text} {node.op} {right.text})", LOGICAL, left, right)

    def _plain_condition(self, code: Code) -> Code:
        if within(code.kinds, LOGICAL):
            return code
        temp = self.scope.temp()
        text = f"(({temp} := {code.text}) is True or holds({temp}, {self.scope.frame}))"
        return combine(text, BOOL, code)

    def _kind_test(self, node: nodes.KindTest) -> Code:
        operand = self.code(node.operand)
        if node.kind == "null":
            return arithmetic.null_test(operand, self.scope, is_negated=node.negated)
        word = "is not" if node.negated else "is"
        if node.kind == "number":
            word = "not in" if node.negated else "in"
            return combine(
                f"(({operand.text}).__class__ {word} NUMBERS)", BOOL, operand
            )
        kind = _KIND_CLASSES[node.kind]
        return combine(f"(({operand.text}).__class__ {word} {kind})", BOOL, operand)

    def _choice(self, node: nodes.IfExpr) -> Code:
        test = self.condition(node.condition)
        then, orelse = self.code(node.then), self.code(node.orelse)
        text = f"({then.text} if {test.text} else {orelse.text})"
        return combine(text, then.kinds | orelse.kinds, test, then, orelse)

    def _range(self, node: nodes.Range) -> Code:
        start, stop = self.code(node.start), self.code(node.stop)
        args = f"{start.text}, {stop.text}, {node.inclusive}, {self.scope.frame}"
        return combine(f"range_array({args})", ARRAY | NULL, start, stop)

    def _member(self, node: nodes.Member) -> Code:
        if isinstance(node.target, nodes.Name):
            return self._dotted(node.target.id, node)
        element = self._element(node)
        if element is not None:
            return element
        return self._value_member(self.code(node.target), node)

    def _value_member(self, target: Code, node: nodes.Member) -> Code:
        key = self.scope.names.text(node.name)
        if node.safe:
            return combine(f"safe_member({target.text}, {key})", FIELD, target)
        text = f"member({target.text}, {key}, {self.scope.frame})"
        return combine(text, ANY, target)

    def _dotted(self, name: str, node: nodes.Member) -> Code:
        """Resolve `name.member` by vpl.md 4.3."""
        scope = self.scope
        if name in scope.locals:
            return self._value_member(scope.locals[name], node)
        aliased = scope.member(name, node.name)
        if aliased is not None:
            return aliased
        found = self._map_member(name, node)
        if not scope.is_dynamic_alias(name):
            return found
        return scope.dynamic_member(name, node.name, found)

    def _map_member(self, name: str, node: nodes.Member) -> Code:
        scope = self.scope
        value, joined = scope.field(name), scope.field(f"{name}_{node.name}")
        shared = scope.global_value(name) or constant("None", NULL)
        key = scope.names.text(node.name)
        temp = scope.temp()
        rest = f"{temp}, {shared.text}, {joined.text}, {key}"
        slow = f"safe_dotted({rest})" if node.safe else f"dotted({rest}, {scope.frame})"
        bind = f"({temp} := {value.text})"
        text = f"({temp}.get({key}) if {bind}.__class__ is dict else {slow})"
        return combine(text, ANY, value, joined, shared)

    def _index(self, node: nodes.Index) -> Code:
        target, at = self.code(node.target), self.code(node.index)
        text = f"at_index({target.text}, {at.text}, {self.scope.frame})"
        return combine(text, ANY, target, at)

    def _slice(self, node: nodes.Slice) -> Code:
        target = self.code(node.target)
        start = constant("NO_BOUND", NULL)
        stop = start
        if node.start is not None:
            start = self.code(node.start)
        if node.stop is not None:
            stop = self.code(node.stop)
        text = f"part({target.text}, {start.text}, {stop.text}, {self.scope.frame})"
        return combine(text, NULL | STR | ARRAY, target, start, stop)

    def _array(self, node: nodes.ArrayLiteral) -> Code:
        items = [self.code(item) for item in node.items]
        text = f"[{', '.join(item.text for item in items)}]"
        if any(item.kinds & (FLOAT | FUNCTION) for item in items):
            text = f"new_array({text}, {self.scope.frame})"
        return combine(text, ARRAY, *items)

    def _map(self, node: nodes.MapLiteral) -> Code:
        names = self.scope.names
        keys = [names.text(key) for key, _ in node.entries]
        values = [self.code(value) for _, value in node.entries]
        key_text = "".join(f"{key}, " for key in keys)
        value_text = "".join(f"{value.text}, " for value in values)
        text = f"new_map(({key_text}), ({value_text}), {self.scope.frame})"
        return combine(text, MAP, *values)

    # --- calls ------------------------------------------------------------------

    def _call(self, node: nodes.Call) -> Code:
        count = self._count(node)
        if count is not None:
            return count
        args = [self.code(arg) for arg in node.args]
        if not isinstance(node.function, nodes.Name):
            return self._value_call(self.code(node.function), args)
        name = node.function.id
        scope = self.scope
        if name in scope.locals:
            return self._value_call(scope.locals[name], args)
        user = scope.symbols.functions.get(name)
        if user is not None:
            exact = scope.symbols.exact.get(name) if scope.is_exact else None
            if exact is not None and exact.takes(args):
                listed = ", ".join(["x", *(arg.text for arg in args)])
                return combine(f"{exact.generated}({listed})", exact.result, *args)
            return self._user_call(user.generated, args)
        shared = scope.global_value(name)
        if shared is not None:
            return self._value_call(shared, args)
        return self._builtin_call(name, args)

    def _count(self, node: nodes.Call) -> Code | None:
        """Return `len(b)` for the events of a repeated step, which needs no maps."""
        scope = self.scope
        match node:
            case nodes.Call(function=nodes.Name(id="len"), args=(nodes.Name(id=name),)):
                taken = {*scope.locals, *scope.symbols.functions}
                count = scope.reader.count(name)
                if count is None or taken & {"len", name}:
                    return None
                value = scope.field(name)
                temp = scope.temp()
                length = self._builtin_call("len", [variable(temp)])
                bind = f"({temp} := {value.text})"
                text = f"({count.text} if {bind} is None else {length.text})"
                return combine(text, count.kinds, value, count)
        return None

    def _element(self, node: nodes.Member) -> Code | None:
        """Return `b[0].x` for the events of a repeated step, which needs no maps."""
        scope = self.scope
        match node.target:
            case nodes.Index(
                target=nodes.Name(id=name),
                index=nodes.Literal(kind="int", value=int(at)) as index,
            ):
                element = scope.reader.element(name, at, node.name)
            case nodes.Index(
                target=nodes.Name(id=name),
                index=nodes.Unary(
                    op="-", operand=nodes.Literal(kind="int", value=int(at))
                ) as index,
            ) if at:
                element = scope.reader.element(name, -at, node.name)
            case _:
                return None
        if element is None or name in scope.locals:
            return None
        value, temp = scope.field(name), scope.temp()
        place = self.code(index)
        found = f"at_index({temp}, {place.text}, {scope.frame})"
        key = scope.names.text(node.name)
        slow = f"safe_member({found}, {key})"
        if not node.safe:
            slow = f"member({found}, {key}, {scope.frame})"
        bind = f"({temp} := {value.text})"
        text = f"({element.text} if {bind} is None else {slow})"
        return combine(text, ANY, value, element)

    def _user_call(self, generated: str, args: list[Code]) -> Code:
        scope = self.scope
        parts = [scope.frame, scope.depth, *(arg.text for arg in args)]
        text = f"{generated}({', '.join(parts)})"
        return combine(text, ANY, *args, _marker())

    def _value_call(self, function: Code, args: list[Code]) -> Code:
        scope = self.scope
        listed = "".join(f"{arg.text}, " for arg in args)
        text = f"call_value({function.text}, {scope.frame}, {scope.depth}, ({listed}))"
        return combine(text, ANY, function, *args, _marker())

    def _builtin_call(self, name: str, args: list[Code]) -> Code:
        scope = self.scope
        if name == "to_float" and within(args[0].kinds, NUMBER):
            return combine(f"float({args[0].text})", FLOAT, *args)
        builtin = BUILTINS[name]
        if builtin.is_paid and scope.may_stop:
            paid = paying(builtin.call, 0)
            generated = scope.names.known(f"p_{name}", paid)
        else:
            generated = scope.names.known(f"b_{name}", builtin.call)
        head = [scope.frame]
        parts = list(args)
        if builtin.takes_functions:
            head.append(scope.depth)
            parts.append(_marker())
        text = f"{generated}({', '.join([*head, *(arg.text for arg in args)])})"
        return combine(text, builtin.kinds, *parts)

    # --- lambdas and moving out -------------------------------------------------

    def _lambda(self, node: nodes.Lambda) -> Code:
        return self.scope.make_lambda(self.scope, node)

    def _moved_out(self, code: Code) -> Code:
        """Return a call of a new function that evaluates `code`."""
        scope = self.scope
        name = scope.names.fresh("h")
        uses = sorted(code.uses - {FRAME, "x", "d"})
        params = ", ".join(["x", "d", *uses])
        lines = Lines()
        with lines.block(f"def {name}({params}):"):
            lines.add(f"return {code.text}")
        scope.names.functions.append(lines)
        depth = scope.depth.removesuffix(" + 1")
        args = ", ".join([scope.frame, depth, *uses])
        return Code(f"{name}({args})", code.kinds, 1, code.uses)


def _marker() -> Code:
    """Return a part that says: the frame must know the current event."""
    return Code("", 0, 0, frozenset({FRAME}))


def calls_something(node: nodes.Expr) -> bool:
    """Tell whether evaluating `node` may call a function or a lambda."""
    return any(isinstance(part, nodes.Call) for part in walk(node))

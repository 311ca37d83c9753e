"""VPL expressions -> LLVM IR."""

from collections.abc import Callable
from typing import Final

from engine.compiler.kinds import BOOL, FLOAT, INT, NULL
from engine.compiler.native import arithmetic, builtins, comparisons, logic
from engine.compiler.native.arithmetic import LEAVE
from engine.compiler.native.frame import FunctionFrame
from engine.compiler.native.instances import Instance
from engine.compiler.native.layout import marked
from engine.compiler.native.refusals import RefusedError
from engine.compiler.native.values import (
    KIND_WORDS,
    NOTHING,
    NULL_VALUE,
    UNKNOWN,
    Value,
    as_float,
    boolean,
    floating,
    integer,
)
from engine.runtime.native_memory import Ending
from vpl import nodes

_KIND_TESTS: Final = {
    "int": frozenset((INT,)),
    "float": frozenset((FLOAT,)),
    "number": frozenset((INT, FLOAT)),
    "bool": frozenset((BOOL,)),
}
_NOT_NATIVE: Final = {
    nodes.Member: "it reads a member: hand the value over as a parameter",
    nodes.Index: "it uses an array, a map or a text",
    nodes.Slice: "it uses an array or a text",
    nodes.ArrayLiteral: "it makes an array",
    nodes.MapLiteral: "it makes a map",
    nodes.Lambda: "it makes a lambda",
    nodes.Range: "it makes an array of a range",
}


class Expressions:
    """Lowers the expressions of one function."""

    def __init__(self, frame: FunctionFrame) -> None:
        self.frame = frame
        self.asm = frame.asm

    def value(self, node: nodes.Expr) -> Value:
        """Return the value of `node`; raises `RefusedError` if it is not native."""
        match node:
            case nodes.Literal():
                return self._literal(node)
            case nodes.Name():
                return self._name(node)
            case nodes.Unary():
                return self._unary(node)
            case nodes.Binary():
                return self._binary(node)
            case nodes.KindTest():
                return self._kind_test(node)
            case nodes.IfExpr():
                return self._choice(node)
            case nodes.Call():
                return self._call(node)
        raise RefusedError(_NOT_NATIVE[node.__class__], node.span)

    def sure(self, node: nodes.Expr) -> Value:
        """Return the value of `node`; the kernel ends where it is null."""
        return self._sure(self.value(node), node)

    def _sure(self, value: Value, node: nodes.Expr) -> Value:
        if value.kind in {NULL, UNKNOWN}:  # another round may know more
            self.frame.unknown(node)
            return NOTHING
        if value.null:
            self.asm.leave_if(value.null, LEAVE)
        return value.sure()

    def sure_of(self, node: nodes.Expr, kind: int) -> Value:
        """Return a value that must have a kind, null ending the kernel."""
        value = self.sure(node)
        if value.kind not in {kind, UNKNOWN}:
            words = (
                f"{KIND_WORDS[kind]} is wanted here, this is {KIND_WORDS[value.kind]}"
            )
            raise RefusedError(words, node.span)
        return value

    def condition(self, node: nodes.Expr) -> str:
        """Return the i1 that tells whether `node` is exactly true."""
        return logic.is_true(self._logical(node), self.asm)

    def _logical(self, node: nodes.Expr) -> Value:
        value = self.value(node)
        if value.kind == NULL:
            return Value(BOOL, "false", value.null)
        if value.kind == UNKNOWN:
            self.frame.unknown(node)
            return boolean(False)
        if value.kind != BOOL:
            word = KIND_WORDS[value.kind]
            raise RefusedError(f"a condition is a bool, this is {word}", node.span)
        return value

    # --- names and constants ----------------------------------------------------

    def _literal(self, node: nodes.Literal) -> Value:
        match node.value:
            case None:
                return NULL_VALUE
            case bool(found):
                return boolean(found)
            case int(found) if node.kind == "int":
                return integer(found)
            case float(found):
                return floating(found)
        raise RefusedError(f"it uses a {node.kind}", node.span)

    def _name(self, node: nodes.Name) -> Value:
        frame = self.frame
        if node.id in frame.locals:
            return frame.read(node.id)
        inputs = frame.instances.inputs
        kind = inputs.kind(node.id)
        if not kind:
            what = "global" if inputs.is_global(node.id) else "field"
            reason = f"the kind of the {what} '{node.id}' is not known: hand it over as a parameter"
            raise RefusedError(reason, node.span)
        number = inputs.number(node.id)
        frame.instance.inputs.add(number)
        at = self.asm.temp(marked(number))
        return Value(kind, frame.load(at, kind))

    # --- operators --------------------------------------------------------------

    def _unary(self, node: nodes.Unary) -> Value:
        if node.op == "not":
            return logic.negation(self._logical(node.operand), self.asm)
        match node:
            case nodes.Unary(op="-", operand=nodes.Literal(kind="int", value=int(n))):
                return integer(-n)
        operand = self.sure(node.operand)
        if operand.kind == UNKNOWN:
            return NOTHING
        found: Value | None = None
        if node.op == "~":
            if operand.kind == INT:
                found = Value(INT, self.asm.temp(f"xor i64 {operand.text}, -1"))
        else:
            found = arithmetic.negative(operand, self.asm)
        if found is None:
            word = KIND_WORDS[operand.kind]
            raise RefusedError(f"'{node.op}' has no meaning for {word}", node.span)
        return found

    def _binary(self, node: nodes.Binary) -> Value:
        if node.op in {"and", "or"}:
            left = self._logical(node.left)

            def right() -> Value:
                return self._logical(node.right)

            return logic.connective(node.op == "or", left, right, self.asm)
        if node.op == "??":
            return self._fallback(node)
        if node.op in {"in", "not in"}:
            raise RefusedError("it uses an array, a map or a text", node.span)
        if node.op in comparisons.EQUALITY:
            for one, other in ((node.left, node.right), (node.right, node.left)):
                if _is_null(one):
                    return self._null_test(self.value(other), node.op == "!=")
        return self._operation(node)

    def _operation(self, node: nodes.Binary) -> Value:
        left = self.value(node.left)
        right = self.value(node.right)
        left, right = self._sure(left, node.left), self._sure(right, node.right)
        is_test = node.op in comparisons.ORDER or node.op in comparisons.EQUALITY
        if UNKNOWN in {left.kind, right.kind}:
            return boolean(False) if is_test else NOTHING
        lower = comparisons.compare if is_test else arithmetic.arithmetic
        found = lower(node.op, left, right, self.asm)
        if found is None:
            words = f"{KIND_WORDS[left.kind]} and {KIND_WORDS[right.kind]}"
            raise RefusedError(f"'{node.op}' has no meaning for {words}", node.span)
        return found

    def _null_test(self, value: Value, is_negated: bool) -> Value:
        if not value.null:
            return boolean(is_negated)
        if not is_negated:
            return Value(BOOL, value.null)
        return Value(BOOL, self.asm.temp(f"xor i1 {value.null}, true"))

    def _kind_test(self, node: nodes.KindTest) -> Value:
        value = self.value(node.operand)
        if node.kind == "null":
            return self._null_test(value, node.negated)
        if value.kind not in _KIND_TESTS.get(node.kind, ()):
            return boolean(node.negated)
        return self._null_test(value, not node.negated)

    def _fallback(self, node: nodes.Binary) -> Value:
        left = self.value(node.left)
        if not left.null:
            return left
        return self._chosen(node, left.null, lambda: self.value(node.right), left.sure)

    def _choice(self, node: nodes.IfExpr) -> Value:
        test = self.condition(node.condition)
        then, orelse = node.then, node.orelse
        return self._chosen(
            node, test, lambda: self.value(then), lambda: self.value(orelse)
        )

    def _chosen(
        self,
        node: nodes.Expr,
        test: str,
        then: Callable[[], Value],
        orelse: Callable[[], Value],
    ) -> Value:
        """Return one of two values, of which only that one is evaluated."""
        asm = self.asm
        yes, no, end = asm.label(), asm.label(), asm.label()
        asm.branch(test, yes, no)
        endings: list[logic.Ending] = []
        for label, write in ((yes, then), (no, orelse)):
            asm.begin(label)
            value = write()
            endings.append((value, asm.here()))
            asm.jump(end)
        kind = logic.shared_kind([value.kind for value, _ in endings])
        if kind is None:
            one, other = (KIND_WORDS[value.kind] for value, _ in endings)
            reason = f"this is {one} or {other}: give both the same kind"
            raise RefusedError(reason, node.span)
        asm.begin(end)
        return logic.merged(kind, endings, asm)

    # --- calls ------------------------------------------------------------------

    def _call(self, node: nodes.Call) -> Value:
        if not isinstance(node.function, nodes.Name):
            raise RefusedError("it calls a lambda", node.span)
        name = node.function.id
        instances = self.frame.instances
        is_user = name in instances.symbols.functions
        is_shared = instances.inputs.is_global(name) and not is_user
        if name in self.frame.locals or is_shared:
            raise RefusedError("it calls a lambda", node.span)
        args = [self.value(arg) for arg in node.args]
        args = [self._sure(a, n) for a, n in zip(args, node.args, strict=True)]
        if is_user:
            return self._user_call(name, args, node)
        if any(arg.kind == UNKNOWN for arg in args):
            return NOTHING
        return builtins.call(name, args, node, self.asm)

    def _user_call(self, name: str, args: list[Value], node: nodes.Call) -> Value:
        frame, asm = self.frame, self.asm
        if any(arg.kind == UNKNOWN for arg in args):
            return NOTHING
        called = self._callee(name, args, node)
        values = [
            as_float(arg, asm) if kind == FLOAT else arg
            for arg, kind in zip(args, called.params, strict=True)
        ]
        listed = "".join(f", {value.type} {value.text}" for value in values)
        depth = frame.depth_for(called)
        frame.leave_clock(called)
        call = f"call {called.returned} {called.generated}(ptr %c{depth}{listed})"
        given = asm.temp(call)
        frame.take_clock(called)
        return self._given_back(given, called)

    def _callee(self, name: str, args: list[Value], node: nodes.Call) -> Instance:
        kinds = tuple(arg.kind for arg in args)
        instances = self.frame.instances
        try:
            called = instances.lowered(name, kinds)
        except RefusedError as error:
            root = error.root
            where = f"line {root.span.line}, column {root.span.column}"
            reason = f"it calls '{name}', which is not native ({where}: {root.reason})"
            raise RefusedError(reason, node.span, root) from error
        self.frame.instance.calls[name, called.params] += 1
        return called

    def _given_back(self, given: str, called: Instance) -> Value:
        """Return the result of a call; an ending of another kind ends this one too."""
        asm = self.asm
        ending = asm.temp(f"extractvalue {called.returned} {given}, 0")
        is_end = asm.temp(f"icmp ugt i8 {ending}, {Ending.NULL.value}")
        asm.add(f"store i8 {ending}, ptr %ending")
        asm.leave_if(is_end, "ended")
        if called.result == UNKNOWN:
            return NOTHING
        if called.result == NULL:
            return NULL_VALUE
        text = asm.temp(f"extractvalue {called.returned} {given}, 1")
        null = ""
        if called.is_result_nullable:
            null = asm.temp(f"icmp eq i8 {ending}, {Ending.NULL.value}")
        return Value(called.result, text, null)


def _is_null(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Literal) and node.kind == "null"

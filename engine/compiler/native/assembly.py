"""The body of one function in LLVM IR, block by block."""

from typing import Final

UNLIKELY: Final = "!prof !0"  # metadata of the module: the first way is rare


class Assembly:
    """Grows a function body; all names in it are made here.

    What follows the end of a block without a label is a block that nobody reaches, so
    statements after a `return` need no care. Slots are variables on the stack, which
    LLVM turns into registers.
    """

    def __init__(self) -> None:
        self.slots: list[str] = []
        self.lines: list[str] = []
        self._current = "entry"  # empty after the end of a block
        self._count = 0

    def fresh(self, prefix: str) -> str:
        """Return a name nobody else has in this function."""
        self._count += 1
        return f"{prefix}{self._count}"

    def add(self, line: str) -> None:
        """Append an instruction without a result."""
        self.here()
        self.lines.append(f"  {line}")

    def temp(self, text: str) -> str:
        """Append an instruction and return the name of its result."""
        name = self.fresh("%v")
        self.add(f"{name} = {text}")
        return name

    def slot(self, name: str, ir_type: str, zero: str) -> None:
        """Make a variable on the stack, zero at first."""
        self.slots.append(f"  {name} = alloca {ir_type}")
        self.slots.append(f"  store {ir_type} {zero}, ptr {name}")

    def label(self) -> str:
        """Return the name of a new block."""
        return self.fresh("b")

    def here(self) -> str:
        """Return the block that lines go to."""
        if not self._current:
            self._open(self.label())
        return self._current

    def begin(self, label: str) -> None:
        """Go on in a block, also from the block before if that has not ended."""
        if self._current:
            self.jump(label)
        self._open(label)

    def jump(self, label: str) -> None:
        """End the block with a jump."""
        self.end(f"br label %{label}")

    def branch(self, test: str, yes: str, no: str) -> None:
        """End the block with a choice."""
        self.end(f"br i1 {test}, label %{yes}, label %{no}")

    def end(self, line: str) -> None:
        """End the block with `line`."""
        self.add(line)
        self._current = ""

    def leave_if(self, test: str, label: str) -> None:
        """Jump out to a block where the rare case ends, else go on here."""
        follow = self.label()
        self.end(f"br i1 {test}, label %{label}, label %{follow}, {UNLIKELY}")
        self._open(follow)

    def _open(self, label: str) -> None:
        self._current = label
        self.lines.append(f"{label}:")

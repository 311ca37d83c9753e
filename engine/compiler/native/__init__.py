"""Typed functions of numbers -> LLVM IR, compiled to machine code (architecture 5.2).

The meaning of a function is its generated Python. A kernel does the same work on
machine numbers, and gives the event up wherever Python would find anything else than a
number in 64 bits or a bool: overflow, division by zero, null, an infinity in an event.
Then nothing of it remains, and the generated Python takes the event.
"""

from engine.compiler.native.forms import add_native_forms

__all__ = ["add_native_forms"]

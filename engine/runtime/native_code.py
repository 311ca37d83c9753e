"""LLVM IR -> machine code in this process, kept by its text."""

import ctypes
import logging
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import llvmlite.binding as llvm

from engine.runtime.native import Run
from engine.runtime.native_block import Look

logger = logging.getLogger("varpulis")

KEPT: Final = 256  # kernels that stay compiled although no pipeline uses them
OPTIMIZATION: Final = 2  # of the code generator
PASSES: Final = (
    *("sroa", "always_inliner", "simplify_cfg", "sroa", "instruction_combine"),
    *("jump_threading", "loop_rotate", "new_gvn", "instruction_combine"),
    "simplify_cfg",
)
"""As fast as what LLVM does at level 2, for loops whose sums are checked, in a quarter of
the time."""
_LIBRARY: Final = ("pow", "exp", "log", "log10", "sin", "cos", "tan", "atan2")
_ROUNDING: Final = ("fmod", "floor", "ceil", "trunc", "round")
_starting = threading.Lock()


def _answer(look: Look) -> int:
    return look()


_look: Final = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.py_object)(_answer)

_process: Final = ctypes.CDLL(None)


def kernel(ir: str) -> Run | None:
    """Return the function `kernel` of a module; it lets other threads run meanwhile.

    It takes the address of its memory and returns how it ended. Equal texts are compiled
    once. None if LLVM cannot do it here, which is logged.
    """
    try:
        with _starting:
            return _compiled(ir).call
    except (RuntimeError, OSError) as error:
        logger.warning("native functions stay in Python: %s", error)
        return None


def machine_code(ir: str, size: int) -> Callable[[bytearray], int] | None:
    """Return the same for a memory of `size` bytes, whose address is taken here."""
    call, view = kernel(ir), ctypes.c_char * size
    if call is None:
        return None
    run = call  # known to be there

    def run_in(memory: bytearray) -> int:
        return run(ctypes.addressof(view.from_buffer(memory)))

    return run_in


class _Code:
    """A compiled module; its code lives as long as this."""

    def __init__(self, ir: str) -> None:
        machine = _target()
        module = llvm.parse_assembly(ir)
        module.verify()
        tuning = llvm.create_pipeline_tuning_options(speed_level=OPTIMIZATION)
        passes = llvm.create_new_module_pass_manager()
        for name in PASSES:
            getattr(passes, f"add_{name}_pass")()
        passes.run(module, llvm.create_pass_builder(machine, tuning))
        self._engine = llvm.create_mcjit_compiler(module, machine)
        self._engine.finalize_object()
        address = self._engine.get_function_address("kernel")
        prototype = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
        call: Any = prototype(address)
        call.owner = self
        self.call: Run = call


@lru_cache(maxsize=KEPT)
def _compiled(ir: str) -> _Code:
    return _Code(ir)


@lru_cache(maxsize=1)
def _prepared() -> tuple[Any, str, str]:
    """Start LLVM and return the target, its processor and what that can do."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    for name in _LIBRARY:
        llvm.add_symbol(f"vpl_{name}", _address(getattr(_process, name)))
    for name in _ROUNDING:
        llvm.add_symbol(name, _address(getattr(_process, name)))
    llvm.add_symbol("vpl_realloc", _address(_process.realloc))
    llvm.add_symbol("vpl_look", _address(_look))
    features = llvm.get_host_cpu_features().flatten()
    return llvm.Target.from_default_triple(), llvm.get_host_cpu_name(), features


def _target() -> Any:
    target, processor, features = _prepared()
    return target.create_target_machine(
        cpu=processor, features=features, opt=OPTIMIZATION
    )


def _address(function: Any) -> int:
    address = ctypes.cast(function, ctypes.c_void_p).value
    if address is None:
        raise OSError("a function of the C library has no address")
    return address

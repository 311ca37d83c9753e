"""`.score`: fields computed by an ONNX model (vpl.md section 20).

The model runs through onnxruntime, which is an optional package; it is imported when a
program that scores is loaded.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from engine.connectors.guard import Guard, RefusedError
from engine.errors import LoadError
from engine.limits import Limits
from engine.runtime.frame import Frame
from engine.runtime.state import Codec
from engine.runtime.values import INT_MAX, INT_MIN

_TYPES: Final = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
}
_NUMBERS: Final = frozenset((int, float))
_MATRIX: Final = 2  # dimensions of (events, columns)


class Scorer:
    """One `.score` of one stream.

    A model takes its inputs as one tensor (1, n), or as one tensor per input; its
    outputs are one tensor (1, m) for m names, or one tensor per name.
    """

    def __init__(self, model: str, outputs: tuple[str, ...]) -> None:
        self.model = model
        self.outputs = outputs
        self._nothing: tuple[Any, ...] = (None,) * len(outputs)
        self._frame: Frame | None = None
        self._session: Any = None
        self._inputs: list[tuple[str, Any, int]] = []

    def bind(self, frame: Frame, limits: Limits) -> None:
        """Take the counters of the stream."""
        self._frame = frame

    def open(self, guard: Guard) -> None:
        """Load the model; raises `LoadError` if it cannot be used."""
        try:
            path = guard.path(self.model)
            self._session = _session(path)
        except (RefusedError, OSError) as error:
            raise LoadError(f"model '{self.model}': {error}") from error
        found = self._session.get_inputs()
        unknown = [item.type for item in found if item.type not in _TYPES]
        if unknown:
            raise LoadError(f"model '{self.model}' takes {unknown[0]}, no numbers")
        self._inputs = [(i.name, _TYPES[i.type], len(i.shape)) for i in found]

    def score(self, values: Sequence[Any]) -> Sequence[Any]:
        """Return one value per output; nulls for null inputs and for what fails.

        `values` are the inputs in order; a single array stands for its elements.
        """
        assert self._frame is not None
        if len(values) == 1 and values[0].__class__ is list:
            values = values[0]
        if any(value is None for value in values):
            return self._nothing
        if not all(value.__class__ in _NUMBERS for value in values):
            self._frame.count("kind")
            return self._nothing
        return self._run(values)

    def _run(self, values: Sequence[Any]) -> Sequence[Any]:
        assert self._frame is not None
        feed = self._feed(values)
        if feed is None:
            self._frame.count("argument")
            return self._nothing
        try:
            found = self._session.run(None, feed)
        except Exception:  # boundary to the model: its errors have no common class
            self._frame.count("argument")
            return self._nothing
        return [self._value(item) for item in _columns(found, len(self.outputs))]

    def _feed(self, values: Sequence[Any]) -> dict[str, Any] | None:
        """Return the tensors of one event, None if their number does not fit."""
        import numpy as np  # programs without models start without it

        if len(self._inputs) == 1:
            name, kind, dimensions = self._inputs[0]
            row = np.asarray(values, dtype=kind)
            return {name: row if dimensions == 1 else row.reshape(1, -1)}
        if len(self._inputs) != len(values):
            return None
        return {
            name: np.full((1,) * max(1, dimensions), value, dtype=kind)
            for (name, kind, dimensions), value in zip(
                self._inputs, values, strict=True
            )
        }

    def _value(self, item: Any) -> Any:
        """Return what the language holds: ints, finite floats, texts; else null."""
        assert self._frame is not None
        value = item.item() if hasattr(item, "item") else item
        if value.__class__ is float and value - value != 0.0:
            self._frame.count("overflow")
            return None
        if value.__class__ is int and not INT_MIN <= value <= INT_MAX:
            return float(value)
        return value if value.__class__ in {int, float, bool, str} else None

    def snapshot(self, codec: Codec) -> Any:
        """Return nothing: a model keeps no state."""
        return None

    def restore(self, data: Any, codec: Codec) -> None:
        """Do nothing: a model keeps no state."""


def _session(path: Path) -> Any:
    try:
        import onnxruntime  # 0.2 s and an optional package: only for programs with it
    except ImportError as error:
        raise LoadError(
            "`.score` needs the package onnxruntime: pip install 'varpulis[score]'"
        ) from error
    if not path.is_file():
        raise LoadError(f"model '{path.name}': there is no such file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # contexts are what runs side by side
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # boundary to the library: no common class of errors
        raise LoadError(f"model '{path.name}' cannot be read: {error}") from error


def _columns(found: Sequence[Any], wanted: int) -> list[Any]:
    """Return the first `wanted` values of a model's answer for one event."""
    import numpy as np  # see above

    if len(found) == 1 and getattr(found[0], "ndim", 0) == _MATRIX:
        values = list(found[0][0])
    else:
        values = [np.ravel(item)[0] for item in found]
    return (values + [None] * wanted)[:wanted]

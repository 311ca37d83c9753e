"""Numbers as a reader likes them."""

_LETTERS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def short(value: float) -> str:
    """Return three digits and a letter: 2.41 M, 852 k, 1,062, 0.123."""
    if 1000 <= abs(value) < 1e4:
        return f"{value:,.0f}"
    for unit, letter in _LETTERS:
        if abs(value) >= unit:
            return f"{_three(value / unit)} {letter}"
    return _three(value)


def decade(value: float) -> str:
    """Return a power of ten for an axis: 100, 10k, 1M."""
    for unit, letter in _LETTERS:
        if value >= unit:
            return f"{value / unit:g}{letter}"
    return f"{value:g}"


def _three(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"

"""Where the runnable examples lie: with the installed site, or in a checkout."""

from pathlib import Path

from cluster.demo.errors import UsageError

_ROOT = Path(__file__).resolve().parents[2]
_PLACES = (_ROOT / "varpulis_site" / "examples", _ROOT / "examples")


def example_path(*parts: str) -> Path:
    """Return the path of an example's file or folder; raises UsageError."""
    for place in _PLACES:
        path = place.joinpath(*parts)
        if path.exists():
            return path
    raise UsageError(f"the example {'/'.join(parts)} is missing below {_ROOT}")

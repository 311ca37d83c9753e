"""What the figures were measured on."""

import contextlib
import importlib.metadata
import os
import platform
import shutil
import subprocess
from pathlib import Path

PACKAGES = (
    "varpulis",
    "msgspec",
    "numpy",
    "llvmlite",
    "uvicorn",
    "uvloop",
    "aiohttp",
    "Django",
)
CPUINFO = Path("/proc/cpuinfo")


def described() -> list[tuple[str, str]]:
    """Return pairs of what and value, for a table."""
    return [
        ("processor", processor()),
        ("cores", str(len(os.sched_getaffinity(0)))),
        ("memory", f"{_memory_gib():.0f} GiB"),
        ("system", f"{platform.system()} {platform.release()}, {platform.machine()}"),
        (
            "Python",
            f"{platform.python_implementation()} {platform.python_version()}",
        ),
        ("C compiler", compiler() or "none"),
        ("packages", ", ".join(f"{name} {version}" for name, version in versions())),
    ]


def in_short() -> str:
    """Return cores, processor and Python in one line."""
    return (
        f"{len(os.sched_getaffinity(0))} cores of {processor()}, "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def processor() -> str:
    """Return the model as the system names it."""
    with contextlib.suppress(OSError):
        for line in CPUINFO.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def compiler() -> str | None:
    """Return name and version of gcc; None where there is none."""
    found = shutil.which("gcc")
    if found is None:
        return None
    done = subprocess.run(
        [found, "--version"], capture_output=True, text=True, check=False, timeout=10
    )
    return done.stdout.splitlines()[0] if done.stdout else None


def load() -> float:
    """Return how many processes wanted a core in the last minute, on average."""
    return os.getloadavg()[0]


def versions() -> list[tuple[str, str]]:
    """Return the packages that decide about speed, those that are there."""
    found = []
    for name in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found.append((name, importlib.metadata.version(name)))
    return found


def _memory_gib() -> float:
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)

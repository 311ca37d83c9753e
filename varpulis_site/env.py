"""Typed reading of environment variables; a bad value names its variable.

Values that start with `@` are read from the file named after it (keys, tokens), so
that a secret need not stand in an environment or on a command line.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off", ""})


class InvalidSettingError(ImproperlyConfigured):
    """A setting has a value that cannot be meant; the text names the variable."""


def text(
    name: str, default: str = "", *, environ: Mapping[str, str] = os.environ
) -> str:
    """Return the variable without surrounding blanks; unset or empty: `default`."""
    value = environ.get(name, "").strip()
    return value or default


def secret(name: str, *, environ: Mapping[str, str] = os.environ) -> str:
    """Return a key or token; `@path` stands for the first line of that file."""
    value = text(name, environ=environ)
    if not value.startswith("@"):
        return value
    path = Path(value[1:]).expanduser()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettingError(f"{name}: cannot read {path}: {error}") from error
    return lines[0].strip() if lines else ""


def boolean(
    name: str, default: bool = False, *, environ: Mapping[str, str] = os.environ
) -> bool:
    """Return true for 1/true/yes/on, false for 0/false/no/off, in any case."""
    value = environ.get(name)
    if value is None:
        return default
    word = value.strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise InvalidSettingError(f"{name} must be true or false, not {value!r}")


def number(
    name: str,
    default: float,
    *,
    least: float = 0.0,
    environ: Mapping[str, str] = os.environ,
) -> float:
    """Return a finite number that is at least `least`."""
    value = text(name, environ=environ)
    if not value:
        return default
    try:
        parsed = float(value)
    except ValueError as error:
        raise InvalidSettingError(f"{name} must be a number, not {value!r}") from error
    if not least <= parsed < float("inf"):
        raise InvalidSettingError(f"{name} must be at least {least:g}, not {value}")
    return parsed


def integer(
    name: str,
    default: int,
    *,
    least: int = 0,
    most: int | None = None,
    environ: Mapping[str, str] = os.environ,
) -> int:
    """Return a whole number from `least` to `most`."""
    value = text(name, environ=environ)
    if not value:
        return default
    try:
        parsed = int(value)
    except ValueError as error:
        raise InvalidSettingError(
            f"{name} must be a whole number, not {value!r}"
        ) from error
    if parsed < least or (most is not None and parsed > most):
        bounds = f"at least {least}" if most is None else f"from {least} to {most}"
        raise InvalidSettingError(f"{name} must be {bounds}, not {value}")
    return parsed


def choice(
    name: str,
    default: str,
    allowed: tuple[str, ...],
    *,
    environ: Mapping[str, str] = os.environ,
) -> str:
    """Return one of the `allowed` words."""
    value = text(name, default, environ=environ)
    if value not in allowed:
        words = ", ".join(allowed)
        raise InvalidSettingError(f"{name} must be one of {words}, not {value!r}")
    return value


def words(name: str, *, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the parts of a comma-separated list, without empty ones."""
    parts = (part.strip() for part in secret(name, environ=environ).split(","))
    return [part for part in parts if part]


def folder(
    name: str, default: Path, *, environ: Mapping[str, str] = os.environ
) -> Path:
    """Return an absolute path; `~` is the home directory."""
    value = text(name, environ=environ)
    return Path(value).expanduser().absolute() if value else default


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where processes keep what must survive them (VARPULIS_STATE_DIR).

    Default: `varpulis` in the user's state folder as the XDG base directory
    specification names it.
    """
    home = environ.get("XDG_STATE_HOME", "").strip()
    base = Path(home) if home else Path.home() / ".local" / "state"
    return folder("VARPULIS_STATE_DIR", base / "varpulis", environ=environ)


def database(url: str, *, name: str = "VARPULIS_DATABASE_URL") -> dict[str, object]:
    """Return Django's description of the database behind `url`.

    Forms: `postgresql://user:password@host:port/database?option=value` and
    `sqlite:///path/of/file`.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite" and parts.path.strip("/"):
        return sqlite(Path(unquote(parts.path)))
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise InvalidSettingError(
            f"{name} must look like postgresql://user:password@host/database"
            " or sqlite:///path"
        )
    try:
        port = parts.port
    except ValueError as error:
        raise InvalidSettingError(f"{name}: the port is not a number") from error
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


def sqlite(path: Path) -> dict[str, object]:
    """Return Django's description of an SQLite file for many readers, one writer.

    Write-ahead logging lets readers go on beside a writer; transactions take the
    write lock when they begin, so that two of them wait instead of failing.
    """
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        # Opening the file costs more than most of what is asked of it.
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "timeout": 10,
            "transaction_mode": "IMMEDIATE",
            "init_command": (
                "PRAGMA journal_mode=WAL;"
                "PRAGMA synchronous=NORMAL;"
                "PRAGMA busy_timeout=10000;"
            ),
        },
    }

"""The key that signs cookies and seals workers' keys.

Settings only read it; `varpulis coordinator` makes it on its first start. A process
that finds none (a check, a test) works with one of its own that is gone at its end.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

SECRET_FILE = "secret.key"  # noqa: S105 - the name of a file, not a secret
SECRET_BYTES = 48


def read_or_invent(folder: Path) -> str:
    """Return the key kept in `folder`, else a random one that is not kept."""
    with suppress(OSError):
        kept = (folder / SECRET_FILE).read_text(encoding="ascii").strip()
        if kept:
            return kept
    return secrets.token_urlsafe(SECRET_BYTES)


def keep(folder: Path) -> None:
    """Make `folder` (0700) and the key in it (0600) where they do not exist.

    Two processes that start at once agree: the first to create the file wins.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / SECRET_FILE
    if path.exists():
        return
    draft = folder / f"{SECRET_FILE}.{os.getpid()}"
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(SECRET_BYTES) + "\n", encoding="ascii")
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()

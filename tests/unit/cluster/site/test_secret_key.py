"""The secret is made once, kept, and readable to nobody else."""

import stat
from pathlib import Path

from varpulis_site import secret_key


def test_without_a_file_each_process_invents_its_own(tmp_path: Path) -> None:
    first = secret_key.read_or_invent(tmp_path)
    assert first != secret_key.read_or_invent(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_kept_key_stays_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "coordinator-1"
    secret_key.keep(folder)
    first = secret_key.read_or_invent(folder)
    secret_key.keep(folder)
    assert secret_key.read_or_invent(folder) == first
    assert len(first) >= 50


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "coordinator-1"
    secret_key.keep(folder)
    files = list(folder.iterdir())
    assert [path.name for path in files] == [secret_key.SECRET_FILE]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700

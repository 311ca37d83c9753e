"""What a backup file must be to be taken."""

import io
import json
import tarfile
from dataclasses import replace

import pytest
from django.core.management import call_command

from cluster.management.backup_file import (
    FORMAT,
    Manifest,
    UnusableBackupError,
    opened_backup,
    write_backup,
)

MANIFEST = Manifest("0.1.0", "2026-01-01T00:00:00+00:00", ("cluster.0001_initial",), 1)
ROW = b'{"model": "auth.group", "pk": 7, "fields": {"name": "x", "permissions": []}}\n'


def written(path, manifest=MANIFEST, row=ROW, secret=None):
    write_backup(path, manifest, io.BytesIO(row), secret)
    return path


@pytest.mark.parametrize("secret", [None, b"s"])
def test_what_is_written_is_read(tmp_path, secret):
    with opened_backup(written(tmp_path / "b", secret=secret)) as backup:
        assert backup.manifest == MANIFEST
        assert backup.secret == secret
        assert list(backup.rows) == [ROW]


def test_nothing_is_left_beside_a_backup_that_failed(tmp_path):
    kept = written(tmp_path / "b").read_bytes()
    rows = io.BytesIO(ROW)
    rows.close()
    with pytest.raises(ValueError, match="closed"):
        write_backup(tmp_path / "b", MANIFEST, rows, None)
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert (tmp_path / "b").read_bytes() == kept


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        ({"format": FORMAT + 1}, "has format 2"),
        ({"format": FORMAT}, "manifest cannot be read"),
        ([], "manifest cannot be read"),
    ],
)
def test_other_formats_are_refused(tmp_path, manifest, why):
    path = tmp_path / "b"
    content = json.dumps(manifest).encode()
    with tarfile.open(path, "w:gz") as archive:
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    with pytest.raises(UnusableBackupError, match=why), opened_backup(path):
        pass


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "row", "told"),
    [
        ({"migrations": ("cluster.9999_later",)}, ROW, "install that version"),
        ({}, b'{"model": "cluster.nothing", "pk": 1, "fields": {}}\n', "nothing"),
        ({}, ROW + ROW.replace(b"7", b"8"), "did not take"),
    ],
)
def test_what_cannot_be_restored_changes_nothing(
    tmp_path, capsys, changes, row, told, django_user_model
):
    django_user_model.objects.create_user("kept")
    path = written(tmp_path / "b", replace(MANIFEST, **changes), row)
    with pytest.raises(SystemExit) as left:
        call_command("restore", str(path), "--replace")
    assert left.value.code == 1
    assert told in capsys.readouterr().err
    assert django_user_model.objects.filter(username="kept").exists()

"""Vendored files are what their manifest says, and nothing else is there."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

STATIC = Path(__file__).parents[4] / "cluster" / "static" / "cluster"
VENDOR = STATIC / "vendor"
ENTRIES: list[dict[str, Any]] = json.loads((VENDOR / "manifest.json").read_text())[
    "files"
]
LONGEST_MODULE = 200  # lines


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: str(entry["file"]))
def test_a_file_has_the_recorded_hash_and_licence(entry: dict[str, Any]) -> None:
    data = (VENDOR / entry["file"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == entry["sha256"]
    assert entry["licence"] == "MIT"
    assert "Permission is hereby granted" in (VENDOR / entry["licence_file"]).read_text(
        encoding="utf-8"
    )
    assert re.fullmatch(r"\d+\.\d+\.\d+", entry["version"])


def test_every_script_is_in_the_manifest() -> None:
    scripts = {path.name for path in VENDOR.iterdir() if path.suffix in {".js", ".mjs"}}
    assert scripts == {entry["file"] for entry in ENTRIES}


@pytest.mark.parametrize("path", sorted((STATIC / "js").glob("*.js")), ids=str)
def test_our_own_modules_stay_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


@pytest.mark.parametrize(
    "path",
    sorted((STATIC.parents[2] / "templates").rglob("*.html")),
    ids=lambda path: str(path.name),
)
def test_templates_have_no_inline_script_or_style(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", text)

"""What the documents show is what the product does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import Block, Session, read_blocks
from tests.docs.examples import lacks
from vpl import Host, check

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = Path(sys.executable).parent
DOCUMENTS = sorted(
    path
    for path in [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("examples/**/*.md"),
    ]
)
WALKED = (
    "docs/commands.md",
    "docs/language/README.md",
    "docs/language/declarations.md",
    "docs/language/diagnostics.md",
    "docs/language/limits.md",
    "docs/language/native.md",
    "docs/language/state.md",
    "docs/operations/backup.md",
    "docs/tutorial/cluster.md",
    "docs/tutorial/one-worker.md",
)
RUN_ELSEWHERE = ROOT / "Makefile"


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.process
@pytest.mark.timeout(240)
@pytest.mark.parametrize("document", WALKED)
def test_every_command_of_the_tutorial_answers_as_printed(
    document: str, tmp_path: Path
) -> None:
    session = Session(tmp_path, COMMANDS)
    try:
        session.run(read_blocks(ROOT / document))
    finally:
        session.close()


def _vpl_blocks() -> list[tuple[str, Block]]:
    return [
        (_name(path), block)
        for path in DOCUMENTS
        for block in read_blocks(path)
        if block.language == "vpl"
    ]


@pytest.mark.parametrize(
    ("document", "block"), _vpl_blocks(), ids=lambda item: getattr(item, "line", item)
)
def test_every_program_in_the_documents_checks(document: str, block: Block) -> None:
    result = check(block.text, host=Host(has_module=lambda name: True))
    codes = sorted({item.code for item in result.diagnostics})
    reports = "E090" if lacks(block) else block.options.get("reports", "")
    wanted = sorted(filter(None, reports.split(",")))
    assert codes == wanted, [item.to_json() for item in result.diagnostics]


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_every_make_target_in_the_documents_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", RUN_ELSEWHERE.read_text(), re.MULTILINE))
    named = {
        word
        for block in read_blocks(document)
        if block.language == "bash"
        for word in re.findall(r"^make ([a-z-]+)", block.text, re.MULTILINE)
    }
    assert named <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_every_link_between_documents_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", document.read_text())
    missing = [link for link in links if not (document.parent / link).exists()]
    assert not missing


def _commands_named() -> set[str]:
    return {
        word
        for path in DOCUMENTS
        for block in read_blocks(path)
        if block.language == "bash"
        for word in re.findall(r"^\s*varpulis ([a-z][a-z-]*)", block.text, re.MULTILINE)
    }


@pytest.mark.process
def test_every_command_in_the_documents_exists() -> None:
    for command in sorted(_commands_named()):
        done = subprocess.run(
            [COMMANDS / "varpulis", command, "--help"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"varpulis {command}: {done.stderr}"

"""The commands in the examples' documents answer as printed there."""

from pathlib import Path

import pytest

from tests.acceptance.real_commands import EXAMPLES, VARPULIS
from tests.docs.blocks import Session, read_blocks

pytestmark = pytest.mark.process


@pytest.mark.parametrize("example", ["flights", "patients", "sshd"])
def test_every_command_of_an_example_answers_as_printed(
    example: str, tmp_path: Path
) -> None:
    blocks = read_blocks(EXAMPLES / example / "README.md")
    assert any(block.language == "json" for block in blocks)
    (tmp_path / "examples").symlink_to(EXAMPLES)
    session = Session(tmp_path, VARPULIS.parent)
    try:
        session.run(blocks)
    finally:
        session.close()

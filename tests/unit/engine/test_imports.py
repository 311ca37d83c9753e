"""Programs that import others, compiled and run."""

from pathlib import Path

import pytest

from engine import Event, InvalidProgramError, compile_program
from engine.management.compiling import compile_or_exit
from engine.management.importing import ImportedFiles
from engine.worker.handlers.programs import Source, check_report

MAIN = 'import "lib/common.vpl"\nstream Hot = T .where(temp > limit()) .emit(twice: twice(temp))\n'
COMMON = 'import "double.vpl"\nlet base = 20\nfn limit(): base + 1\n'
DOUBLE = "fn twice(x): x * 2\n"
FILES = {"lib/common.vpl": COMMON, "lib/double.vpl": DOUBLE}


def _outputs(pipeline: object, temp: int) -> bytes:
    return pipeline.inject(Event("T", {"temp": temp}, 0)).to_json_bytes()


def test_a_pipeline_runs_with_bundled_imports() -> None:
    pipeline = compile_program(MAIN, imports=FILES)
    try:
        assert b'"twice":44' in _outputs(pipeline, 22)
        assert b'"output_events":[]' in _outputs(pipeline, 21)
    finally:
        pipeline.close()


def test_an_import_that_was_not_sent_is_refused() -> None:
    with pytest.raises(InvalidProgramError) as caught:
        compile_program(MAIN)
    assert "E096" in {found.code for found in caught.value.diagnostics}


def test_commands_read_imports_beside_the_program(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    for path, text in {"main.vpl": MAIN, **FILES}.items():
        (tmp_path / path).write_text(text, encoding="utf-8")
    pipeline = compile_or_exit(str(tmp_path / "main.vpl"))
    try:
        assert b'"twice":44' in _outputs(pipeline, 22)
    finally:
        pipeline.close()


def test_errors_show_the_line_of_the_import(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "main.vpl").write_text('import "lib.vpl"\n', encoding="utf-8")
    (tmp_path / "lib.vpl").write_text("let a = nothing()\n", encoding="utf-8")
    with pytest.raises(SystemExit) as caught:
        compile_or_exit(str(tmp_path / "main.vpl"))
    assert caught.value.code == 1
    shown = capsys.readouterr().err
    assert "lib.vpl:1:9: error[E050]" in shown
    assert "let a = nothing()" in shown


@pytest.mark.parametrize("path", ["no.vpl", ".", "a\0b", "latin.vpl"])
def test_what_is_no_text_file_cannot_be_read(tmp_path: Path, path: str) -> None:
    (tmp_path / "latin.vpl").write_bytes(b"\xff\xfe\xe4")
    assert ImportedFiles(str(tmp_path / "main.vpl"))(path) is None


def test_validate_takes_imports() -> None:
    report = check_report(Source(source=MAIN, imports=FILES))
    assert report["valid"]
    assert report["streams"] == ["Hot"]
    broken = check_report(Source(source=MAIN, imports={}))
    assert [found["code"] for found in broken["diagnostics"]][:1] == ["E096"]

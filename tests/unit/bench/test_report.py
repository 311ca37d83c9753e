"""The report says what was measured, what was missed, and what was not measured."""

from xml.etree import ElementTree

import pytest

from bench import plotting, store
from bench.figures import decade, short
from bench.plotting.scale import around
from bench.reporting import publish, show, write
from bench.reporting.page import BEGIN, END
from tests.unit.bench.findings import (
    ALL,
    COMPARISON,
    CURVE,
    FAST,
    LATENCY,
    SLOW,
    report,
)


@pytest.fixture
def text(tmp_path):
    return write([report(*ALL)], tmp_path).read_text()


def test_it_states_cores_processor_and_versions(text):
    for word in ("processor", "cores", "memory", "Python", "C compiler", "msgspec"):
        assert word in text


def test_it_states_median_and_noise(text):
    assert "| filter <fast> | 5 M | 4.5 M | 5.5 M | events/s | ≥ 4 M | met |" in text


def test_it_tells_what_was_missed_and_by_how_much(text):
    assert "1 of 2 are met" in text
    assert "| answer | 30 ms | ≤ 15 | 50% |" in text


def test_it_tells_what_was_not_measured_and_why(text):
    assert "## Not measured" in text
    assert "| Flink | it needs a cluster |" in text


def test_it_compares_with_others_of_the_run_and_with_published_figures(text):
    assert "| windows | 2 M | 0.50 | 100.00 | 335 k |" in text
    assert "other hardware" in text
    assert "one task only" in text


def test_it_tells_how_outputs_were_checked(text):
    assert "| filter <fast> | 3 | all of them |" in text


def test_it_puts_failures_first(tmp_path):
    text = write([report(failure="42 is not 43")], tmp_path).read_text()
    assert "## Failed" in text
    assert "42 is not 43" in text


def test_every_plot_it_shows_is_there_and_is_svg(tmp_path, text):
    shown = [word for word in text.split("(") if ".svg)" in word]
    names = {word.split(")")[0] for word in shown}
    assert names == {
        "targets.svg",
        "part.svg",
        "latency.svg",
        "costs.svg",
        "memory.svg",
    }
    for name in names:
        root = ElementTree.fromstring((tmp_path / name).read_text())
        assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_a_report_of_nothing_is_a_report(tmp_path):
    assert write([], tmp_path).read_text().startswith("# Benchmarks")


def test_parts_are_kept_and_read_again(tmp_path):
    kept = report(*ALL)
    store.save(kept, tmp_path)
    assert store.load(["none", "part"], tmp_path) == [kept]


def test_the_terminal_gets_every_figure(capsys):
    show([report(*ALL)])
    printed = capsys.readouterr().out
    for word in (
        "filter <fast>",
        "4.5 M",
        "32 clients",
        "bytewax",
        "not measured: Flink",
    ):
        assert word in printed


def test_a_bar_right_of_the_line_is_better_than_asked_for():
    assert plotting.better_by(FAST) == 1.25
    assert plotting.better_by(SLOW) == 0.5


def test_texts_in_plots_are_escaped():
    assert "filter &lt;fast&gt;" in plotting.targets([FAST])


def test_plots_name_what_they_show():
    assert "ns by keys" in plotting.curves([CURVE])
    assert "335 k" in plotting.comparisons([COMPARISON])
    assert "32 clients" in plotting.latencies([LATENCY])


def test_an_axis_holds_all_values_in_whole_decades():
    axis = around([3.0, 2000.0], 0.0, 100.0)
    assert (axis.low, axis.high) == (0, 4)
    assert axis(1.0) == 0.0
    assert axis(10_000.0) == 100.0


def test_an_axis_of_one_value_has_a_length():
    axis = around([100.0], 0.0, 50.0)
    assert axis.high > axis.low


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (0.1234, "0.123"),
        (852_300, "852 k"),
        (1062, "1,062"),
        (2.41e6, "2.41 M"),
        (0, "0"),
    ],
)
def test_figures_have_three_digits(value, wanted):
    assert short(value) == wanted


def test_decades_are_written_with_letters():
    assert [decade(10.0**e) for e in (0, 3, 4, 6)] == ["1", "1k", "10k", "1M"]


def test_a_page_gets_the_figures_between_its_marks(tmp_path):
    page = tmp_path / "performance.md"
    page.write_text(f"Before.\n\n{BEGIN}\nold\n{END}\n\nAfter.\n")
    write([report(*ALL)], tmp_path / "report")
    publish([report(*ALL)], tmp_path / "report", page)
    text = page.read_text()
    assert text.startswith("Before.\n")
    assert text.endswith("After.\n")
    assert "old" not in text
    assert "| answer | 30 ms | 30 to 30 | ≤ 15 | 50% |" in text
    shown = [word.split(")")[0] for word in text.split("](") if ".svg)" in word]
    assert len(shown) == 5
    assert all((tmp_path / name).exists() for name in shown)
    publish([report(*ALL)], tmp_path / "report", page)
    assert page.read_text() == text


def test_a_page_without_marks_is_left_alone(tmp_path):
    page = tmp_path / "performance.md"
    page.write_text("Nothing here.")
    with pytest.raises(ValueError, match="lacks the lines"):
        publish([report(*ALL)], tmp_path, page)
    assert page.read_text() == "Nothing here."

"""The generated programs are those of the tutorial, and what they may be asked."""

import json
import re
import subprocess
import sys

import pytest

from cluster.demo.examples import example_path
from cluster.demo.mandelbrot.program import (
    Mandelbrot,
    MqttSink,
    group_spec,
    row_program,
    tile_events,
    whole_program,
)
from vpl import check

PICTURE = Mandelbrot(1000, 256)
SHIPPED = example_path("mandelbrot", "distributed")


@pytest.mark.parametrize("row", range(4))
def test_the_shipped_programs_are_the_generated_ones(row: int) -> None:
    shipped = (SHIPPED / f"mandelbrot_worker_{row}.vpl").read_text()
    assert shipped == row_program(PICTURE, row, MqttSink())


def test_the_shipped_programs_say_what_the_tutorial_prints() -> None:
    shipped = (SHIPPED / "mandelbrot_worker_0.vpl").read_text()
    for line in (
        'connector MqttOut = mqtt (host: "localhost", port: 1883, client_id: "mandelbrot-w0")',
        "            let cx = -2.0 + (x_off + px) * 3.0 / 1000.0",
        "    .process(compute_tile(250, 0, 250, 256))",
        '    .to(MqttOut, topic: "mandelbrot/pixels")',
    ):
        assert line in shipped.splitlines()
    assert len(re.findall(r"^context t0[0-3]$", shipped, re.MULTILINE)) == 4


@pytest.mark.parametrize("sink", [None, MqttSink("broker", 1884)])
def test_every_program_is_valid(sink: MqttSink | None) -> None:
    sources = [row_program(PICTURE, row, sink) for row in range(4)]
    for source in [*sources, whole_program(PICTURE, sink)]:
        assert check(source).diagnostics == ()


def test_one_program_covers_each_tile_once() -> None:
    offsets = re.findall(
        r"compute_tile\((\d+), (\d+), 15, 9\)", whole_program(Mandelbrot(60, 9))
    )
    assert sorted(offsets) == sorted(
        (str(x), str(y)) for x in (0, 15, 30, 45) for y in (0, 15, 30, 45)
    )


def test_sixteen_events_reach_the_rows_they_name() -> None:
    spec = group_spec(PICTURE, workers=4)
    patterns = [route["event_types"][0] for route in spec["routes"]]
    events = [event["event_type"] for event in tile_events()]
    assert len(set(events)) == 16
    for row, pattern in enumerate(patterns):
        reached = [e for e in events if e.startswith(pattern.removesuffix("*"))]
        assert reached == [f"ComputeTile{row}{column}" for column in range(4)]


def test_fewer_workers_than_rows_share_them() -> None:
    spec = group_spec(PICTURE, workers=3)
    homes = [pipeline["worker_affinity"] for pipeline in spec["pipelines"]]
    assert homes == ["worker-0", "worker-1", "worker-2", "worker-0"]


@pytest.mark.parametrize(
    ("size", "max_iter"), [(1001, 256), (0, 256), (4000, 256), (8, 0), (8, 70000)]
)
def test_it_refuses_pictures_it_cannot_make(size: int, max_iter: int) -> None:
    with pytest.raises(ValueError, match="does not do"):
        Mandelbrot(size, max_iter)


def test_the_script_deploys_the_same_group() -> None:
    def printed(*options: str) -> str:
        script = [sys.executable, str(SHIPPED / "group.py"), *options]
        return subprocess.run(script, check=True, capture_output=True, text=True).stdout

    assert json.loads(printed()) == group_spec(PICTURE, 4, MqttSink())
    assert json.loads(printed("--mqtt", "there:7")) == group_spec(
        PICTURE, 4, MqttSink("there", 7)
    )
    bare = json.loads(printed("--no-mqtt"))
    for found, wanted in zip(
        bare["pipelines"], group_spec(PICTURE, 4)["pipelines"], strict=True
    ):
        assert re.sub(r"\n+", "\n", found["source"]) == re.sub(
            r"\n+", "\n", wanted["source"]
        )
    assert printed("--pixels").strip() == "1000000"

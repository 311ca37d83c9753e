"""Parts of `make bench` that need real processes: they run, and check what they measure."""

import pytest

from bench import bodies, inject, ndjson, registry
from bench.finding import Curve
from bench.http_load import Call, put_load
from bench.mandelbrot import contexts, first_call, messages
from bench.ndjson import WorkerPipeline
from bench.result import Effort, Result, WrongOutputError
from cluster.demo.local_cluster import ThrowawayCluster
from cluster.demo.mandelbrot.program import Mandelbrot

pytestmark = pytest.mark.process
SHORT = Effort(repeats=1, seconds=0.4, events=2000, is_quick=True)


@pytest.mark.parametrize(
    "part",
    [bodies, inject, ndjson, registry],
    ids=lambda p: p.__name__,
)
def test_a_part_gives_figures_whose_outputs_were_checked(part):
    found = part.run(SHORT)
    assert found
    for each in found:
        assert isinstance(each, Result | Curve)
        assert each.checked


def test_a_wrong_answer_stops_the_load():
    with ThrowawayCluster(1) as cluster:
        pipeline = WorkerPipeline(cluster)
        event = b'{"event_type":"TemperatureReading","temperature":1.0}'
        path, key = pipeline.events_path, pipeline.key
        wrong = Call("POST", path, key, event, answer={"accepted": False})
        with pytest.raises(WrongOutputError, match="wrong answers"):
            put_load(pipeline.port, [wrong], clients=1, seconds=0.1)
        unknown = Call("POST", f"{path}-of-nobody", key, event)
        with pytest.raises(WrongOutputError, match="404"):
            put_load(pipeline.port, [unknown], clients=1, seconds=0.1)


def test_pixels_reach_the_subscriber():
    assert messages.seconds(Mandelbrot(size=16, max_iter=20), batch=5, repeats=1)[0] > 0


def test_contexts_and_the_first_call_are_measured_in_processes_of_their_own():
    assert len(contexts.measured(1, Mandelbrot(size=16), 2)) == 2
    assert first_call.measured(1)[0] > 0

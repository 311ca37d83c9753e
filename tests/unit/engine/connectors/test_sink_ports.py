"""What a sink learns from the stream that feeds it."""

import pytest

import vpl
from engine.compiler.namespace import FieldTable, Namespace
from engine.compiler.planner import plan_program
from engine.compiler.sinkports import port_of


def port(ops, declaration="kafka ()"):
    source = f"connector C = {declaration}\nstream S = In{ops}.to(C)\n"
    names = Namespace(FieldTable())
    plan = plan_program(vpl.parse(source).program, names)
    (stream,) = plan.streams
    return port_of(stream.ops[-1], stream, plan, names)


@pytest.mark.parametrize(
    ("ops", "declaration", "key"),
    [
        ("", "kafka ()", None),
        (".partition_by(sensor)", "kafka ()", "sensor"),
        (".partition_by(sensor)", "kafka (key: room)", "room"),
        (".partition_by(sensor)", 'kafka (key: "room")', "room"),
        (".partition_by(a).partition_by(b)", "kafka ()", "b"),
        (".partition_by(a, b)", "kafka ()", None),
        (".partition_by(lower(a))", "kafka ()", None),
        (".partition_by(sensor)", "mqtt ()", None),
    ],
)
def test_the_key_of_kafka_is_the_partition_key_unless_named(ops, declaration, key):
    assert port(ops, declaration).spec.params.get("key") == key


@pytest.mark.parametrize(
    ("declaration", "topic"),
    [
        ("nats ()", "S-output"),
        ('nats (topic: "a")', "a"),
        ('nats (subject: "b")', "b"),
    ],
)
def test_a_nats_topic_may_be_called_subject(declaration, topic):
    assert port("", declaration).default_topic == topic

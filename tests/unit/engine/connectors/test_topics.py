"""Topics in the form of systems that use dots."""

import re

import pytest

from engine.connectors.topics import (
    BadTopicError,
    to_exact_kafka_topic,
    to_exact_subject,
    to_kafka_subscription,
    to_subject,
)


@pytest.mark.parametrize(
    ("topic", "subject"),
    [
        ("varpulis/events/#", "varpulis.events.>"),
        ("plant/+/temp", "plant.*.temp"),
        ("plant.b1", "plant.b1"),
    ],
)
def test_a_subscription_has_the_wildcards_of_nats(topic, subject):
    assert to_subject(topic) == subject


@pytest.mark.parametrize("topic", ["plant/#", "a/*/b", "a..b", "a b", "", "+"])
def test_nothing_is_published_to_a_wildcard(topic):
    with pytest.raises(BadTopicError):
        to_exact_subject(topic)


@pytest.mark.parametrize("topic", ["a b", "plant/#", "", "x" * 250, "\u00e9"])
def test_kafka_takes_few_signs_in_a_topic(topic):
    with pytest.raises(BadTopicError):
        to_exact_kafka_topic(topic)


def test_a_plain_topic_has_dots():
    assert to_exact_subject("plant/b1") == "plant.b1"
    assert to_exact_kafka_topic("plant/b1") == "plant.b1"
    assert to_kafka_subscription("plant/b1") == "plant.b1"


@pytest.mark.parametrize(
    ("topic", "taken", "left"),
    [
        ("varpulis/events/#", "varpulis.events varpulis.events.a.b", "varpulis.event"),
        ("plant/+/temp", "plant.b1.temp", "plant.b1.x.temp plant.temp"),
        ("a-b/#", "a-b.c", "axb.c"),
        ("#", "any.thing", ""),
        ("^x[0-9]$", "x1", "y1"),
    ],
)
def test_a_wildcard_is_a_regular_expression_for_kafka(topic, taken, left):
    pattern = to_kafka_subscription(topic)
    assert all(re.search(pattern, name) for name in taken.split())
    assert not any(re.search(pattern, name) for name in left.split())

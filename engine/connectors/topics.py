"""Topics in the form of systems that use dots (vpl.md section 14).

VPL writes topics like MQTT: levels between `/`, `+` for any one level and a final `#`
for all that follow.
"""

import re

ALL_EVENTS = "varpulis/events/#"


class BadTopicError(ValueError):
    """A topic that nothing can be sent to."""


def to_subject(topic: str) -> str:
    """Return the NATS subject to subscribe to."""
    wild = {"+": "*", "#": ">"}
    return ".".join(wild.get(level, level) for level in topic.split("/"))


def to_exact_subject(topic: str) -> str:
    """Return the NATS subject to publish to; raises BadTopicError."""
    subject = topic.replace("/", ".")
    levels = subject.split(".")
    if any(level in {"", "*", ">", "+", "#"} for level in levels) or re.search(
        r"\s", subject
    ):
        raise BadTopicError(
            f"a subject to publish to has no wildcards, spaces or empty levels: "
            f"'{topic}'"
        )
    return subject


def to_kafka_topic(topic: str) -> str:
    """Return the Kafka topic to produce to."""
    return topic.replace("/", ".")


def to_kafka_subscription(topic: str) -> str:
    """Return the Kafka topic to subscribe to: a regular expression for wildcards.

    What starts with `^` is one already.
    """
    levels = topic.split("/")
    if topic.startswith("^") or not {"+", "#"} & set(levels):
        return topic if topic.startswith("^") else to_kafka_topic(topic)
    pattern = "^"
    for place, level in enumerate(levels):
        dot = r"\." if place else ""
        if level == "#":
            return f"{pattern}({dot}.*)?$" if place else "^.*$"
        pattern += dot + (r"[^.]+" if level == "+" else re.escape(level))
    return f"{pattern}$"

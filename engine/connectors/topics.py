"""Topics in the form of systems that use dots (vpl.md section 14).

VPL writes topics like MQTT: levels between `/`, `+` for any one level and a final `#`
for all that follow.
"""

import re

ALL_EVENTS = "varpulis/events/#"
MAX_SHOWN = 100  # characters of a bad topic in its error

_KAFKA_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")


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
            f"'{topic[:MAX_SHOWN]}'"
        )
    return subject


def to_kafka_topic(topic: str) -> str:
    """Return the Kafka topic that is meant."""
    return topic.replace("/", ".")


def to_exact_kafka_topic(topic: str) -> str:
    """Return the Kafka topic to produce to; raises BadTopicError."""
    name = to_kafka_topic(topic)
    if not _KAFKA_TOPIC.fullmatch(name):
        raise BadTopicError(
            "a Kafka topic has 1 to 249 letters, digits, dots, underscores and "
            f"hyphens: '{topic[:MAX_SHOWN]}'"
        )
    return name


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

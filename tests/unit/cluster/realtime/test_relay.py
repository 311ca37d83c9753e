"""Changes that travel between processes."""

import json
from uuid import UUID

import pytest

from cluster.realtime.relay import MOST_IDS, from_message, to_message
from cluster.services.notify import Change, EventRecorded, TopologyChanged


@pytest.mark.parametrize(
    "change",
    [
        TopologyChanged(7, frozenset(), frozenset()),
        TopologyChanged(8, frozenset({"w-1", "w-2"}), frozenset({UUID(int=5)})),
        EventRecorded({"seq": 1, "type": "worker.joined"}),
    ],
)
def test_a_change_arrives_as_it_was_sent(change: Change) -> None:
    assert from_message(json.loads(json.dumps(to_message(change)))) == change


def test_a_change_of_many_arrives_without_their_names() -> None:
    workers = frozenset(f"w-{number}" for number in range(MOST_IDS + 1))
    change = TopologyChanged(9, workers, frozenset())
    unnamed = TopologyChanged(9, frozenset(), frozenset())
    assert from_message(to_message(change)) == unnamed

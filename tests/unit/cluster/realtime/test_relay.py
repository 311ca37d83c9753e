"""Changes that travel between processes."""

import pytest

from cluster.realtime.relay import from_message, to_message
from cluster.services.notify import Change, EventRecorded, TopologyChanged


@pytest.mark.parametrize(
    "change",
    [
        TopologyChanged(7, frozenset(), frozenset()),
        EventRecorded({"seq": 1, "type": "worker.joined"}),
    ],
)
def test_a_change_arrives_as_it_was_sent(change: Change) -> None:
    assert from_message(to_message(change)) == change

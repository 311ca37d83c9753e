"""What waits for one connection."""

from cluster.realtime.client import QUEUE_LIMIT, FeedClient


async def test_messages_come_in_their_order() -> None:
    client = FeedClient()
    client.put(b"1")
    client.put(b"2")
    assert [await client.get(), await client.get()] == [b"1", b"2"]


def test_a_client_that_does_not_keep_up_is_marked() -> None:
    client = FeedClient()
    for _ in range(QUEUE_LIMIT):
        client.put(b"x")
    assert not client.is_too_slow
    client.put(b"x")
    assert client.is_too_slow

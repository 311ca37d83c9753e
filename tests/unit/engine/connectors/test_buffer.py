"""The buffer between a pipeline and a sink's thread."""

import threading

from engine.connectors.buffer import Pending, SinkBuffer


def events(*numbers):
    return [Pending("t", b"%d" % number, "S") for number in numbers]


def numbers(pending):
    return [int(item.payload) for item in pending]


def test_events_come_out_in_the_order_they_went_in():
    buffer = SinkBuffer(lambda: None)
    buffer.put(events(1, 2))
    buffer.put(events(3))
    assert numbers(buffer.take(2)) == [1, 2]
    assert numbers(buffer.take(2)) == [3]


def test_events_that_find_no_room_in_time_are_handed_back():
    buffer = SinkBuffer(lambda: None, capacity=2, hold_up_s=0)
    assert numbers(buffer.put(events(1, 2, 3, 4))) == [3, 4]
    assert numbers(buffer.take(9)) == [1, 2]


def test_a_stuck_consumer_holds_nobody_up_twice():
    buffer = SinkBuffer(lambda: None, capacity=1, hold_up_s=0)
    buffer.put(events(1, 2))
    buffer._hold_up_s = 3600  # a second wait would be seen as a test that hangs
    assert numbers(buffer.put(events(3))) == [3]


def test_room_ends_the_waiting_and_the_stuck_state():
    buffer = SinkBuffer(lambda: None, capacity=1, hold_up_s=3600)
    buffer.put(events(1))
    producer = threading.Thread(target=buffer.put, args=(events(2, 3),))
    producer.start()
    taken = []
    while len(taken) < 3:
        taken += numbers(buffer.take(1))
    producer.join()
    assert taken == [1, 2, 3]


def test_the_consumer_is_woken_once_until_it_has_found_nothing():
    wakes = []
    buffer = SinkBuffer(lambda: wakes.append(1))
    buffer.put(events(1))
    buffer.put(events(2))
    assert len(wakes) == 1
    buffer.take(9)
    buffer.put(events(3))
    assert len(wakes) == 2


def test_events_put_back_come_first():
    buffer = SinkBuffer(lambda: None)
    buffer.put(events(1, 2, 3))
    taken = buffer.take(2)
    buffer.put_back(taken)
    assert numbers(buffer.take(9)) == [1, 2, 3]


def test_closing_lets_waiting_producers_go():
    buffer = SinkBuffer(lambda: None, capacity=1, hold_up_s=3600)
    buffer.put(events(1))
    refused = []
    producer = threading.Thread(target=lambda: refused.extend(buffer.put(events(2))))
    producer.start()
    buffer.close()
    producer.join()
    assert numbers(refused) == [2]

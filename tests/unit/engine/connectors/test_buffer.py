"""The buffer between a pipeline and a sink's thread."""

import threading

from engine.connectors.buffer import Messages, SinkBuffer, by_stream, singly


def events(*numbers):
    return Messages("t", [b"%d" % number for number in numbers], "S")


def numbers(found):
    blocks = [found] if isinstance(found, Messages) else found
    return [int(payload) for block in blocks for payload in block.payloads]


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


def test_arrays_take_the_room_of_their_events():
    buffer = SinkBuffer(lambda: None, capacity=7, hold_up_s=0.01)
    arrays = Messages("t", [b"[1,2,3]", b"[4,5,6]", b"[7,8,9]"], "S", 3)
    assert buffer.put(arrays) == arrays.part(2)
    assert buffer.take(1) == [arrays.part(0, 1)]
    assert buffer.put(events(1, 2, 3, 4)) == events()
    assert buffer.put(events(5)) == events(5)
    assert buffer.take(2) == [arrays.part(1, 2), events(1)]
    assert len(buffer) == 3


def test_dead_arrays_fall_apart_into_events():
    dead = [Messages("t", [b'[{"a":1},{"a":2}]'], "S", 2), events(3)]
    assert by_stream(singly(dead)) == {"S": [b'{"a":1}', b'{"a":2}', b"3"]}


def test_closing_lets_waiting_producers_go():
    buffer = SinkBuffer(lambda: None, capacity=1, hold_up_s=3600)
    buffer.put(events(1))
    refused = []
    producer = threading.Thread(target=lambda: refused.append(buffer.put(events(2))))
    producer.start()
    buffer.close()
    producer.join()
    assert refused == [events(2)]

"""How far a watcher may fall behind, and what it is told of it."""

import asyncio
import threading

from engine.worker.output_log import WAITING_LIMIT, OutputLog, Watcher, as_event

BOTH = frozenset(("output", "log"))


def test_a_reader_that_is_too_far_behind_is_told_how_much_it_missed():
    async def watch():
        watcher = Watcher(asyncio.get_running_loop(), BOTH)
        watcher.take_up([{"n": n} for n in range(WAITING_LIMIT - 1)], [])
        watcher.take_up([{"n": -1}, {"n": -2}, {"n": -3}], [{"code": "R001"}])
        return await watcher.read(5)

    entries = asyncio.run(watch())
    assert len(entries) == WAITING_LIMIT + 1
    assert entries[-2:] == [("output", {"n": -1}), ("dropped", 3)]


def test_what_waits_is_read_before_the_end():
    async def watch():
        watcher = Watcher(asyncio.get_running_loop(), BOTH)
        watcher.take_up([{"n": 1}], [])
        watcher.end()
        return await watcher.read(5), await watcher.read(5)

    assert asyncio.run(watch()) == ([("output", {"n": 1})], None)


def test_nothing_for_a_while_is_an_empty_answer():
    async def watch():
        return await Watcher(asyncio.get_running_loop(), BOTH).read(0.01)

    assert asyncio.run(watch()) == []


def test_entries_come_from_any_thread():
    async def watch():
        watcher = Watcher(asyncio.get_running_loop(), BOTH)
        maker = threading.Thread(target=watcher.take_up, args=([{"n": 1}], []))
        maker.start()
        entries = await watcher.read(5)
        maker.join()
        return entries

    assert asyncio.run(watch()) == [("output", {"n": 1})]


def test_closing_ends_every_watcher_and_stops_watching():
    stopped = []

    async def watch():
        log = OutputLog(lambda _watcher: lambda: stopped.append(1))
        watchers = [log.open(BOTH), log.open(BOTH)]
        log.close()
        return [await watcher.read(5) for watcher in watchers]

    assert asyncio.run(watch()) == [None, None]
    assert stopped == [1, 1]


def test_an_entry_is_one_server_sent_event():
    assert as_event(("output", {"n": 1})) == b'event: output\ndata: {"n":1}\n\n'
    assert as_event(("dropped", 3)) == b'event: dropped\ndata: {"count":3}\n\n'

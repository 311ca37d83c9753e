"""The pace and the state of a connection that is made again for ever."""

import pytest

from engine.connectors import link as link_module
from engine.connectors.link import FIRST_BACKOFF_S, LAST_BACKOFF_S, Link


@pytest.fixture
def pauses(monkeypatch):
    """Return the pauses of `link`, which do not take place."""
    taken = []
    monkeypatch.setattr(link_module.random, "random", lambda: 1.0)

    def make():
        link = Link("C", "there")
        monkeypatch.setattr(link.closing, "wait", taken.append)
        return link, taken

    return make


def test_pauses_double_up_to_half_a_minute(pauses):
    link, taken = pauses()
    for _ in range(11):
        link.pause()
    assert taken[:4] == [0.1, 0.2, 0.4, 0.8]
    assert taken[-2:] == [LAST_BACKOFF_S, LAST_BACKOFF_S]


def test_pauses_start_again_after_progress_and_not_after_a_mere_connection(pauses):
    link, taken = pauses()
    link.pause()
    link.note_connected()
    link.pause()
    link.note_progress()
    link.pause()
    assert taken == [FIRST_BACKOFF_S, 2 * FIRST_BACKOFF_S, FIRST_BACKOFF_S]


def test_jitter_takes_up_to_half_of_a_pause(pauses, monkeypatch):
    link, taken = pauses()
    monkeypatch.setattr(link_module.random, "random", lambda: 0.0)
    link.pause()
    assert taken == [FIRST_BACKOFF_S / 2]


def test_a_reason_is_logged_once(caplog):
    link = Link("C", "there")
    for _ in range(3):
        link.note_lost("gone")
    assert [record.message for record in caplog.records] == [
        "Connector 'C' (there): gone"
    ]
    assert (link.connected, link.error) == (False, "gone")


def test_a_closing_link_is_overdue_when_its_time_is_up():
    link = Link("C", "there")
    assert not link.is_overdue
    link.begin_closing(60)
    assert not link.is_overdue
    link.begin_closing(0)
    assert link.is_overdue

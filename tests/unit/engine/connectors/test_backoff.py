"""Pauses between tries."""

from engine.connectors.backoff import Backoff


def test_pauses_double_from_a_tenth_of_a_second_to_half_a_minute():
    backoff = Backoff(lambda: 1.0)
    pauses = [backoff.next_s() for _ in range(11)]
    assert pauses[:4] == [0.1, 0.2, 0.4, 0.8]
    assert pauses[-2:] == [30.0, 30.0]


def test_jitter_takes_away_at_most_half():
    assert Backoff(lambda: 0.0).next_s() == 0.05


def test_a_success_starts_over():
    backoff = Backoff(lambda: 1.0)
    backoff.next_s()
    backoff.next_s()
    backoff.reset()
    assert backoff.next_s() == 0.1

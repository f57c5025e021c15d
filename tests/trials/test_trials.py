"""The trials in short; and that they notice what they are for."""

import pytest

import kills
import writers


@pytest.mark.parametrize("engine", ["db", "postgres"])
def test_what_was_acknowledged_outlives_our_server(engine, tmp_path):
    figures = kills.trial(engine, 2, 1, tmp_path)
    assert kills.holds(figures), figures


def test_what_is_lost_is_noticed(tmp_path):
    # Memory ends with its process, and each of the two has its own.
    figures = kills.trial("db", 1, 1, tmp_path, CLOAKROOM_SESSIONS="memory:")
    assert figures["acknowledged"] > 0
    assert figures["lost"] > 0
    assert not kills.holds(figures)


@pytest.mark.parametrize("engine", ["db", "cache", "file"])
def test_two_of_ours_lose_nothing_and_one_of_ours_takes_nothing_from_a_django(engine, tmp_path):
    for pair in ("two Cloakrooms", "Cloakroom and Django"):
        (tmp_path / pair).mkdir()
        figures = writers.trial(engine, pair, 40, 1, tmp_path / pair)
        assert writers.holds(figures), figures


def test_what_two_djangos_lose_to_each_other_is_noticed(tmp_path):
    # Of 60 updates about ten; none at all is one chance in a hundred thousand.
    figures = writers.trial("db", "two Djangos", 60, 1, tmp_path)
    assert figures["django_lost"] > 0, figures

"""Beside a Django in rollback-journal mode, where a writer can hold the file."""

import sqlite3
import threading
import time
from contextlib import contextmanager

import pytest

from client import Client
from servers import made_by_django


@pytest.fixture
def shop(tmp_path):
    place = made_by_django(tmp_path)
    yield place
    place.stop()


@contextmanager
def held(database, kind: str):
    """The file's lock, as a slow Django request holds it."""
    connection = sqlite3.connect(database, isolation_level=None, timeout=10)
    connection.execute(f"BEGIN {kind}")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


def journal_mode(place) -> str:
    connection = sqlite3.connect(place.database)
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    connection.close()
    return mode


def test_the_journal_mode_is_django_s_to_choose(shop, client, username):
    there = shop.start_django()
    here = shop.start_cloakroom()
    there.person(username)
    assert journal_mode(shop) == "delete"
    assert here.login(client, username).status == 302
    assert there.whoami(client)["user"] == username
    assert journal_mode(shop) == "delete"


def test_a_reader_is_not_held_up_by_a_writer_that_has_not_committed(shop, client, username):
    there = shop.start_django()
    here = shop.start_cloakroom()
    there.person(username)
    here.login(client, username)
    with held(shop.database, "IMMEDIATE"):
        start = time.monotonic()
        assert here.knows(client)
        assert time.monotonic() - start < 1


def test_a_short_lock_is_waited_for(shop, client, username):
    there = shop.start_django()
    here = shop.start_cloakroom()
    there.person(username)
    token = client.get(f"{here.url}/login/").csrf_token()
    answers = []
    locked = held(shop.database, "EXCLUSIVE")
    with locked:
        fields = {"csrfmiddlewaretoken": token, "username": username, "password": "correct horse battery staple"}
        waiting = threading.Thread(target=lambda: answers.append(client.post(f"{here.url}/login/", **fields)))
        waiting.start()
        waiting.join(timeout=1)
        assert waiting.is_alive(), f"answered {answers[0].status} under the lock"
    waiting.join(timeout=30)
    assert answers[0].status == 302
    assert there.whoami(client)["user"] == username


def test_a_lock_that_lasts_is_a_503_that_touches_no_cookie(shop, client, username):
    # S15.
    there = shop.start_django()
    here = shop.start_cloakroom()
    there.person(username)
    here.login(client, username)
    cookies = dict(client.cookies)
    other = Client()
    token = other.get(f"{here.url}/login/").csrf_token()
    with held(shop.database, "EXCLUSIVE"):
        answer = client.get(f"{here.url}/home/")
        assert answer.status == 503
        assert answer.headers.get_all("Set-Cookie") is None
        answer = other.post(
            f"{here.url}/login/", csrfmiddlewaretoken=token, username=username, password="correct horse battery staple"
        )
        assert answer.status == 503
        assert "sessionid" not in other.cookies
    assert client.cookies == cookies
    assert here.knows(client), "the same cookie works again"
    assert here.login(other, username).status == 302

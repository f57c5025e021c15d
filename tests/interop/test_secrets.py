"""Secret keys that change, or do not fit."""

import sqlite3

import pytest

from client import Client
from servers import SECRET_KEY, made_by_django

NEW_KEY = "another secret of the tests longer than thirty-two bytes"


@pytest.fixture
def shop(tmp_path):
    place = made_by_django(tmp_path)
    yield place
    place.stop()


def test_a_rotated_key_keeps_the_sessions_of_the_old_one(shop, client, username):
    there = shop.start_django()
    there.person(username)
    there.login(client, username)
    old = client.copy()
    here = shop.start_cloakroom(SECRET_KEY=NEW_KEY, SECRET_KEY_FALLBACKS=SECRET_KEY)
    assert here.knows(client)
    assert client.cookies["sessionid"] != old.cookies["sessionid"], "the session is renewed under the new key"
    assert not here.knows(old)
    rotated = shop.start_django(SECRET_KEY=NEW_KEY)
    assert rotated.whoami(client)["user"] == username


def test_django_reads_what_is_signed_with_its_fallback(shop, client, username):
    there = shop.start_django(SECRET_KEY=NEW_KEY, SECRET_KEY_FALLBACKS=SECRET_KEY)
    here = shop.start_cloakroom()
    there.person(username)
    here.login(client, username)
    assert there.whoami(client)["user"] == username


def test_a_key_that_does_not_fit_replaces_no_cookie(shop, client, username):
    # E15.
    there = shop.start_django()
    there.person(username)
    there.login(client, username)
    cookies = dict(client.cookies)
    here = shop.start_cloakroom(SECRET_KEY=NEW_KEY)
    answer = client.get(f"{here.url}/home/")
    assert answer.status != 200
    assert client.cookies.get("sessionid") == cookies["sessionid"]
    assert there.whoami(client)["user"] == username


@pytest.mark.parametrize("sessions", ["memory:", "cookie:"])
def test_sessions_that_were_left_behind_do_not_decide_whether_the_key_fits(shop, client, username, sessions):
    there = shop.start_django()
    there.person(username)
    there.login(client, username)
    with sqlite3.connect(shop.database) as database:
        assert database.execute("SELECT count(*) FROM django_session").fetchone() == (1,)
    # They are another key's, and the sessions are elsewhere now.
    elsewhere = shop.start_cloakroom(SECRET_KEY=NEW_KEY, CLOAKROOM_SESSIONS=sessions)
    assert client.get(f"{elsewhere.url}/readyz").status == 200
    visitor = Client()
    assert elsewhere.login(visitor, username).status == 302
    assert elsewhere.knows(visitor)
    # Where they are still in use they do.
    here = shop.start_cloakroom(SECRET_KEY=NEW_KEY)
    assert client.get(f"{here.url}/readyz").status == 503

"""Sessions in signed cookies, and the server's list of those that have ended (row S6)."""

import sqlite3
import time

import pytest

from client import Client
from databases import Server
from servers import PASSWORD, Place, made_by_cloakroom

IN_COOKIES = {"CLOAKROOM_SESSIONS": "cookie:"}


@pytest.fixture
def place(tmp_path):
    place = made_by_cloakroom(tmp_path)
    command = ["createsuperuser", "--noinput", "--username", "ada", "--email", "a@example.com"]
    assert place.cloakroom_command(*command, DJANGO_SUPERUSER_PASSWORD=PASSWORD).returncode == 0
    yield place
    place.stop()


def signed_in(server) -> Client:
    client = Client()
    assert server.login(client, "ada").status == 302
    assert server.knows(client)
    return client


def rows(place: Place) -> list[tuple]:
    with sqlite3.connect(place.database) as database:
        return database.execute("SELECT session_key, expire_date FROM django_session").fetchall()


def test_on_a_site_of_our_own_a_logout_holds_for_copies_of_the_cookie(place):
    # S6.
    server = place.start_cloakroom(**IN_COOKIES)
    client, elsewhere = signed_in(server), signed_in(server)
    thief = client.copy()
    assert server.knows(thief)
    server.logout(client)
    assert not server.knows(client)
    assert not server.knows(thief)
    assert server.knows(elsewhere)
    again = place.start_cloakroom(**IN_COOKIES)
    assert not again.knows(thief), "after a new start too"
    assert again.knows(elsewhere)


def test_the_list_is_cleared_when_no_cookie_can_be_valid(place):
    server = place.start_cloakroom(**IN_COOKIES)
    client = signed_in(server)
    server.logout(client)
    (row,) = rows(place)
    assert place.cloakroom_command("clearsessions", **IN_COOKIES).returncode == 0
    assert rows(place) == [row]
    with sqlite3.connect(place.database) as database:
        database.execute("UPDATE django_session SET expire_date = '2020-01-01 00:00:00'")
    assert place.cloakroom_command("clearsessions", **IN_COOKIES).returncode == 0
    assert rows(place) == []


@pytest.mark.parametrize(
    "environ", [{"CLOAKROOM_PROFILE": "shared"}, {"CLOAKROOM_SESSION_REVOCATIONS": "null"}], ids=["shared", "null"]
)
def test_beside_a_django_or_where_it_is_not_wanted_there_is_no_list(place, environ):
    server = place.start_cloakroom(**IN_COOKIES, **environ)
    client = signed_in(server)
    thief = client.copy()
    server.logout(client)
    assert server.knows(thief)
    assert rows(place) == []
    assert place.cloakroom_command("clearsessions", **IN_COOKIES, **environ).returncode == 0


def test_a_place_that_is_none_is_refused_and_not_repeated(place):
    for text in ("cookie:", "memcached://hunter2", "hunter2", ""):
        ran = place.cloakroom_command("check", "--database", **IN_COOKIES, CLOAKROOM_SESSION_REVOCATIONS=text)
        assert ran.returncode == 1, text
        assert "SESSION_REVOCATIONS names no place for a list" in ran.stderr
        assert "hunter2" not in ran.stderr


def test_while_the_list_is_down_nobody_is_let_in_or_out_and_no_cookie_is_touched(place):
    redis = Server("redis")
    try:
        environ = {**IN_COOKIES, "CLOAKROOM_SESSION_REVOCATIONS": redis.url}
        server = place.start_cloakroom(**environ)
        client = signed_in(server)
        thief, cookies = client.copy(), dict(client.cookies)
        for ends, begins in (("kill", "start"), ("freeze", "thaw")):
            redis.tell(ends)
            answer = client.get(f"{server.url}/home/")
            assert (answer.status, answer.headers.get_all("Set-Cookie")) == (503, None)
            assert answer.headers["Retry-After"]
            assert client.get(f"{server.url}/readyz").status == 503
            assert Client().get(f"{server.url}/login/").status == 200, "a page that needs no session goes on"
            assert client.cookies == cookies
            redis.tell(begins)
            began = time.monotonic()
            while client.get(f"{server.url}/readyz").status != 200:
                assert time.monotonic() - began < 12, "it does not come back"
                time.sleep(0.02)
            assert server.knows(client)
        server.logout(client)
        assert not server.knows(thief)
    finally:
        redis.stop()

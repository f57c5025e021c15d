"""One list of sessions for a Django with allauth and the server beside it."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from client import Client
from servers import PASSWORD, environment

SITE = str(Path(__file__).parent / "allauth_site.py")


@pytest.fixture
def sites(place):
    """The server and a Django with allauth on one database, with a user."""
    migrate = [sys.executable, SITE, str(place.database), "migrate"]
    subprocess.run(migrate, env=environment(), check=True, timeout=120)
    process = place.start([sys.executable, SITE, str(place.database), "serve"], environment())
    port = process.process.stdout.readline().strip()
    there = f"http://127.0.0.1:{port}"
    assert Client().post_json(f"{there}/person", {"username": "ada", "password": PASSWORD}).status == 200
    return place, place.start_cloakroom(), there


def sign_in_there(there):
    client = Client()
    assert client.post_json(f"{there}/sign-in", {"username": "ada", "password": PASSWORD}).status == 200
    return client


def listed(client, there):
    return client.get(f"{there}/listed").json()["sessions"]


def rows(place):
    connection = sqlite3.connect(place.database)
    try:
        return connection.execute("SELECT session_key, user_agent, data FROM usersessions_usersession").fetchall()
    finally:
        connection.close()


def test_a_login_here_is_in_allauth_s_list_and_allauth_ends_it(sites):
    place, here, there = sites
    owner, other = sign_in_there(there), Client()
    assert here.login(other, "ada").status == 302
    keys = {session["key"] for session in listed(owner, there)}
    assert keys == {owner.cookies["sessionid"], other.cookies["sessionid"]}
    assert owner.post_json(f"{there}/end", {"key": other.cookies["sessionid"]}).status == 200
    assert not here.knows(other)
    assert [session["current"] for session in listed(owner, there)] == [True]
    assert here.knows(owner)


def test_a_login_and_a_logout_here_leave_no_second_row(sites):
    place, here, there = sites
    client = Client()
    here.login(client, "ada")
    first = client.cookies["sessionid"]
    here.login(client, "ada")
    [(key, _, data)] = rows(place)
    assert key == client.cookies["sessionid"] != first
    # allauth takes the row for its own, and leaves our id in it.
    assert [session["current"] for session in listed(client, there)] == [True]
    [(_, _, kept)] = rows(place)
    assert json.loads(kept) == json.loads(data) != {}
    assert here.knows(client)
    here.logout(client)
    assert rows(place) == []


def test_a_session_begun_there_is_moved_in_the_list_by_a_login_here(sites):
    place, here, there = sites
    client = sign_in_there(there)
    listed(client, there)
    assert len(rows(place)) == 1
    here.login(client, "ada")
    assert [key for key, _, _ in rows(place)] == [client.cookies["sessionid"]]
    assert [session["current"] for session in listed(client, there)] == [True]

"""The first start on a fresh machine: a database, a key, and a link that makes one superuser (rows N1, N2)."""

import re
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from client import Client
from servers import CLOAKROOM, Cloakroom, Place, environment, free_port

PASSWORD = "four words that fit"


class FirstStart(Place):
    """A folder with nothing in it, and the server started in it as a new user does."""

    def serve(self) -> Cloakroom:
        port = free_port()
        environ = {name: value for name, value in environment().items() if name not in ("SECRET_KEY", "DATABASE_URL")}
        process = self.start([CLOAKROOM, "serve", "--listen", f"127.0.0.1:{port}"], environ)
        process.await_port(port)
        # The port is open a moment before the start's messages are written.
        deadline = time.monotonic() + 10
        while "listens at" not in process.log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return Cloakroom(f"http://127.0.0.1:{port}", process)

    def link(self, server: Cloakroom) -> str | None:
        found = re.findall(r"http://\S*/first-superuser/\S*", server.process.log.read_text())
        assert len(found) <= 1, "printed once"
        return found[0] if found else None

    def users(self) -> int:
        with sqlite3.connect(self.folder / "cloakroom.sqlite3") as connection:
            return connection.execute("SELECT count(*) FROM auth_user").fetchone()[0]


@pytest.fixture
def place(tmp_path):
    place = FirstStart(tmp_path)
    yield place
    place.stop()


def fill(client: Client, link: str, username: str, **headers: str):
    """Sends the link's form; with other headers than its own page would send, if they are given."""
    token = client.get(link).csrf_token()
    fields = {
        "csrfmiddlewaretoken": token,
        "username": username,
        "email": "",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    return client.post_with(link, headers, **fields)


def test_the_link_makes_the_first_superuser_who_signs_in(place, client):
    server = place.serve()
    link = place.link(server)
    answer = fill(client, link, "ann")
    assert (answer.status, answer.location) == (302, "/login/")
    assert server.login(client, "ann", PASSWORD).status == 302
    assert server.knows(client)
    assert client.get(link).status == 410, "the link is used up"
    with sqlite3.connect(place.folder / "cloakroom.sqlite3") as connection:
        row = connection.execute("SELECT username, is_superuser, is_staff, is_active FROM auth_user").fetchall()
    assert row == [("ann", 1, 1, 1)]


def test_nobody_can_sign_in_before_the_first_superuser_is_made(place):
    # P7: no name and no password comes with it.
    server = place.serve()
    assert place.users() == 0
    for username in ("admin", "root", "cloakroom"):
        for password in (username, "password", "!", ""):
            client = Client()
            # The form again; too many are told to wait, and on a machine that is busy somebody else is first.
            assert server.login(client, username, password).status in (200, 429, 503), (username, password)
            assert not server.knows(client)
    # One whom a script makes without a password has none that fits.
    command = ("createsuperuser", "--noinput", "--username", "admin", "--email", "")
    database = f"sqlite:{place.folder / 'cloakroom.sqlite3'}"
    assert place.cloakroom_command(*command, DATABASE_URL=database).returncode == 0
    with sqlite3.connect(place.folder / "cloakroom.sqlite3") as connection:
        (kept,) = connection.execute("SELECT password FROM auth_user").fetchone()
    assert re.fullmatch(r"![A-Za-z0-9]{40}", kept), "unusable, as Django writes it"
    place.stop()
    again = place.serve()
    for password in ("admin", kept, "!", ""):
        client = Client()
        assert again.login(client, "admin", password).status in (200, 503), password
        assert not again.knows(client)


def test_files_of_the_first_start_are_only_their_owner_s(place):
    place.serve()
    files = [path for path in place.folder.iterdir() if path.name.startswith("cloakroom.sqlite3")]
    assert len(files) >= 2, "the database and the key"
    for path in files:
        assert path.stat().st_mode & 0o077 == 0, path.name


def test_of_fifty_who_try_at_once_one_is_the_first(place):
    # H6, N1.
    link = place.link(place.serve())
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda n: fill(Client(), link, f"user{n}").status, range(50)))
    assert answers.count(302) == 1 and set(answers) <= {302, 410, 503}, answers
    assert place.users() == 1


def test_asking_for_the_page_uses_nothing_up(place, client):
    link = place.link(place.serve())
    for _ in range(3):
        assert client.get(link, **{"Sec-Purpose": "prefetch"}).status == 200
    assert fill(client, link, "ann").status == 302


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "192.0.2.1"},
        {"Forwarded": "for=192.0.2.1"},
        {"X-Real-IP": "192.0.2.1"},
        {"Via": "1.1 proxy"},
        {"Host": "localhost"},
        {"Host": "rebound.example"},
        # A proxy that sends its upstream's address as Host: the browser still says where it is.
        {"Origin": "http://www.example.org"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=lambda headers: "-".join(*headers.items()),
)
def test_nobody_is_made_through_a_proxy_or_from_elsewhere(place, client, headers):
    # P7, N1.
    link = place.link(place.serve())
    assert fill(client, link, "ann", **headers).status in (400, 403, 404)
    assert place.users() == 0
    assert fill(Client(), link, "ann").status == 302, "the link is still there for its owner"


def test_a_wrong_token_is_a_page_that_is_not_there(place, client):
    server = place.serve()
    link = place.link(server)
    for path in ["x/", "a" * 5000 + "/", "%00/", link.rsplit("/", 2)[1][:-1] + "/"]:
        assert client.get(f"{server.url}/first-superuser/{path}").status == 404
    assert place.users() == 0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"password2": "something else"}, "didn’t match"),
        ({"password1": "short", "password2": "short"}, "too short"),
        ({"username": "<script>"}, "valid username"),
        ({"username": ""}, "cannot be blank"),
        ({"email": "nobody"}, "valid email"),
    ],
)
def test_a_wrong_form_is_shown_again_and_makes_nobody(place, client, changed, message):
    link = place.link(place.serve())
    token = client.get(link).csrf_token()
    fields = {"username": "ann", "email": "", "password1": PASSWORD, "password2": PASSWORD} | changed
    answer = client.post(link, csrfmiddlewaretoken=token, **fields)
    assert answer.status == 200 and message in answer.body
    assert "<script>" not in answer.body and PASSWORD not in answer.body
    assert place.users() == 0


def test_a_second_start_needs_no_link_and_keeps_the_key(place, client):
    server = place.serve()
    fill(client, place.link(server), "ann")
    server.login(client, "ann", PASSWORD)
    server.process.stop()
    again = place.serve()
    assert place.link(again) is None
    assert again.knows(client), "the key is the same"


def test_users_without_the_key_are_not_given_another(place, client):
    # N2.
    server = place.serve()
    fill(client, place.link(server), "ann")
    server.process.stop()
    key = next(path for path in place.folder.iterdir() if "key" in path.name)
    key.unlink()
    environ = {name: value for name, value in environment().items() if name not in ("SECRET_KEY", "DATABASE_URL")}
    process = place.start([CLOAKROOM, "serve", "--listen", f"127.0.0.1:{free_port()}"], environ)
    assert process.process.wait(20) == 1
    assert "SECRET_KEY" in process.log.read_text()
    assert not key.exists()

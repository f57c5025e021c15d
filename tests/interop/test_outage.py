"""The server while its database or its cache is down, hangs, or comes later; and afterwards."""

import re
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from client import Client
from databases import Server
from servers import PASSWORD, Cloakroom, Place

# What keeps the sessions, and what is told to the server about it.
ENGINES = {"postgres": "postgres", "mysql": "mysql", "redis": "redis", "cached": "redis"}
# No call to a store waits longer (5 s for a database); twice is for a page that asks twice.
PATIENCE = 12.0


@pytest.fixture(params=list(ENGINES))
def site(request: pytest.FixtureRequest, tmp_path) -> Iterator[SimpleNamespace]:
    """A store of its own for each test, as the test ends it; and a user."""
    store, place = Server(ENGINES[request.param]), Place(tmp_path)
    environ = {
        "postgres": {"DATABASE_URL": store.url},
        "mysql": {"DATABASE_URL": store.url},
        "redis": {"CLOAKROOM_SESSIONS": store.url},
        "cached": {"CLOAKROOM_SESSIONS": "cached", "CLOAKROOM_CACHE_URL": store.url},
    }[request.param]
    try:
        for command in (["migrate"], ["createsuperuser", "--noinput", "--username", "ada", "--email", "a@example.com"]):
            ran = place.cloakroom_command(*command, DJANGO_SUPERUSER_PASSWORD=PASSWORD, **environ)
            assert ran.returncode == 0, ran.stderr
        yield SimpleNamespace(name=request.param, store=store, place=place, environ=environ)
    finally:
        place.stop()
        store.stop()


def signed_in(server: Cloakroom) -> Client:
    client = Client()
    assert server.login(client, "ada").status == 302
    assert server.knows(client)
    return client


@pytest.mark.parametrize(("ends", "begins"), [("kill", "start"), ("freeze", "thaw")])
def test_an_outage_is_a_503_that_touches_no_cookie_and_ends_by_itself(site, ends, begins):
    # S15.
    server = site.place.start_cloakroom(**site.environ)
    client, other = signed_in(server), Client()
    token = other.get(f"{server.url}/login/").csrf_token()
    cookies = dict(client.cookies)
    site.store.tell(ends)
    if site.name != "cached":
        began = time.monotonic()
        answer = client.get(f"{server.url}/home/")
        assert answer.status == 503, answer.body
        assert time.monotonic() - began < PATIENCE
        assert answer.headers["Retry-After"]
        assert answer.headers.get_all("Set-Cookie") is None
        answer = other.post(f"{server.url}/login/", csrfmiddlewaretoken=token, username="ada", password=PASSWORD)
        assert answer.status == 503, answer.body
        assert "sessionid" not in other.cookies
        assert client.get(f"{server.url}/readyz").status == 503
    else:
        # The database knows what the cache does not say.
        assert server.knows(client)
    began = time.monotonic()
    assert client.get(f"{server.url}/livez").status == 200
    assert Client().get(f"{server.url}/login/").status == 200, "a page that needs no session goes on"
    assert time.monotonic() - began < 2
    assert client.cookies == cookies
    site.store.tell(begins)
    began = time.monotonic()
    while client.get(f"{server.url}/home/").status != 200:
        assert time.monotonic() - began < PATIENCE, "it does not come back"
        time.sleep(0.02)
    assert time.monotonic() - began < 1.5, "a second after the store is back, and some for the test"
    assert client.cookies == cookies, "the same cookie works again"
    assert server.login(other, "ada").status == 302
    server.logout(client)
    assert not server.knows(client)


def test_a_store_that_comes_later_is_waited_for(site):
    site.store.tell("kill")
    server = site.place.start_cloakroom(**site.environ)
    if site.name != "cached":
        assert Client().get(f"{server.url}/readyz").status == 503
        answer = Client().get(f"{server.url}/login/", Accept="text/html")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
        assert "<title>" in answer.body
    assert Client().get(f"{server.url}/livez").status == 200
    site.store.tell("start")
    began = time.monotonic()
    while Client().get(f"{server.url}/readyz").status != 200:
        assert time.monotonic() - began < PATIENCE, "it does not become ready"
        time.sleep(0.05)
    signed_in(server)


@pytest.mark.parametrize("kind", ["postgres", "mysql"])
def test_the_first_superuser_s_link_is_shown_also_when_the_database_comes_later(kind, tmp_path):
    store, place = Server(kind), Place(tmp_path)
    environ = {"DATABASE_URL": store.url}
    try:
        assert place.cloakroom_command("migrate", **environ).returncode == 0
        store.tell("kill")
        server = place.start_cloakroom(**environ)
        assert Client().get(f"{server.url}/readyz").status == 503
        assert links(server) == []
        store.tell("start")
        began = time.monotonic()
        while Client().get(f"{server.url}/readyz").status != 200:
            assert time.monotonic() - began < PATIENCE, "it does not become ready"
            time.sleep(0.05)
        (link,) = links(server)
        fields = {"username": "ada", "email": "", "password1": PASSWORD, "password2": PASSWORD}
        visitor = Client()
        token = visitor.get(link).csrf_token()
        answer = visitor.post_with(link, {}, csrfmiddlewaretoken=token, **fields)
        assert answer.status == 302, answer.body
        signed_in(server)
    finally:
        place.stop()
        store.stop()


def links(server: Cloakroom) -> list[str]:
    """The links for the first superuser that the server has shown."""
    return re.findall(r"http://\S*/first-superuser/\S*", server.process.log.read_text())

"""The headers of every answer, pages and errors alike."""

import re
import sqlite3
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from client import Answer, Client
from servers import PASSWORD, SECRET_KEY, Place, free_port, made_by_cloakroom
from test_locks import held
from test_safe_methods import ROUTES

# What every answer says, whoever asks for what, and whether it is given or refused.
ALWAYS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# A file that is opened by itself loads nothing at all, and may be kept by everybody.
ASSET = ALWAYS | {"Content-Security-Policy": "default-src 'none'"}
HTML = {"Accept": "text/html,*/*"}


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[SimpleNamespace]:
    """A server with a user and a session of theirs."""
    place = made_by_cloakroom(tmp_path_factory.mktemp("headers"))
    command = ["createsuperuser", "--noinput", "--username", "ada", "--email", "a@example.com"]
    assert place.cloakroom_command(*command, DJANGO_SUPERUSER_PASSWORD=PASSWORD).returncode == 0
    environ = {"CLOAKROOM_LOGIN_FAILURE_SECONDS": "0"}
    # Letters are written to the log, so that every page is there.
    environ["CLOAKROOM_EMAIL_BACKEND"] = "console"
    try:
        server, client = place.start_cloakroom(**environ), Client()
        assert server.login(client, "ada").status == 302
        yield SimpleNamespace(place=place, server=server, client=client, url=server.url)
    finally:
        place.stop()


def check(answer: Answer, what, expected=ALWAYS) -> None:
    found = {name: answer.headers.get_all(name) for name in ALWAYS}
    assert found == {name: [value] for name, value in expected.items()}, what
    assert "Server" not in answer.headers and "X-Powered-By" not in answer.headers, what
    shared = answer.headers["Cache-Control"] or ""
    if answer.headers.get_all("Set-Cookie") or answer.status >= 400:
        assert "public" not in shared and "max-age=3" not in shared, what


def answers(site: SimpleNamespace) -> Iterator[tuple[str, Answer]]:
    """Every page to a user and to a stranger, by every method, as a browser and as a program; then every refusal."""
    for route in [*ROUTES, "/login", "/nowhere/", "/static/nothing.css", "/password_reset/", "/password_reset/done/"]:
        for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT"):
            for who, client in (("ada", site.client.copy()), ("stranger", Client())):
                for accept in ("text/html", "application/json", "*/*"):
                    headers = {"Accept": accept}
                    answer = client.request(method, f"{site.url}{route}", None, headers)
                    yield f"{method} {route} {who} {accept}", answer
    client, url = Client(), f"{site.url}/login/"
    token = client.get(url).csrf_token()
    fields = {"username": "ada", "password": "wrong", "csrfmiddlewaretoken": token}
    with_token = {**HTML, "X-CSRFToken": token, "Origin": site.url}
    form = {**with_token, "Content-Type": "application/x-www-form-urlencoded"}
    yield "another host", client.request("GET", url, None, {**HTML, "Host": "evil.example"})
    yield "no form", client.request("POST", url, b"{}", {**with_token, "Content-Type": "application/json"})
    yield "too long", client.request("POST", url, b"a=" + b"b" * 100_000, form)
    with held(site.place.database, "EXCLUSIVE"):
        right = {**fields, "password": PASSWORD}
        yield "a lock", client.post_with(url, HTML, **right)
    for number in range(12):
        yield f"failure {number}", client.post_with(url, HTML, **fields)
    yield "cookies of any kind", Client().request("GET", url, None, {"Cookie": "sessionid=\xff; a=\"b; =c"})


def test_every_answer_has_them(site):
    # P6.
    # H2.
    seen = {}
    for what, answer in answers(site):
        seen.setdefault(answer.status, []).append(what)
        check(answer, (what, answer.status))
    # So that nobody takes a refusal away without a word.
    assert {200, 301, 302, 400, 403, 404, 405, 413, 415, 429, 503} <= set(seen), {k: v[:3] for k, v in seen.items()}


def test_files_have_their_own(site):
    # H2.
    page = Client().get(f"{site.url}/login/").body
    files = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page))
    assert files
    for file in files:
        answer = Client().get(f"{site.url}{file}")
        assert answer.status == 200
        check(answer, file, ASSET)


def test_a_server_that_waits_for_its_database_has_them_too(tmp_path):
    # H2.
    place = Place(tmp_path)
    try:
        server = place.start_cloakroom(
            DATABASE_URL=f"postgres://nobody@127.0.0.1:{free_port()}/none", CLOAKROOM_PROFILE="strict"
        )
        for path, status in [("/", 503), ("/login/", 503), ("/livez", 200), ("/readyz", 503), ("/nowhere/", 503)]:
            for method in ("GET", "POST", "HEAD"):
                answer = Client().request(method, f"{server.url}{path}", None, HTML)
                assert answer.status == (405 if (path, method) == ("/livez", "POST") else status), (path, method)
                check(answer, (method, path))
    finally:
        place.stop()


def test_no_page_shows_what_is_kept_of_a_password(site):
    # CVE-2018-16984, CVE-2026-113733: nor the key, nor the user's session.
    with sqlite3.connect(site.place.database) as database:
        ((encoded,),) = database.execute("SELECT password FROM auth_user").fetchall()
        keys = [key for (key,) in database.execute("SELECT session_key FROM django_session").fetchall()]
    pieces = [piece for piece in encoded.split("$") if len(piece) > 15]
    assert pieces and keys
    for route in ROUTES:
        body = site.client.copy().get(f"{site.url}{route}", **HTML).body
        for secret in [encoded, *pieces, *keys, SECRET_KEY]:
            assert secret not in body, route

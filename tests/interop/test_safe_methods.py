"""Whatever is only asked for changes nothing, on every route there is; and whatever changes something asks for a token."""

import http.client
import re
from urllib.parse import urlsplit

import pytest

from client import Client
from servers import PASSWORD, ROOT

# The routes as the server's table of contents has them, and the login's pages that it merges, with a made-up value for
# each part that varies. Those of a forgotten password are only there where letters can be written.
SOURCE = (ROOT / "crates/server/src/app.rs").read_text()
PAGES = (ROOT / "crates/web/src/pages.rs").read_text()
WRITTEN = re.findall(r'\.route\(\s*(?:&format!\()?"([^"]+)"', SOURCE) + [
    path for path in re.findall(r'^const [A-Z_]+: &str = "(/[^"]+/)";', PAGES, re.M) if "reset" not in path
]
ROUTES = [route.replace("{}", "/first-superuser/").replace("{{token}}", "x" * 22) for route in WRITTEN]
SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")


def test_the_routes_were_found():
    known = {"/", f"/first-superuser/{'x' * 22}/", "/home/", "/livez", "/readyz"}
    merged = {"/login/", "/logout/", "/account/", "/password_change/", "/password_change/done/"}
    assert known | merged <= set(ROUTES)


@pytest.mark.parametrize("query", ["", "?next=/home/&username=ada&csrfmiddlewaretoken=x&_method=POST"])
def test_safe_methods_change_nothing(pair, username, query):
    # F1.
    pair.there.person(username)
    user, stranger = Client(), Client()
    pair.here.login(user, username)
    before = pair.place.dump()
    for route in [*ROUTES, "/nowhere/"]:
        for method in SAFE:
            # Whatever a framework of forms may take for the method.
            headers = {"X-HTTP-Method-Override": "POST", "Content-Type": "application/x-www-form-urlencoded"}
            body = b"username=ada&_method=POST"
            for browser in (user, stranger):
                answer = browser.request(method, f"{pair.here.url}{route}{query}", body, headers)
                assert answer.status < 500, (method, route, answer.status)
    assert pair.place.dump() == before
    assert pair.here.knows(user)


def test_every_other_method_without_a_token_is_refused_and_changes_nothing(pair, username):
    # F1.
    pair.there.person(username)
    user = Client()
    pair.here.login(user, username)
    before = pair.place.dump()
    for route in ROUTES:
        for method in ("POST", "PUT", "PATCH", "DELETE", "get", "PROPFIND"):
            answer = user.request(method, f"{pair.here.url}{route}", f"username=ada&password={PASSWORD}".encode())
            # Health and assets are no forms: they know no such method.
            assert answer.status in (403, 405), (method, route, answer.status)
    assert pair.place.dump() == before
    assert pair.here.knows(user)


def test_two_visitors_on_one_connection_are_two(pair, username):
    # CVE-2007-0405: as behind a proxy that keeps its connections.
    pair.there.person(username)
    user = Client()
    pair.here.login(user, username)
    cookies = "; ".join(f"{name}={value}" for name, value in user.cookies.items())
    connection = http.client.HTTPConnection(urlsplit(pair.here.url).netloc, timeout=30)
    try:
        for theirs, status in [(cookies, 200), (None, 302), (cookies, 200), ("sessionid=" + "x" * 32, 302)] * 3:
            connection.request("GET", "/home/", headers={"Cookie": theirs} if theirs else {})
            answer = connection.getresponse()
            body = answer.read().decode()
            assert (answer.status, username in body) == (status, status == 200), theirs
    finally:
        connection.close()

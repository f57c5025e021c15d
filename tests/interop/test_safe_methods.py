"""Whatever is only asked for changes nothing, on every route there is; and whatever changes something asks for a token."""

import re

import pytest

from client import Client
from servers import PASSWORD, ROOT

# The routes as the server's table of contents has them, with a made-up value for each part that varies.
SOURCE = (ROOT / "crates/server/src/app.rs").read_text()
WRITTEN = re.findall(r'\.route\(\s*(?:&format!\()?"([^"]+)"', SOURCE)
ROUTES = [route.replace("{}", "/first-superuser/").replace("{{token}}", "x" * 22) for route in WRITTEN]
SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")


def test_the_routes_were_found():
    known = {"/", f"/first-superuser/{'x' * 22}/", "/login/", "/logout/", "/home/", "/livez", "/readyz"}
    assert known <= set(ROUTES)


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

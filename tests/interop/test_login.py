"""One login for two programs."""

import time

from client import Client
from servers import PASSWORD


def test_a_login_here_is_known_there(pair, client, username):
    pair.there.person(username)
    answer = pair.here.login(client, username)
    assert (answer.status, answer.location) == (302, "/home/")
    assert pair.there.whoami(client)["user"] == username


def test_a_login_there_is_known_here(pair, client, username):
    pair.there.person(username)
    assert not pair.here.knows(client)
    assert pair.there.login(client, username).status == 302
    assert pair.here.knows(client)
    assert username in client.get(f"{pair.here.url}/home/").body


def test_a_logout_here_is_one_there(pair, client, username):
    pair.there.person(username)
    pair.here.login(client, username)
    held = client.copy()
    answer = pair.here.logout(client)
    assert (answer.status, answer.location) == (302, "/login/")
    assert "sessionid" not in client.cookies
    for browser in (client, held):
        assert pair.there.whoami(browser)["user"] is None
        assert not pair.here.knows(browser)


def test_a_logout_there_is_one_here(pair, client, username):
    pair.there.person(username)
    pair.there.login(client, username)
    held = client.copy()
    assert pair.there.logout(client).status == 302
    for browser in (client, held):
        assert not pair.here.knows(browser)
        assert pair.there.whoami(browser)["user"] is None


def test_a_password_changed_there_ends_other_sessions_here_and_keeps_its_own(pair, client, username):
    # S4.
    pair.there.person(username)
    other = Client()
    pair.here.login(client, username)
    pair.here.login(other, username)
    held = client.copy()
    assert client.post_json(f"{pair.there.url}/passwd", {"password": "another " + PASSWORD}).status == 200
    assert pair.here.knows(client)
    assert not pair.here.knows(other)
    assert not pair.here.knows(held), "the key from before the change is dead"
    assert pair.here.login(Client(), username).status == 200, "the old password opens nothing"
    assert pair.here.login(Client(), username, "another " + PASSWORD).status == 302


def test_a_user_disabled_there_is_anonymous_here_at_the_next_request(pair, client, username):
    # S5.
    pair.there.person(username)
    pair.here.login(client, username)
    assert pair.here.knows(client)
    pair.there.person(username, None, is_active=False)
    assert not pair.here.knows(client)
    assert pair.here.login(Client(), username).status == 200


def test_a_login_here_writes_the_last_login_and_beside_a_django_shop_no_more(pair, client, username):
    before = pair.there.person(username)
    pair.here.login(client, username)
    after = pair.there.person(username, None)
    assert abs(after.pop("last_login") - time.time()) < 30
    before.pop("last_login")
    if pair.profile == "strict":
        # There the server may renew what its own hasher did not make.
        after.pop("password")
        before.pop("password")
    assert after == before


def test_a_wrong_password_opens_nothing(pair, client, username):
    pair.there.person(username)
    for password in ("wrong", "", PASSWORD + " ", PASSWORD.upper()):
        answer = pair.here.login(client, username, password)
        assert answer.status == 200
        assert "sessionid" not in client.cookies
    assert not pair.here.knows(client)


def test_a_name_is_normalised_as_django_s_form_does(pair, client, username):
    pair.there.person(username)
    wide = "".join(chr(ord(letter) - 0x21 + 0xFF01) for letter in username)
    assert pair.here.login(client, f"  {wide} ").status == 302
    assert pair.there.whoami(client)["user"] == username


def test_a_csrf_token_of_one_is_one_of_the_other(pair, client, username):
    pair.there.person(username)
    there = client.get(f"{pair.there.url}/csrf").json()["token"]
    fields = {"username": username, "password": PASSWORD}
    assert client.post(f"{pair.here.url}/login/", csrfmiddlewaretoken=there, **fields).status == 302
    other = Client()
    here = other.get(f"{pair.here.url}/login/").csrf_token()
    assert other.post(f"{pair.there.url}/login/", csrfmiddlewaretoken=here, **fields).status == 302


def test_without_a_token_nobody_signs_in(pair, client, username):
    pair.there.person(username)
    answer = client.post(f"{pair.here.url}/login/", username=username, password=PASSWORD)
    assert answer.status == 403
    client.get(f"{pair.here.url}/login/")
    answer = client.post(f"{pair.here.url}/login/", username=username, password=PASSWORD, csrfmiddlewaretoken="a" * 64)
    assert answer.status == 403
    assert not pair.here.knows(client)


def test_the_page_of_a_refused_form_leads_back_with_the_same_next(pair, client):
    url = f"{pair.here.url}/login/"
    page = {"Accept": "text/html"}
    wrong = {"csrfmiddlewaretoken": "a" * 64, "username": "ann", "password": PASSWORD}
    # No cookie, so the form is not read: what counts is the query.
    answer = client.post_with(f"{url}?next=/x/", page, **wrong, next="/y/")
    assert answer.status == 403 and 'href="/login/?next=/x/"' in answer.body
    answer = client.post_with(url, page, **wrong, next="/y/")
    assert answer.status == 403 and 'href="/login/"' in answer.body
    client.get(url)
    for path, more, link in [
        (url, {"Referer": f"{url}?next=/x/"}, "/login/?next=/x/"),
        (f"{url}?next=/x/", {}, "/login/?next=/x/"),
        (url, {}, "/login/?next=%2Fy%2F"),
    ]:
        answer = client.post_with(path, page | more, **wrong, next="/y/")
        assert answer.status == 403 and f'href="{link}"' in answer.body, answer.body
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_program_is_refused_in_json(pair, client):
    answer = client.post_with(f"{pair.here.url}/login/", {"Accept": "application/json"}, next="/x/")
    assert (answer.status, answer.headers["Content-Type"]) == (403, "application/json")
    assert answer.json()["error"] == "csrf_failed"
    assert answer.headers["Cache-Control"] == "no-store"
    answer = client.get(f"{pair.here.url}/home/", Accept="application/json")
    assert (answer.status, answer.json()["error"]) == (401, "login_required")
    assert answer.headers["Content-Length"] == str(len(answer.body))


def test_a_session_key_that_a_client_made_up_is_never_used(pair, client, username):
    # S2.
    pair.there.person(username)
    made_up = "madeupmadeupmadeupmadeupmadeupma"
    client.cookies["sessionid"] = made_up
    assert pair.here.login(client, username).status == 302
    assert client.cookies["sessionid"] != made_up
    attacker = Client()
    attacker.cookies["sessionid"] = made_up
    assert not pair.here.knows(attacker)
    assert pair.there.whoami(attacker) == {"user": None, "key": None, "data": {}}


def test_a_guarded_page_leads_back_after_the_login(pair, client, username):
    pair.there.person(username)
    answer = client.get(f"{pair.here.url}/home/?a=b&c=d%20e")
    assert (answer.status, answer.location) == (302, "/login/?next=/home/%3Fa%3Db%26c%3Dd%2520e")
    assert pair.here.login(client, username, next="/home/?a=b&c=d%20e").location == "/home/?a=b&c=d%20e"


def test_a_login_leads_to_no_foreign_site(pair, username):
    # H1.
    pair.there.person(username)
    for target in (
        "//evil.example/",
        "https://evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
    ):
        assert pair.here.login(Client(), username, next=target).location == "/home/", target

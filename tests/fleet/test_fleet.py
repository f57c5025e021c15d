"""One browser, two servers, one login: each scenario in both directions, for each engine that both sides have."""

import json
from datetime import UTC, datetime

import pytest

from sides import ITERATIONS, PASSWORD, Visitor, cookies_set, md5, moment, pbkdf2

NOBODY = {"user": None, "key": None, "data": {}}
NEW_PASSWORD = "another " + PASSWORD
# Each is the text of a JSON value, in the form in which both sides write it.
VALUES = {
    "null": "null",
    "bools": "[true, false]",
    "integers": "[0, -1, 9007199254740993, 18446744073709551616, 123456789012345678901234567890]",
    "an integer of 4,000 digits": "9" * 4000,
    "floats": "[0.1, -0.0, 1e+16, 1e-07, 5e-324, 1.7976931348623157e+308]",
    "no numbers": "[NaN, Infinity, -Infinity]",
    "text": '"\\u00e9\\u2019 \\ud83d\\ude00 \\u0000 \\u007f \\" \\\\ / \\b\\f\\n\\r\\t"',
    "text in UTF-8": '"é’ 😀"',
    "lone surrogates": '["\\ud800", "\\udc00x", "\\ude00\\ud83d"]',
    "empty": '["", [], {}]',
    "order": '{"z": 1, "a": 2, "m": {"y": 1, "b": 2}}',
    "deep": "[" * 800 + "]" * 800,
    "large": json.dumps([f"value {number}" for number in range(300)]),
}
NAMES = ["a", "é", "名", "a b", 'quo"te', "back\\slash", "", "😀"]


# Login and logout


def test_a_login_is_known_on_both_sides(pair, visitor):
    name = pair.fleet.person()
    answer = visitor.login(pair.here, name)
    assert (answer.status, answer.json()) == (200, {"user": name})
    assert visitor.user(pair.there) == name
    assert visitor.whoami(pair.there) == visitor.whoami(pair.here)


def test_a_wrong_password_opens_nothing(pair, visitor):
    name = pair.fleet.person()
    for username, password in [(name, "wrong"), (name, ""), ("nobody", PASSWORD), ("", ""), (name, PASSWORD + " ")]:
        answer = visitor.login(pair.here, username, password)
        assert (answer.status, answer.json()) == (401, {"error": "bad"})
    assert "sessionid" not in visitor.cookies
    assert visitor.whoami(pair.there) == NOBODY


def test_who_is_not_active_is_nobody(pair, visitor):
    name = pair.fleet.person()
    visitor.login(pair.here, name)
    pair.fleet.sql("UPDATE auth_user SET is_active = FALSE WHERE username = ?", name)
    assert visitor.user(pair.there) is None
    assert visitor.login(pair.there, name).status == 401


def test_a_login_writes_its_time_and_no_other_column(pair, visitor):
    name = pair.fleet.person()
    columns = "username, password, email, is_active, is_staff, is_superuser, date_joined, first_name, last_name"
    rest = f"SELECT {columns} FROM auth_user WHERE username = ?"
    before = pair.fleet.sql(rest, name)
    visitor.login(pair.here, name)
    assert pair.fleet.sql(rest, name) == before
    written = moment(pair.fleet.column(name, "last_login"))
    assert abs((datetime.now(UTC) - written).total_seconds()) < 30


def test_a_logout_kills_every_copy(db_pair, visitor):
    # S6.
    visitor.login(db_pair.here, db_pair.fleet.person())
    copy = visitor.copy()
    assert visitor.tell(db_pair.there, "/logout").json() == {}
    assert "sessionid" not in visitor.cookies
    for browser in (visitor, copy):
        assert browser.user(db_pair.here) is None
        assert browser.user(db_pair.there) is None


def test_a_logout_deletes_the_cookie(pair, visitor):
    visitor.login(pair.here, pair.fleet.person())
    visitor.tell(pair.there, "/logout")
    assert "sessionid" not in visitor.cookies
    assert visitor.whoami(pair.here) == NOBODY


@pytest.mark.parametrize("everywhere", ["signed_cookies"], indirect=True, scope="session")
def test_a_copied_cookie_outlives_a_logout_where_the_cookie_is_the_session(pair, visitor):
    name = pair.fleet.person()
    visitor.login(pair.here, name)
    copy = visitor.copy()
    visitor.tell(pair.there, "/logout")
    assert copy.user(pair.here) == name
    assert copy.user(pair.there) == name


@pytest.mark.parametrize("everywhere", ["revocable_cookies"], indirect=True, scope="session")
def test_where_the_rust_side_keeps_a_list_its_logout_holds_there_for_every_copy(everywhere, visitor):
    rust, django = everywhere.rust, everywhere.django
    for login, save in ((rust, rust), (rust, django), (django, rust), (django, django)):
        name = everywhere.fleet.person()
        visitor.login(login, name)
        first = visitor.copy()
        visitor.tell(save, "/put", {"a": 1})
        second = visitor.copy()
        assert visitor.data(rust) == visitor.data(django) == {"a": 1}
        assert visitor.tell(rust, "/logout").json() == {}
        assert "sessionid" not in visitor.cookies
        # What only the Django has written has no name by which we could know it again.
        known = login is rust or save is rust
        # Asked with copies of the copies: a browser is told to delete a cookie that opens nothing.
        assert first.copy().user(rust) == (None if known else name), (login, save)
        assert second.copy().user(rust) is None, (login, save)
        # A Django knows nothing of the list.
        assert first.user(django) == second.user(django) == name


@pytest.mark.parametrize("everywhere", ["revocable_cookies"], indirect=True, scope="session")
def test_a_django_s_logout_is_not_on_the_list(everywhere, visitor):
    name = everywhere.fleet.person()
    visitor.login(everywhere.rust, name)
    copy = visitor.copy()
    visitor.tell(everywhere.django, "/logout")
    assert copy.user(everywhere.rust) == copy.user(everywhere.django) == name


@pytest.mark.parametrize("everywhere", ["revocable_cookies"], indirect=True, scope="session")
def test_what_is_on_the_list_opens_nothing_in_a_django_that_keeps_sessions_in_that_table(everywhere, visitor):
    fleet = everywhere.fleet
    visitor.login(everywhere.rust, fleet.person())
    visitor.tell(everywhere.rust, "/logout")
    rows = fleet.sql("SELECT session_key FROM django_session")
    assert rows
    beside = fleet.django(SITE_ENGINE="db")
    for (key,) in rows:
        thief = Visitor()
        thief.cookies["sessionid"] = key
        assert thief.user(beside) is None
        assert thief.data(beside) == {}


def test_another_user_s_login_takes_no_data_over(pair, visitor):
    one, other = pair.fleet.person(), pair.fleet.person()
    visitor.login(pair.here, one)
    visitor.tell(pair.here, "/put", {"private": "yes"})
    visitor.login(pair.there, other)
    assert visitor.whoami(pair.here)["user"] == other
    assert visitor.data(pair.here) == {}


def test_the_same_user_s_second_login_keeps_key_and_data(pair, visitor):
    name = pair.fleet.person()
    visitor.login(pair.here, name)
    visitor.tell(pair.here, "/put", {"cart": [1]})
    key = visitor.whoami(pair.here)["key"]
    visitor.login(pair.there, name)
    assert visitor.data(pair.here) == {"cart": [1]}
    if pair.fleet.engine != "signed_cookies":
        assert visitor.whoami(pair.here)["key"] == key, "as Django does it"


# Data


@pytest.mark.parametrize("name", VALUES)
def test_a_value_of_every_kind_is_read_and_carried_on(pair, visitor, name):
    text = VALUES[name]
    visitor.tell(pair.here, "/put", f'{{"before": 1, "value": {text}, "after": [2]}}')
    expected = repr({"before": 1, "value": json.loads(text), "after": [2]})
    assert repr(visitor.data(pair.there)) == expected
    visitor.tell(pair.there, "/put", {"more": 1})
    assert repr(visitor.data(pair.here)) == expected[:-1] + ", 'more': 1}"


def test_names_of_every_kind_are_the_same_names(pair, visitor):
    visitor.tell(pair.here, "/put", {name: name for name in NAMES})
    assert list(visitor.data(pair.there).items()) == [(name, name) for name in NAMES]
    visitor.tell(pair.there, "/put", {name: 1 for name in reversed(NAMES)})
    assert list(visitor.data(pair.here).items()) == [(name, 1) for name in NAMES]


def test_anonymous_data_are_kept_at_a_login_under_a_new_key(pair, visitor):
    visitor.tell(pair.here, "/put", {"cart": [1, 2], "é": None})
    before = visitor.copy()
    name = pair.fleet.person()
    visitor.login(pair.there, name)
    assert visitor.cookies["sessionid"] != before.cookies["sessionid"]
    assert visitor.whoami(pair.here) == visitor.whoami(pair.there)
    assert visitor.data(pair.here) == {"cart": [1, 2], "é": None}
    if pair.fleet.engine != "signed_cookies":
        assert before.whoami(pair.here) == before.whoami(pair.there) == NOBODY


def test_a_cycled_key_leaves_nothing_under_the_old_one(db_pair, visitor):
    name = db_pair.fleet.person()
    visitor.login(db_pair.here, name)
    visitor.tell(db_pair.here, "/put", {"a": 1})
    old = visitor.copy()
    assert visitor.tell(db_pair.there, "/cycle").json() == {}
    assert visitor.cookies["sessionid"] != old.cookies["sessionid"]
    assert visitor.user(db_pair.here) == name
    assert visitor.data(db_pair.here) == {"a": 1}
    assert old.user(db_pair.here) is None
    assert old.user(db_pair.there) is None


def test_a_flush_ends_login_and_data(pair, visitor):
    visitor.login(pair.here, pair.fleet.person())
    visitor.tell(pair.here, "/put", {"a": 1})
    visitor.tell(pair.there, "/flush")
    assert visitor.whoami(pair.here) == NOBODY


def test_a_read_writes_nothing(db_pair, visitor):
    visitor.login(db_pair.here, db_pair.fleet.person())
    visitor.tell(db_pair.here, "/put", {"a": 1})
    before = db_pair.fleet.dump()
    for path in ("/whoami", "/protected", "/csrf", "/perm?p=a.b", "/safe?u=/"):
        assert visitor.ask(db_pair.there, path).status == 200
    assert db_pair.fleet.dump() == before


# CSRF


def test_a_token_of_one_side_is_one_of_the_other(pair, visitor):
    token = visitor.ask(pair.here, "/csrf").json()["token"]
    for headers in ({"X-CSRFToken": token}, {"X-CSRFToken": visitor.cookies["csrftoken"]}):
        answer = visitor.request("POST", f"{pair.there.url}/flush", b"", headers)
        assert (answer.status, answer.json()) == (200, {})
    assert visitor.post(f"{pair.there.url}/flush", csrfmiddlewaretoken=token).status == 200
    assert len(visitor.ask(pair.there, "/csrf").json()["token"]) == 64


def test_a_form_without_a_good_token_is_refused(pair, visitor):
    name = pair.fleet.person()
    fields = {"username": name, "password": PASSWORD}
    assert visitor.post(f"{pair.there.url}/login", **fields).status == 403, "no cookie"
    token = visitor.ask(pair.here, "/csrf").json()["token"]
    other = Visitor().ask(pair.here, "/csrf").json()["token"]
    for wrong in ("", "a" * 64, other, token[:-1], token[:32]):
        answer = visitor.post(f"{pair.there.url}/login", csrfmiddlewaretoken=wrong, **fields)
        assert answer.status == 403, wrong
    for origin in ("http://evil.example", "null", pair.here.url.replace("http:", "https:")):
        headers = {"Origin": origin, "X-CSRFToken": token}
        assert visitor.post_with(f"{pair.there.url}/login", headers, **fields).status == 403, origin
    assert visitor.whoami(pair.here) == NOBODY


def test_every_route_that_changes_something_is_checked(pair):
    for path in ("login", "logout", "flush", "cycle", "put", "expiry", "slow", "passwd"):
        statuses = [Visitor().post_json(f"{side.url}/{path}", {}).status for side in (pair.here, pair.there)]
        assert statuses == [403, 403], path


def test_a_login_makes_the_tokens_of_before_worthless(pair, visitor):
    # F11.
    token = visitor.ask(pair.here, "/csrf").json()["token"]
    visitor.login(pair.there, pair.fleet.person())
    for side in (pair.here, pair.there):
        assert visitor.post(f"{side.url}/flush", csrfmiddlewaretoken=token).status == 403


# Expiry


@pytest.mark.parametrize("seconds", [300, 1, 1_209_600, 40_000_000])
def test_an_expiry_is_one_on_both_sides(db_pair, visitor, seconds):
    name = db_pair.fleet.person()
    visitor.login(db_pair.here, name)
    answer = visitor.tell(db_pair.here, "/expiry", {"v": seconds})
    assert f"Max-Age={seconds};" in str(answer.headers.get_all("Set-Cookie"))
    key = visitor.cookies["sessionid"]
    assert lasts(db_pair, key) == pytest.approx(seconds, abs=30)
    if seconds == 1:
        return
    visitor.tell(db_pair.there, "/put", {"a": 1})
    assert lasts(db_pair, key) == pytest.approx(seconds, abs=30), "it counts from the last save"
    db_pair.fleet.sql("UPDATE django_session SET expire_date = '2024-02-29 12:00:00' WHERE session_key = ?", key)
    for side in (db_pair.here, db_pair.there):
        assert visitor.copy().whoami(side) == NOBODY


def lasts(pair, key: str) -> float:
    return (pair.fleet.row(key)[1] - datetime.now(UTC)).total_seconds()


def test_a_session_that_ends_with_the_browser_stays_one_until_told_otherwise(pair, visitor):
    visitor.tell(pair.here, "/put", {"a": 1})
    for side, path, data in [
        (pair.here, "/expiry", {"v": 0}),
        (pair.there, "/put", {"b": 1}),
        (pair.here, "/put", {"c": 1}),
    ]:
        (cookie,) = visitor.tell(side, path, data).headers.get_all("Set-Cookie")
        assert "max-age" not in cookie.lower(), side
        assert "expires" not in cookie.lower(), side
    if pair.fleet.engine == "db":
        assert lasts(pair, visitor.cookies["sessionid"]) == pytest.approx(1_209_600, abs=30)
    (cookie,) = visitor.tell(pair.there, "/expiry", {"v": None}).headers.get_all("Set-Cookie")
    assert "Max-Age=1209600;" in cookie


# Passwords and permissions


def test_a_changed_password_ends_the_other_sessions_and_keeps_its_own(pair, visitor):
    name = pair.fleet.person()
    other = Visitor()
    visitor.login(pair.here, name)
    other.login(pair.there, name)
    assert visitor.tell(pair.here, "/passwd", new=NEW_PASSWORD).json() == {}
    assert visitor.user(pair.there) == name
    assert visitor.user(pair.here) == name
    assert other.user(pair.there) is None
    assert Visitor().login(pair.there, name).status == 401
    assert Visitor().login(pair.there, name, NEW_PASSWORD).status == 200


def test_nobody_changes_a_password_unless_signed_in(pair, visitor):
    # P5.
    assert visitor.tell(pair.here, "/passwd", new=NEW_PASSWORD).status == 401


@pytest.mark.parametrize(
    "encoded",
    [md5(PASSWORD), md5(PASSWORD, "seasalt1234567890abcdef"), pbkdf2(PASSWORD, 7), pbkdf2(PASSWORD, 2 * ITERATIONS)],
    ids=["MD5", "MD5 with a long salt", "too cheap", "too dear"],
)
def test_an_old_hash_is_replaced_once(pair, visitor, encoded):
    name = pair.fleet.person(encoded)
    assert visitor.login(pair.here, name, "wrong").status == 401
    assert pair.fleet.column(name, "password") == encoded
    assert visitor.login(pair.here, name).status == 200
    upgraded = pair.fleet.column(name, "password")
    assert upgraded.startswith(f"pbkdf2_sha256${ITERATIONS}$")
    assert visitor.user(pair.there) == name, "its own session goes on"
    assert Visitor().login(pair.there, name).status == 200
    assert pair.fleet.column(name, "password") == upgraded


def test_hashes_that_verify_nothing_open_nothing(pair, visitor):
    salted = md5(PASSWORD)
    for encoded in ("!" + salted, salted.replace("seasalt", ""), salted.upper(), "", "md5$a$", PASSWORD):
        assert visitor.login(pair.here, pair.fleet.person(encoded)).status == 401, encoded


def test_permissions_are_the_user_s_own_and_those_of_the_groups(pair, visitor):
    fleet = pair.fleet
    name, group = fleet.person(), f"group of {pair.here} {fleet.engine} {fleet.people}"
    user = fleet.column(name, "id")
    fleet.sql("INSERT INTO auth_group (name) VALUES (?)", group)
    of_the_group = "SELECT ?, id FROM auth_group WHERE name = ?"
    fleet.sql(f"INSERT INTO auth_user_groups (user_id, group_id) {of_the_group}", user, group)
    fleet.sql(
        "INSERT INTO auth_group_permissions (group_id, permission_id) SELECT g.id, p.id FROM auth_group g, "
        "auth_permission p WHERE g.name = ? AND p.codename = 'view_user'",
        group,
    )
    fleet.sql(
        "INSERT INTO auth_user_user_permissions (user_id, permission_id) SELECT ?, id FROM auth_permission "
        "WHERE codename = 'add_session'",
        user,
    )
    visitor.login(pair.here, name)
    has, lacks = ["auth.view_user", "sessions.add_session"], ["auth.add_user", "view_user", ""]
    expected = dict.fromkeys(has, True) | dict.fromkeys(lacks, False)
    for who, rights in [(visitor, expected), (Visitor(), dict.fromkeys(expected, False))]:
        for side in (pair.here, pair.there):
            assert {p: who.ask(side, "/perm", p=p).json()["has"] for p in expected} == rights, side
    for column, value, has in [("is_superuser", True, True), ("is_active", False, False)]:
        fleet.sql(f"UPDATE auth_user SET {column} = ? WHERE username = ?", value, name)
        for side in (pair.here, pair.there):
            assert visitor.ask(side, "/perm", p="no.such").json() == {"has": has}, side


# Redirects, signed cookies, keys, headers


@pytest.mark.parametrize("query", ["", "?", "?a=b&c=d%20e", "?next=/x&%C3%A9=%fc", "?a=%2F//&b=%zz"])
def test_a_guarded_page_sends_to_the_same_login_page(pair, visitor, query):
    answers = [visitor.request("GET", f"{side.url}/protected{query}") for side in (pair.here, pair.there)]
    assert [answer.status for answer in answers] == [302, 302]
    assert answers[0].location == answers[1].location
    assert answers[0].location.startswith("/login?next=/protected")
    name = pair.fleet.person()
    visitor.login(pair.here, name)
    assert visitor.ask(pair.there, "/protected").json() == visitor.whoami(pair.here)


SAFE = [
    "", "/", "//", "/a//evil.com", "///evil.com", "//evil.com", "http://evil.com", "/\\evil.com", "\\\\evil.com",
    "http://shop.example:8000/x", "https://shop.example:8000/x", "http://shop.example/x", "HTTP://shop.example:8000",
    "http://user@shop.example:8000/", "javascript:alert(1)", "/\t/evil.com", "\x08//evil.com", " /x ", "http:///x", "?x",
    "x", "//shop.example:8000/x", "http://[::1/", "ftp://shop.example:8000/", "http:/x", "é", "https:x",
]  # fmt: skip


@pytest.mark.parametrize("https", [0, 1])
def test_both_follow_the_same_next(pair, visitor, https):
    for url in SAFE:
        answers = [
            visitor.ask(side, "/safe", {"Host": "shop.example:8000"}, u=url, https=https).json()
            for side in (pair.here, pair.there)
        ]
        assert answers[0] == answers[1], url
    # Django 4.2 had no bound on the length; the rule of the newest one is ours beside every Django.
    assert visitor.ask(pair.rust, "/safe", u="/" + "a" * 2048, https=https).json() == {"ok": False}


@pytest.mark.parametrize("value", ["", "v", "a b", "a:b", 'quo"te', "semi;colon,comma", "back\\slash", "%C3", "=" * 9])
def test_a_signed_cookie_is_read_with_its_salt_only(pair, visitor, value):
    assert visitor.ask(pair.here, "/sset", n="flavour", v=value, s="one").json() == {"v": value}
    for side in (pair.here, pair.there):
        assert visitor.ask(side, "/sget", n="flavour", s="one").json() == {"v": value}, side
        assert visitor.ask(side, "/sget", n="flavour", s="").json() == {"v": None}, side
        assert visitor.ask(side, "/sget", n="flavour", s="two").json() == {"v": None}, side
        assert visitor.ask(side, "/sget", n="missing", s="one").json() == {"v": None}, side
    visitor.cookies["flavor"] = visitor.cookies["flavour"]
    for side in (pair.here, pair.there):
        assert visitor.ask(side, "/sget", n="flavor", s="one").json() == {"v": None}, side


@pytest.mark.parametrize("key", ["x", "short12", "unknownu", "u" * 32, "u" * 40, "", '""', "a/b?c=d&e", "%00" * 9])
def test_an_unknown_or_short_key_is_nobody_s_and_never_used(db_pair, visitor, key):
    visitor.cookies["sessionid"] = key
    answers = [visitor.copy().ask(side, "/whoami") for side in (db_pair.here, db_pair.there)]
    assert [answer.json() for answer in answers] == [NOBODY, NOBODY]
    assert cookies_set(answers[0]) == cookies_set(answers[1])
    assert visitor.tell(db_pair.here, "/put", {"a": 1}).status == 200
    assert visitor.cookies["sessionid"] != key
    assert visitor.data(db_pair.there) == {"a": 1}


def story(fleet, side) -> list[tuple[str, list[str], str | None]]:
    """What one side answers a browser that stays there: cookies, and what the answer depends on."""
    visitor, told = Visitor(), []
    name = fleet.person(md5(PASSWORD))

    def add(what, answer):
        assert answer.status in (200, 401), answer.body
        told.append((what, cookies_set(answer), answer.headers.get("Vary")))

    add("nobody", visitor.ask(side, "/whoami"))
    add("token", visitor.ask(side, "/csrf"))
    add("token again", visitor.ask(side, "/csrf"))
    add("flush of nothing", visitor.tell(side, "/flush"))
    add("logout of nobody", visitor.tell(side, "/logout"))
    add("cycle of nothing", visitor.copy().tell(side, "/cycle"))
    add("put", visitor.tell(side, "/put", {"a": 1}))
    add("login", visitor.login(side, name))
    add("login again", visitor.login(side, name))
    add("guarded", visitor.ask(side, "/protected"))
    add("cycle", visitor.tell(side, "/cycle"))
    for v in (300, 0, None):
        add(f"expiry {v}", visitor.tell(side, "/expiry", {"v": v}))
    add("slow", visitor.tell(side, "/slow", {"ms": 1, "name": "s", "value": None}))
    add("password", visitor.tell(side, "/passwd", new=NEW_PASSWORD))
    add("logout", visitor.tell(side, "/logout"))
    add("nobody again", visitor.ask(side, "/whoami"))
    return told


def test_both_set_the_same_cookies_with_the_same_attributes(everywhere):
    ours, theirs = (story(everywhere.fleet, side) for side in (everywhere.rust, everywhere.django))
    assert [(what, cookies) for what, cookies, _ in ours] == [(what, cookies) for what, cookies, _ in theirs]
    assert sum(len(cookies) for _, cookies, _ in ours) > 12, "the comparison saw cookies"


def test_what_depends_on_the_cookie_says_so_on_both_sides(everywhere):
    ours, theirs = (story(everywhere.fleet, side) for side in (everywhere.rust, everywhere.django))
    assert [(what, vary) for what, _, vary in ours] == [(what, vary) for what, _, vary in theirs]
    assert {vary for _, _, vary in ours} == {"Cookie"}
    # A page that reads a signed cookie depends on it too; Django leaves that to its author.
    for side, vary in [(everywhere.rust, "Cookie"), (everywhere.django, None)]:
        assert Visitor().ask(side, "/sget", n="flavour").headers.get("Vary") == vary
    for side in (everywhere.rust, everywhere.django):
        assert Visitor().ask(side, "/safe", u="/").headers.get("Vary") is None


@pytest.mark.parametrize("value", ["v", "a b", "a:b", 'quo"te', "é", "semi;colon"])
def test_signed_cookies_have_the_same_attributes(everywhere, value):
    sides = (everywhere.rust, everywhere.django)
    answers = [Visitor().ask(side, "/sset", n="flavour", v=value, s="s") for side in sides]
    assert cookies_set(answers[0]) == cookies_set(answers[1])

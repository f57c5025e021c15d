"""What changes underneath a browser: slow requests, restarts, keys, damaged rows, settings."""

import json
import threading
import time
from types import SimpleNamespace

import pytest

from servers import SECRET_KEY
from sides import NEW_KEY, PASSWORD, Visitor

# Long enough for the other request to come in between, on a busy machine too.
SLOW = 1200


def meanwhile(visitor: Visitor, side, name: str, value, action) -> SimpleNamespace:
    """The answer of a slow write by the same browser, during which `action` happens; and the browser that got it."""
    slow = visitor.copy()
    slow.ask(side, "/csrf")
    answers = []
    write = {"ms": SLOW, "name": name, "value": value}
    thread = threading.Thread(target=lambda: answers.append(slow.tell(side, "/slow", write)))
    thread.start()
    time.sleep(SLOW / 3000)
    action()
    assert thread.is_alive(), "the slow request ended before the other"
    thread.join()
    return SimpleNamespace(status=answers[0].status, answer=answers[0], browser=slow)


# Two requests at once


def test_a_slow_write_does_not_undo_a_logout(db_pair, visitor):
    visitor.login(db_pair.here, db_pair.fleet.person())
    copy = visitor.copy()
    slow = meanwhile(visitor, db_pair.here, "a", 1, lambda: visitor.tell(db_pair.there, "/logout"))
    assert slow.status == 400
    for browser in (copy, visitor, slow.browser):
        for side in (db_pair.here, db_pair.there):
            assert browser.user(side) is None


def test_a_slow_write_does_not_undo_a_logout_of_the_same_side(db_pair, visitor):
    visitor.login(db_pair.here, db_pair.fleet.person())
    copy = visitor.copy()
    slow = meanwhile(visitor, db_pair.here, "a", 1, lambda: visitor.tell(db_pair.here, "/logout"))
    assert slow.status == 400
    assert copy.user(db_pair.here) is None
    assert copy.user(db_pair.there) is None


def test_two_slow_writes_on_our_side_are_both_kept(stored, visitor):
    name = stored.fleet.person()
    visitor.login(stored.rust, name)
    second_status = []

    def second():
        put = meanwhile(visitor, stored.rust, "b", 2, lambda: visitor.tell(stored.rust, "/put", {"c": 3}))
        second_status.append(put.status)

    thread = threading.Thread(target=second)
    slow = meanwhile(visitor, stored.rust, "a", 1, thread.start)
    thread.join()
    assert (slow.status, second_status) == (200, [200])
    for side in (stored.rust, stored.django):
        assert visitor.data(side) == {"a": 1, "b": 2, "c": 3}
        assert visitor.user(side) == name


def test_our_slow_write_keeps_what_django_wrote_meanwhile(stored, visitor):
    visitor.tell(stored.rust, "/put", {"same": 0})
    write = {"theirs": 1, "same": 1}
    slow = meanwhile(visitor, stored.rust, "ours", 1, lambda: visitor.tell(stored.django, "/put", write))
    assert slow.status == 200
    assert visitor.data(stored.django) == {"same": 1, "theirs": 1, "ours": 1}


def test_django_s_slow_write_loses_what_we_wrote_meanwhile(stored, visitor):
    # As the documents say: Django writes what it read. If this fails, they promise too little.
    visitor.tell(stored.rust, "/put", {"first": 0})
    slow = meanwhile(visitor, stored.django, "theirs", 1, lambda: visitor.tell(stored.rust, "/put", {"ours": 1}))
    assert slow.status == 200
    assert visitor.data(stored.rust) == {"first": 0, "theirs": 1}


def test_a_slow_write_meets_a_new_key(db_pair, visitor):
    name = db_pair.fleet.person()
    visitor.login(db_pair.here, name)
    slow = meanwhile(visitor, db_pair.here, "a", 1, lambda: visitor.tell(db_pair.there, "/cycle"))
    assert slow.status == 400, "the session was moved away"
    assert visitor.user(db_pair.here) == name
    assert slow.browser.user(db_pair.there) is None


# Restarts, keys, rows


def test_a_restart_of_either_side_loses_nothing(any_empty, visitor):
    name = any_empty.person()
    rust, django = any_empty.rust(), any_empty.django()
    visitor.login(rust, name)
    visitor.tell(django, "/put", {"a": 1})
    rust.process.stop()
    assert visitor.user(django) == name
    rust = any_empty.rust()
    assert visitor.tell(rust, "/put", {"b": 2}).status == 200
    django.process.stop()
    assert visitor.data(rust) == {"a": 1, "b": 2}
    django = any_empty.django()
    assert visitor.user(django) == name
    assert visitor.tell(django, "/logout").status == 200
    assert visitor.user(rust) is None


@pytest.mark.parametrize("first", ["rust", "django"])
def test_keys_are_rotated_one_side_after_the_other_and_nobody_is_signed_out(any_empty, visitor, first):
    name = any_empty.person()
    old, new = {"SECRET_KEY": SECRET_KEY}, {"SECRET_KEY": NEW_KEY}
    second = "django" if first == "rust" else "rust"
    sides = {"rust": any_empty.rust(), "django": any_empty.django()}
    visitor.login(sides["rust"], name)
    visitor.tell(sides["django"], "/put", {"a": 1})
    visitor.ask(sides["rust"], "/sset", n="flavour", v="v", s="s")
    steps = [
        (first, old, (NEW_KEY,)),
        (second, old, (NEW_KEY,)),
        (first, new, (SECRET_KEY,)),
        (second, new, (SECRET_KEY,)),
        (first, new, ()),
        (second, new, ()),
    ]
    for changed, key, fallbacks in steps:
        sides[changed].process.stop()
        sides[changed] = getattr(any_empty, changed)(fallbacks, **key)
        for side in (sides[first], sides[second], sides[first]):
            seen = visitor.whoami(side)
            assert (seen["user"], seen["data"]) == (name, {"a": 1}), (changed, fallbacks, side)
            assert visitor.tell(side, "/put", {"a": 1}).status == 200
            if fallbacks:
                assert visitor.ask(side, "/sget", n="flavour", s="s").json() == {"v": "v"}, (changed, side)
    for side in sides.values():
        assert visitor.ask(side, "/sget", n="flavour", s="s").json() == {"v": None}, "signed with the key that is gone"


@pytest.mark.parametrize("first", ["rust", "django"])
def test_a_session_of_a_key_that_a_side_does_not_know_survives_its_reads(empty, visitor, first):
    name = empty.person()
    second = "django" if first == "rust" else "rust"
    knows = getattr(empty, first)((SECRET_KEY,), SECRET_KEY=NEW_KEY)
    does_not = getattr(empty, second)()
    visitor.login(knows, name)
    for _ in range(2):
        assert visitor.copy().user(does_not) is None
        assert visitor.copy().data(does_not) == {}
        assert visitor.user(knows) == name


def test_signed_cookies_of_an_older_django_are_read_where_the_setting_says_so(empty):
    # Before CVE-2026-6873 the cookie's name and salt were joined without anything between them.
    older = empty.rust(CLOAKROOM_DJANGO_VERSION="4.2")
    accepting = empty.django(SITE_SETTINGS=json.dumps({"SIGNED_COOKIE_LEGACY_SALT_FALLBACK": True}))
    visitor = Visitor()
    visitor.ask(older, "/sset", n="flavour", v="v", s="one")
    for side in (older, accepting):
        assert visitor.ask(side, "/sget", n="flavour", s="one").json() == {"v": "v"}, side
        assert visitor.ask(side, "/sget", n="flavour", s="two").json() == {"v": None}, side
    strict = empty.rust(CLOAKROOM_DJANGO_VERSION="6.1", CLOAKROOM_SIGNED_COOKIE_LEGACY_SALT_FALLBACK="False")
    assert visitor.ask(strict, "/sget", n="flavour", s="one").json() == {"v": None}
    # What this Django writes is read whatever it is called.
    visitor.ask(accepting, "/sset", n="flavour", v="w", s="one")
    assert visitor.ask(older, "/sget", n="flavour", s="one").json() == {"v": "w"}


@pytest.mark.parametrize("text", ["garbage", "", "e30:1r31eq:I_lzTiPndLeCNM1aHTOTlBIASx97zx-I-h5XZ0FtLXg", "é" * 9])
def test_a_damaged_row_is_nobody_s_on_both_sides(db_pair, visitor, text):
    visitor.login(db_pair.here, db_pair.fleet.person())
    key = visitor.cookies["sessionid"]
    db_pair.fleet.sql("UPDATE django_session SET session_data = ? WHERE session_key = ?", text, key)
    for side in (db_pair.here, db_pair.there):
        answer = visitor.ask(side, "/whoami")
        assert (answer.json()["user"], answer.json()["data"]) == (None, {})
        assert answer.headers.get_all("Set-Cookie") is None
        assert visitor.ask(side, "/protected").status == 302
    assert db_pair.fleet.row(key)[0] == text, "reads leave it alone"
    name = db_pair.fleet.person()
    assert visitor.login(db_pair.here, name).status == 200
    assert visitor.cookies["sessionid"] != key
    assert visitor.user(db_pair.there) == name


@pytest.mark.parametrize("end", ["2024-02-29 12:00:00", "2024-02-29 12:00:00.123456", "1970-01-01 00:00:00"])
def test_an_expired_row_is_nobody_s_on_both_sides(db_pair, visitor, end):
    visitor.login(db_pair.here, db_pair.fleet.person())
    key = visitor.cookies["sessionid"]
    db_pair.fleet.sql("UPDATE django_session SET expire_date = ? WHERE session_key = ?", end, key)
    for side in (db_pair.here, db_pair.there):
        assert visitor.copy().user(side) is None
    assert visitor.copy().ask(db_pair.there, "/protected").status == 302


def test_a_site_without_time_zones_in_utc_has_the_same_times(empty, visitor):
    rust, django = empty.rust(), empty.django(SITE_USE_TZ="False")
    for here, there in [(rust, django), (django, rust)]:
        name = empty.person()
        visitor = Visitor()
        assert visitor.login(here, name).status == 200
        assert visitor.user(there) == name
        for v, seconds in [(300, 300), (0, 1_209_600), (None, 1_209_600)]:
            assert visitor.tell(there, "/expiry", {"v": v}).status == 200
            assert visitor.tell(here, "/put", {"a": v}).status == 200
            end = empty.row(visitor.cookies["sessionid"])[1].timestamp()
            assert end - time.time() == pytest.approx(seconds, abs=30)
            assert visitor.data(there) == {"a": v}
        assert visitor.tell(there, "/logout").status == 200
        assert visitor.user(here) is None
    written = empty.sql("SELECT last_login, expire_date FROM auth_user, django_session") or []
    assert all("+" not in text and "T" not in text for row in written for text in row)


@pytest.mark.parametrize("listen", ["0.0.0.0:8000", "[::]:8000", "192.0.2.1:8000", "example.org:8000"])
def test_the_rust_side_listens_on_loopback_only(empty, listen):
    with pytest.raises(AssertionError, match="ended with status 1:\nfleet: LISTEN should be a loopback address"):
        empty.rust(CLOAKROOM_LISTEN=listen)


def test_a_secret_in_the_session_is_one_for_both_sides(empty):
    rust = empty.rust(CLOAKROOM_CSRF_USE_SESSIONS="true")
    django = empty.django(SITE_SETTINGS=json.dumps({"CSRF_USE_SESSIONS": True}))
    for here, there in ((rust, django), (django, rust)):
        visitor, other = Visitor(), Visitor()
        token = visitor.ask(here, "/csrf").json()["token"]
        foreign = other.ask(here, "/csrf").json()["token"]
        assert list(visitor.cookies) == ["sessionid"], "the session keeps it"

        def status(token, side, visitor=visitor):
            return visitor.post(f"{side.url}/cycle", csrfmiddlewaretoken=token).status

        assert [status(token, here), status(token, there)] == [200, 200]
        assert [status(foreign, here), status(foreign, there)] == [403, 403]
        again = visitor.ask(there, "/csrf").json()["token"]
        assert again != token
        assert [status(again, here), status(token, there)] == [200, 200]

        # A login on either side makes a new secret; what was there before proves nothing any more.
        name = empty.person()
        fields = {"username": name, "password": PASSWORD, "csrfmiddlewaretoken": again}
        assert visitor.post(f"{here.url}/login", **fields).status == 200
        assert [visitor.user(here), visitor.user(there)] == [name, name]
        assert [status(again, here), status(again, there)] == [403, 403]
        new = visitor.ask(here, "/csrf").json()["token"]
        assert [status(new, here), status(new, there)] == [200, 200]

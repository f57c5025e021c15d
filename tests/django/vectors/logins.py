"""Login, logout and who a session belongs to."""

import datetime
import json
import os
import time
import zoneinfo
from contextlib import contextmanager
from unittest import mock

from django.conf import settings
from django.contrib.auth import get_user, login, logout, tokens, update_session_auth_hash
from django.contrib.auth.forms import UsernameField
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test import RequestFactory
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode

from . import NOW, SECRET
from .clock import stopped_at

BACKEND = "django.contrib.auth.backends.ModelBackend"
OTHER_BACKEND = "django.contrib.auth.backends.AllowAllUsersModelBackend"
KEY = "k" * 32
PASSWORD = "pbkdf2_sha256$1$s$h"


def auth_hashes():
    rows = []
    for password in (PASSWORD, "", "!", "!" + "a" * 40, "é’", "x" * 128):
        for secret, fallbacks in ((SECRET, []), (SECRET, ["older", "oldest"]), ("é", [])):
            settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = secret, fallbacks
            user = User(password=password)
            rows.append(
                {
                    "secret": secret,
                    "fallbacks": fallbacks,
                    "password": password,
                    "hash": user.get_session_auth_hash(),
                    "fallback_hashes": list(user.get_session_auth_fallback_hash()),
                }
            )
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = SECRET, []
    return rows


def hash_of(password=PASSWORD, secret=SECRET):
    settings.SECRET_KEY = secret
    value = User(password=password).get_session_auth_hash()
    settings.SECRET_KEY = SECRET
    return value


def session_holding(data):
    """A session with this data in the database; none at all for `None`."""
    Session.objects.all().delete()
    if data is None:
        return SessionStore()
    session = SessionStore(KEY)
    # Reading a session that is not there would drop the key.
    session._session_cache = dict(data)
    session.save(must_create=True)
    assert session.session_key == KEY
    return SessionStore(KEY)


def outcome(session):
    """The session afterwards. `key` tells whether it is the old one; `old_record` whether that is still in the database."""
    key = "none" if session.session_key is None else "old" if session.session_key == KEY else "new"
    return {
        "after": json.dumps(dict(session.items()), separators=(",", ":")),
        "key": key,
        "old_record": Session.objects.filter(session_key=KEY).exists(),
        "modified": session.modified,
    }


def signed_in(id="7", backend=BACKEND, hash=None, **more):
    data = {
        "_auth_user_id": id,
        "_auth_user_backend": backend,
        "_auth_user_hash": hash_of() if hash is None else hash,
        **more,
    }
    return {name: value for name, value in data.items() if value is not ...}


def people():
    User.objects.all().delete()
    User.objects.create(pk=7, username="seven", password=PASSWORD)
    User.objects.create(pk=8, username="eight", password=PASSWORD, is_active=False)
    User.objects.create(pk=9, username="nine", password="another")


def request_for(session):
    request = RequestFactory().get("/")
    request.session = session
    request.user = AnonymousUser()
    request.META["CSRF_COOKIE"] = "a" * 32
    return request


def logins():
    people()
    old = hash_of(secret="older")
    befores = [
        None,
        {},
        {"cart": [1, 2]},
        {"_session_expiry": 300, "cart": 1},
        signed_in(),
        signed_in(cart=1),
        signed_in(id="9", cart=1),
        signed_in(id="07", cart=1),
        signed_in(id=7, cart=1),
        signed_in(hash="0" * 64, cart=1),
        signed_in(hash="", cart=1),
        signed_in(hash=..., cart=1),
        signed_in(hash=old, cart=1),
        signed_in(backend=OTHER_BACKEND, cart=1),
        signed_in(backend=..., cart=1),
        signed_in(id=..., cart=1),
        signed_in(id="404", cart=1),
        signed_in(id="x", cart=1),
        signed_in(id="", cart=1),
        signed_in(id=" 7", cart=1),
        signed_in(hash=hash_of() + "x", cart=1),
        signed_in(hash="é", cart=1),
    ]
    rows = []
    for before in befores:
        for pk in (7, 8):
            session = session_holding(before)
            request = request_for(session)
            row = {
                "before": None if before is None else json.dumps(before, separators=(",", ":")),
                "user": pk,
                "password": PASSWORD,
                "backend": BACKEND,
            }
            try:
                with stopped_at(NOW):
                    login(request, User.objects.get(pk=pk), backend=BACKEND)
                row.update(outcome(session))
                row["csrf_rotated"] = request.META["CSRF_COOKIE"] != "a" * 32
            except Exception as error:  # noqa: BLE001
                row["error"] = type(error).__name__
            rows.append(row)
    return rows


def logouts():
    people()
    rows = []
    for before in (None, {}, {"cart": 1}, signed_in(cart=1)):
        session = session_holding(before)
        request = request_for(session)
        with stopped_at(NOW):
            logout(request)
        rows.append(
            {
                "before": None if before is None else json.dumps(before, separators=(",", ":")),
                **outcome(session),
                "csrf_rotated": request.META["CSRF_COOKIE"] != "a" * 32,
            }
        )
    return rows


def users():
    people()
    older = hash_of(secret="older")
    befores = [
        None,
        {},
        {"cart": 1},
        signed_in(cart=1),
        signed_in(id="8", cart=1),
        signed_in(id="404", cart=1),
        signed_in(id="07", cart=1),
        signed_in(id="+7", cart=1),
        signed_in(id=" 7 ", cart=1),
        signed_in(id="7_0", cart=1),
        signed_in(id="٧", cart=1),
        signed_in(id="x", cart=1),
        signed_in(id="", cart=1),
        signed_in(id=7, cart=1),
        signed_in(id=7.0, cart=1),
        signed_in(id=True, cart=1),
        signed_in(id=None, cart=1),
        signed_in(id=[7], cart=1),
        signed_in(id="9" * 30, cart=1),
        signed_in(id=..., cart=1),
        signed_in(backend=..., cart=1),
        signed_in(backend="unknown.Backend", cart=1),
        signed_in(backend="", cart=1),
        signed_in(backend=None, cart=1),
        signed_in(backend=OTHER_BACKEND, cart=1),
        signed_in(backend=OTHER_BACKEND, id="8", cart=1),
        signed_in(hash="0" * 64, cart=1),
        signed_in(hash=..., cart=1),
        signed_in(hash="", cart=1),
        signed_in(hash="short", cart=1),
        signed_in(hash=hash_of().upper(), cart=1),
        signed_in(hash=older, cart=1),
        signed_in(hash=hash_of("another"), cart=1),
        signed_in(id="9", hash=hash_of("another"), cart=1),
        signed_in(id="8", hash="0" * 64, cart=1),
        signed_in(hash="é", cart=1),
    ]
    rows = []
    for before in befores:
        for fallbacks in ([], ["oldest", "older"]):
            for backends in ([BACKEND], [BACKEND, OTHER_BACKEND]):
                settings.SECRET_KEY_FALLBACKS, settings.AUTHENTICATION_BACKENDS = fallbacks, backends
                session = session_holding(before)
                row = {
                    "before": None if before is None else json.dumps(before, separators=(",", ":")),
                    "fallbacks": fallbacks,
                    "backends": backends,
                }
                try:
                    with stopped_at(NOW):
                        row["user"] = get_user(request_for(session)).pk
                    row.update(outcome(session))
                except Exception as error:  # noqa: BLE001 — an id that is no number
                    row["error"] = type(error).__name__
                rows.append(row)
    settings.SECRET_KEY_FALLBACKS, settings.AUTHENTICATION_BACKENDS = [], [BACKEND]
    return rows


def password_changes():
    people()
    rows = []
    for before in (None, {"cart": 1}, signed_in(cart=1), signed_in(id="9", cart=1)):
        for current in (7, 9, None):
            session = session_holding(before)
            request = request_for(session)
            if current:
                request.user = User.objects.get(pk=current)
            user = User.objects.get(pk=7)
            user.password = "changed"
            with stopped_at(NOW):
                update_session_auth_hash(request, user)
            rows.append(
                {
                    "before": None if before is None else json.dumps(before, separators=(",", ":")),
                    "current_user": current,
                    "user": 7,
                    "password": "changed",
                    **outcome(session),
                }
            )
    return rows


def usernames():
    texts = [
        "seven",
        " seven ",
        "ſeven",
        "Ⅶ",
        "é",
        "e\u0301",
        "ﬁ",
        "A" * 150,
        "A" * 151,
        "ﬁ" * 150,
        "ﬁ" * 151,
        "\u00a0seven\u3000",
        "\tseven\n",
        "a b",
        "",
        "㎏",
        "½",
        "ﷺ",
        "\U0001d4d0",
    ]
    return [{"typed": text, "username": UsernameField(max_length=150).to_python(text)} for text in texts]


def reset_user(**columns):
    login = datetime.datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=datetime.UTC)
    return User(**{"pk": 7, "password": PASSWORD, "last_login": login, "email": "a@b.co", **columns})


def reset_tokens():
    generator = PasswordResetTokenGenerator()
    rows = []
    for last_login in (None, reset_user().last_login):
        for email in ("a@b.co", "", "É@b.co", None):
            for password in (PASSWORD, "!x"):
                for seconds in (0, 1, 700_000_000, 2_000_000_000):
                    user = reset_user(password=password, last_login=last_login, email=email)
                    rows.append(
                        {
                            "id": "7",
                            "password": password,
                            "last_login": last_login and "2024-05-06 07:08:09",
                            "email": email,
                            "seconds": seconds,
                            "secret": SECRET,
                            "token": generator._make_token_with_timestamp(user, seconds, SECRET),
                        }
                    )
    return rows


@contextmanager
def wall_clock(zone, seconds):
    """The process's zone and time, as `TIME_ZONE` of a settings module sets the first."""

    class Stopped(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            assert tz is None
            return datetime.datetime.fromtimestamp(seconds)

    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        with mock.patch.object(tokens, "datetime", Stopped):
            yield
    finally:
        os.environ.pop("TZ")
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()


# Summer and winter, the hour that comes twice in Berlin and the one that never comes.
MOMENTS = (NOW, 1_688_000_000.75, 1_698_537_600, 1_698_541_200, 1_679_792_400, 4_102_444_800)


def reset_tokens_made():
    """With `USE_TZ = False` a login's date has no zone and is local."""
    rows = []
    for zone in ("UTC", "Europe/Berlin", "America/Chicago", "Asia/Kathmandu"):
        for moment in MOMENTS:
            for uses_tz in (True, False):
                login = reset_user().last_login
                if not uses_tz:
                    login = login.astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None)
                with wall_clock(zone, moment):
                    token = PasswordResetTokenGenerator().make_token(reset_user(last_login=login))
                rows.append({"zone": zone, "uses_tz": uses_tz, "now": moment, "secret": SECRET, "token": token})
    return rows


def reset_tokens_checked():
    generator = PasswordResetTokenGenerator()
    made_at = 700_000_000
    epoch = 978_307_200
    good = generator._make_token_with_timestamp(reset_user(), made_at, SECRET)
    older = generator._make_token_with_timestamp(reset_user(), made_at, "older")
    time36, mac = good.split("-")
    far = generator._make_token_with_timestamp(reset_user(), 36**13 - 1, SECRET)
    too_far = generator._make_token_with_timestamp(reset_user(), 36**13, SECRET)
    texts = [
        good,
        older,
        far,
        too_far,
        "",
        "-",
        time36,
        mac,
        good.upper(),
        f"{time36.upper()}-{mac}",
        f"0{good}",
        f"+{good}",
        f" {good}",
        f"{good} ",
        f"{good}\n",
        f"-{good}",
        f"{good}-",
        f"{time36[:2]}_{time36[2:]}-{mac}",
        f"{time36}--{mac}",
        f"{time36}-{mac[:-1]}",
        f"{time36}-{mac}0",
        f"{'z' * 13}-{mac}",
        f"{'z' * 14}-{mac}",
        f"{'1' * 1000}-{mac}",
        f"é-{mac}",
        f"{time36}-é",
        good.replace(time36, "".join(chr(ord(c) - 48 + 0x660) if c.isdigit() else c for c in time36)),
    ]
    rows = []
    for text in texts:
        for fallbacks in ([], ["oldest", "older"]):
            rows.append((text, fallbacks, made_at, 259_200, "UTC"))
    for age in (-1_000_000, -1, 0, 3599, 3600, 3600.999, 3601, 259_200, 259_201):
        for timeout in (0, 3600, 259_200):
            rows.append((good, [], made_at + age, timeout, "UTC"))
    for zone in ("America/Chicago", "Asia/Kathmandu"):
        for age in (-20_700, 0, 3600, 21_600, 25_200, 25_201):
            rows.append((good, [], made_at + age, 3600, zone))
    result = []
    for text, fallbacks, now, timeout, zone in rows:
        settings.SECRET_KEY_FALLBACKS, settings.PASSWORD_RESET_TIMEOUT = fallbacks, timeout
        with wall_clock(zone, now + epoch):
            valid = generator.check_token(reset_user(), text)
        result.append(
            {
                "token": text,
                "secret": SECRET,
                "fallbacks": fallbacks,
                "now": now + epoch,
                "timeout": timeout,
                "zone": zone,
                "valid": valid,
            }
        )
    settings.SECRET_KEY_FALLBACKS, settings.PASSWORD_RESET_TIMEOUT = [], 259_200
    return result


def uids():
    ids = ("1", "7", "12345", "0", "-1", "8d7ad3c2-8f8e-4d2b-9d5e-0a52d47e6f0c", "é", "??>", "a" * 100)
    rows = []
    for id in ids:
        text = urlsafe_base64_encode(force_bytes(id))
        rows.append({"id": id, "uidb64": text, "again": urlsafe_base64_decode(text).decode()})
    return rows


SECTIONS = {
    "session_auth_hash": auth_hashes,
    "login": logins,
    "logout": logouts,
    "get_user": users,
    "update_session_auth_hash": password_changes,
    "usernames": usernames,
    "reset_tokens": reset_tokens,
    "reset_tokens_made": reset_tokens_made,
    "reset_tokens_checked": reset_tokens_checked,
    "uidb64": uids,
}

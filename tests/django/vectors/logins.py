"""Login, logout and who a session belongs to."""

import json

from django.conf import settings
from django.contrib.auth import get_user, login, logout, update_session_auth_hash
from django.contrib.auth.forms import UsernameField
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test import RequestFactory

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


def reset_tokens():
    import datetime

    generator = PasswordResetTokenGenerator()
    rows = []
    for last_login in (None, datetime.datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=datetime.UTC)):
        for email in ("a@b.co", "", "É@b.co"):
            for password in (PASSWORD, "!x"):
                for seconds in (0, 1, 700_000_000, 2_000_000_000):
                    user = User(pk=7, password=password, last_login=last_login, email=email)
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


SECTIONS = {
    "session_auth_hash": auth_hashes,
    "login": logins,
    "logout": logouts,
    "get_user": users,
    "update_session_auth_hash": password_changes,
    "usernames": usernames,
    "reset_tokens": reset_tokens,
}

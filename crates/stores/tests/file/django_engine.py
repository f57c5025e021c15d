"""Django's own file engine, one command a line: what the tests of ours ask it."""

import json
import sys

import django
from django.conf import settings

settings.configure(
    SECRET_KEY=sys.argv[2],
    SESSION_FILE_PATH=sys.argv[1],
    SESSION_ENGINE="django.contrib.sessions.backends.file",
    USE_TZ=True,
)
django.setup()

from django.contrib.sessions.backends.file import SessionStore  # noqa: E402
from django.utils.dateparse import parse_datetime  # noqa: E402


def create(data, expiry=None):
    session = SessionStore()
    session.update(data)
    if isinstance(expiry, str):
        expiry = parse_datetime(expiry)
    if expiry is not None:
        session.set_expiry(expiry)
    session.save()
    return session.session_key


def load(key):
    session = SessionStore(key)
    data = dict(session.items())
    return data if session.session_key == key else None


def save(key, name, value):
    session = SessionStore(key)
    session[name] = value
    session.save()
    return session.session_key


def delete(key):
    SessionStore(key).delete()


def clear():
    SessionStore.clear_expired()


COMMANDS = {command.__name__: command for command in (create, load, save, delete, clear)}

for line in sys.stdin:
    name, *arguments = json.loads(line)
    print(json.dumps(COMMANDS[name](*arguments)), flush=True)

"""A Django of local time (USE_TZ = False), one command a line: what the tests of ours ask it."""

import datetime
import json
import sys

import django
from django.conf import settings

settings.configure(
    SECRET_KEY=sys.argv[2],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"],
    USE_TZ=False,
    TIME_ZONE=sys.argv[3],
)
# As a settings module does it; without one Django leaves the process in its own zone.
import os  # noqa: E402
import time  # noqa: E402

os.environ["TZ"] = sys.argv[3]
time.tzset()
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402


def create(seconds):
    """A session that ends `seconds` from now, by a date."""
    session = SessionStore()
    session["a"] = 1
    session.set_expiry(datetime.timedelta(seconds=seconds))
    session.save()
    return session.session_key


def lives(key):
    """How many seconds are left, or null."""
    session = SessionStore(key)
    return session.get_expiry_age() if session.get("a") == 1 else None


def last_login(username):
    """How many seconds ago."""
    return (datetime.datetime.now() - User.objects.get(username=username).last_login).total_seconds()


def log_in(username):
    User.objects.filter(username=username).update(last_login=datetime.datetime.now())


COMMANDS = {command.__name__: command for command in (create, lives, last_login, log_in)}

for line in sys.stdin:
    name, *arguments = json.loads(line)
    print(json.dumps(COMMANDS[name](*arguments)), flush=True)

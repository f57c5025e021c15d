"""Django in this process, with settings that cases change and a clock that they set."""

import datetime
import logging
import time
from unittest import mock

import django
from django.conf import settings

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
SECRET = "test-secret-key-0123456789"


class Clock:
    micros = 0

    def seconds(self):
        return self.micros / 1_000_000

    def moment(self):
        return moment(self.micros)


CLOCK = Clock()


def at(micros):
    """From now on it is that many microseconds after 1970."""
    CLOCK.micros = micros


def moment(micros):
    return EPOCH + datetime.timedelta(microseconds=micros)


def micros_of(aware):
    return (aware - EPOCH) // datetime.timedelta(microseconds=1)


def configure():
    settings.configure(
        SECRET_KEY=SECRET,
        ALLOWED_HOSTS=["*"],
        USE_TZ=True,
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        SESSION_ENGINE="django.contrib.sessions.backends.db",
        LOGGING_CONFIG=None,
    )
    django.setup()
    # What is refused is what we provoke.
    logging.disable(logging.CRITICAL)
    stop_clocks()


def stop_clocks():
    from django.http import response
    from django.utils import timezone

    class AnyDatetime(type):
        def __instancecheck__(cls, thing):
            return isinstance(thing, datetime.datetime)

    # `set_cookie` asks whether it was given a datetime: the real ones must count.
    class StoppedDatetime(datetime.datetime, metaclass=AnyDatetime):
        @classmethod
        def now(cls, tz=None):
            return CLOCK.moment().astimezone(tz)

    module = mock.Mock(wraps=datetime)
    for name in ("timedelta", "timezone", "UTC"):
        setattr(module, name, getattr(datetime, name))
    module.datetime = StoppedDatetime
    response.datetime = module
    timezone.now = CLOCK.moment
    time.time = CLOCK.seconds


def hex_keys(keys):
    return [key.encode().hex() for key in keys]


# Pairs of a signing key and its fallbacks.
KEYS = [
    [SECRET],
    ["k"],
    ["é’😀"],
    ["x" * 200],
    [SECRET, "older", "oldest"],
    ["newer", SECRET],
]
# Cases about times happen around here.
NOW = 1_700_000_000_000_000


def some_now(inputs):
    """Mostly this century, sometimes later. Later clocks show whole seconds: Python's are floats, which have no room."""
    kind = inputs.random()
    if kind < 0.5:
        return NOW + inputs.below(100) * 1_000_000
    if kind < 0.9:
        return NOW + inputs.below(10**15)
    if kind < 0.97:
        return inputs.below(4_000_000_000) * 1_000_000
    return inputs.below(200_000_000_000) * 1_000_000


def some_age(inputs, now, then):
    """A limit on an age, often just at its edge."""
    exact = (now - then) / 1_000_000
    kind = inputs.random()
    if kind < 0.2:
        return None
    if kind < 0.4:
        return max(0, int(exact) + inputs.below(3) - 1)
    if kind < 0.5:
        return max(0.0, exact + (inputs.random() - 0.5) * inputs.any_of([1e-3, 1, 100]))
    if kind < 0.9:
        return 1_209_600 + inputs.below(10**9)
    return inputs.below(1000)

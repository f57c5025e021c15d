"""Stops every clock that Django reads."""

import datetime
from contextlib import contextmanager
from unittest import mock


@contextmanager
def stopped_at(seconds: float):
    """Within this, it is `seconds` after 1970 for everything that Django asks."""
    moment = datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC)

    class AnyDatetime(type):
        def __instancecheck__(cls, thing):
            return isinstance(thing, datetime.datetime)

    # `set_cookie` asks whether it was given a datetime: the real ones must count.
    class StoppedDatetime(datetime.datetime, metaclass=AnyDatetime):
        @classmethod
        def now(cls, tz=None):
            return moment.astimezone(tz) if tz else moment.replace(tzinfo=None)

    # `http.response` looks the class up in the module at each call; nothing else may see the stopped one.
    response_clock = mock.Mock(wraps=datetime)
    for name in ("timedelta", "timezone", "UTC"):
        if hasattr(datetime, name):
            setattr(response_clock, name, getattr(datetime, name))
    response_clock.datetime = StoppedDatetime
    with (
        mock.patch("time.time", return_value=seconds),
        mock.patch("django.utils.timezone.now", return_value=moment),
        mock.patch("django.http.response.datetime", response_clock),
    ):
        yield moment

"""`django.contrib.auth.tokens`: password reset links."""

import datetime

from django.conf import settings
from django.contrib.auth import tokens
from django.contrib.auth.tokens import PasswordResetTokenGenerator

from .compare import pristine, same
from .pipe import ask
from .signing import hex_keys

own = pristine("django.contrib.auth.tokens")

EPOCH = datetime.datetime(1970, 1, 1)


def micros(wall):
    """Of a wall clock's reading, as if it were UTC's."""
    return (wall.replace(tzinfo=None) - EPOCH) // datetime.timedelta(microseconds=1)


def reset(user, keys, wall):
    """What is asked about a token. The site's zone has gone into the wall clock's reading."""
    login = user.last_login
    return {
        "keys": hex_keys(*keys),
        "user": {"id": str(user.pk), "password": user.password, "is_active": True},
        "email": getattr(user, user.get_email_field_name(), "") or "",
        "last_login": None if login is None else micros(login),
        "timeout": settings.PASSWORD_RESET_TIMEOUT,
        "zone": "UTC",
        "uses_tz": True,
        "now": micros(wall),
    }


def is_django_s(generator):
    """Not a site's generator with a rule of its own."""
    return (
        generator.algorithm == "sha256"
        and generator.key_salt == own.PasswordResetTokenGenerator.key_salt
        and type(generator)._make_hash_value is PasswordResetTokenGenerator._make_hash_value
    )


def install():
    django = {name: getattr(PasswordResetTokenGenerator, name) for name in ("make_token", "check_token")}

    def make_token(self, user):
        if not is_django_s(self):
            return django["make_token"](self, user)
        now = self._now()
        ours = ask("reset_make", **reset(user, [self.secret], now))
        seconds = self._num_seconds(now)
        same("make_token", ours, own.PasswordResetTokenGenerator()._make_token_with_timestamp(user, seconds, self.secret))
        return ours

    def check_token(self, user, token):
        # Nobody, and no token, are no question.
        if not (user and token) or not is_django_s(self):
            return django["check_token"](self, user, token)
        now = self._now()
        keys = [self.secret, *self.secret_fallbacks]
        ours = ask("reset_check", token=token, **reset(user, keys, now))
        beside = own.PasswordResetTokenGenerator()
        beside.secret, beside.secret_fallbacks = keys[0], keys[1:]
        beside._now = lambda: now
        same("check_token", ours, beside.check_token(user, token))
        return ours

    tokens.PasswordResetTokenGenerator.make_token = make_token
    tokens.PasswordResetTokenGenerator.check_token = check_token

"""Sessions: what every engine shares. The objects are in `session_objects.py`."""

import datetime
import json
import logging

from django.conf import settings
from django.contrib.sessions.backends import base
from django.utils import timezone

from .compare import outcome, same
from .cookies import UTC
from .cookies import micros as micros_since_1970
from .pipe import Fault, ask
from .signing import inflated, own, site_keys

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)

django_expiry_age = base.SessionBase.get_expiry_age
django_expiry_date = base.SessionBase.get_expiry_date


def micros(moment):
    if timezone.is_naive(moment):
        moment = timezone.make_aware(moment)
    return micros_since_1970(moment)


def moment_of(number, naive=None):
    """Naive in the site's time zone if the site is, or if asked for."""
    moment = EPOCH + datetime.timedelta(microseconds=number)
    if naive is None:
        naive = not settings.USE_TZ
    return timezone.make_naive(moment) if naive else moment


def now_micros():
    return micros(timezone.now())


def to_json(value):
    return json.dumps(value, separators=(",", ":"))


def is_json():
    return settings.SESSION_SERIALIZER == "django.contrib.sessions.serializers.JSONSerializer"


def aware_text(expiry):
    """What stands under `_session_expiry`, as a site with time zones writes it."""
    if isinstance(expiry, str):
        try:
            expiry = datetime.datetime.fromisoformat(expiry)
        except ValueError:
            return expiry
    if isinstance(expiry, datetime.datetime):
        if timezone.is_naive(expiry):
            expiry = timezone.make_aware(expiry)
        return expiry.isoformat()
    return expiry


def beside(modification, expiry):
    """What Django's own functions are given. They cannot mix naive and aware moments, which a site never does."""
    expiry = aware_text(expiry)
    if isinstance(expiry, str):
        expiry = datetime.datetime.fromisoformat(expiry)
        expiry = expiry if timezone.is_aware(modification) else timezone.make_naive(expiry)
    return {"modification": modification, "expiry": expiry}


def install():
    """Encoding, expiry and keys: what every engine inherits."""
    cls = base.SessionBase
    django = {
        name: getattr(cls, name)
        for name in ("encode", "decode", "get_expiry_age", "get_expiry_date", "get_expire_at_browser_close")
    }

    def encode(self, session_dict):
        data = self.serializer().dumps(session_dict)
        if not is_json():
            return django["encode"](self, session_dict)
        now = now_micros()
        text = ask("dumps", keys=site_keys(), salt=self.key_salt, json=data.decode("ascii"), compress=True, now=now)
        own.time.now = now // 1_000_000
        theirs = own.dumps(session_dict, salt=self.key_salt, serializer=self.serializer, compress=True)
        same("session_encode", inflated(text), inflated(theirs))
        return text

    def decode(self, session_data):
        if not is_json():
            return django["decode"](self, session_data)
        theirs = outcome(own.loads, session_data, salt=self.key_salt, serializer=self.serializer)
        theirs = theirs if isinstance(theirs, dict) else {}
        try:
            text = ask(
                "loads", keys=site_keys(), salt=self.key_salt, signed=session_data, max_age=None, now=now_micros()
            )
            data = self.serializer().loads(text.encode("latin-1"))
        except Fault as fault:
            if fault.kind in ("mismatch", "no_separator"):
                logging.getLogger("django.security.SuspiciousSession").warning("Session data corrupted")
            data = {}
        except Exception:
            data = {}
        same("session_decode", data, theirs)
        return data

    def ask_expiry(self, kwargs):
        modification = kwargs.get("modification")
        if modification is None:
            modification = timezone.now()
        expiry = kwargs["expiry"] if "expiry" in kwargs else self.get("_session_expiry")
        answer = ask(
            "expiry",
            expiry=None if expiry is None else to_json(aware_text(expiry)),
            age=int(self.get_session_cookie_age()),
            at_browser_close=bool(settings.SESSION_EXPIRE_AT_BROWSER_CLOSE),
            now=micros(modification),
        )
        return answer, beside(modification, expiry)

    def get_expiry_age(self, **kwargs):
        answer, given = ask_expiry(self, kwargs)
        same("expiry_age", answer["age"], django["get_expiry_age"](self, **given))
        return answer["age"]

    def get_expiry_date(self, **kwargs):
        answer, given = ask_expiry(self, kwargs)
        date = moment_of(answer["date"], timezone.is_naive(given["modification"]))
        same("expiry_date", date, django["get_expiry_date"](self, **given))
        return date

    def get_expire_at_browser_close(self):
        answer, _ = ask_expiry(self, {})
        same("at_browser_close", answer["at_browser_close"], django["get_expire_at_browser_close"](self))
        return answer["at_browser_close"]

    async def with_expiry(self, kwargs):
        if "expiry" not in kwargs:
            kwargs["expiry"] = await self.aget("_session_expiry")
        return kwargs

    async def aget_expiry_age(self, **kwargs):
        return self.get_expiry_age(**await with_expiry(self, kwargs))

    async def aget_expiry_date(self, **kwargs):
        return self.get_expiry_date(**await with_expiry(self, kwargs))

    async def aget_expire_at_browser_close(self):
        await self.aget("_session_expiry")
        return self.get_expire_at_browser_close()

    def _validate_session_key(self, key):
        return isinstance(key, str) and ask("key_parse", text=key)

    def _get_new_session_key(self):
        while True:
            key = ask("key_generate")
            if not self.exists(key):
                return key

    async def _aget_new_session_key(self):
        while True:
            key = ask("key_generate")
            if not await self.aexists(key):
                return key

    replaced = [
        encode,
        decode,
        get_expiry_age,
        get_expiry_date,
        get_expire_at_browser_close,
        _validate_session_key,
        _get_new_session_key,
    ]
    if hasattr(cls, "aget"):
        replaced += [aget_expiry_age, aget_expiry_date, aget_expire_at_browser_close, _aget_new_session_key]
    for function in replaced:
        setattr(cls, function.__name__, function)

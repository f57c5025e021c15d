"""Sessions: what every engine shares, and whole session objects for `db` and `signed_cookies`.

A session object of these two engines holds nothing but its flags, its key and a handle; the data and what was
done to them are the judge's. The database is reached by calls back.
"""

import datetime
import json
import logging
import weakref

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.backends import base, cached_db, db, signed_cookies
from django.db import IntegrityError, router, transaction
from django.utils import timezone

from .compare import outcome, same
from .cookies import UTC
from .cookies import micros as micros_since_1970
from .pipe import Fault, ask, pipe
from .signing import inflated, own, site_keys

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
ABSENT = object()

django_expiry_date = base.SessionBase.get_expiry_date

# The session objects whose tables the judge may call back about.
_sites = weakref.WeakValueDictionary()


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


def install_base():
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


class Handled:
    """A session object whose data are the judge's."""

    _handle = None

    # What the judge needs to know of the site.

    def _rules(self):
        _sites[id(self)] = self
        return {
            "keys": site_keys(),
            "salt": self.key_salt,
            "age": int(self.get_session_cookie_age()),
            "at_browser_close": bool(settings.SESSION_EXPIRE_AT_BROWSER_CLOSE),
            "site": id(self),
        }

    def _load_handle(self):
        raise NotImplementedError

    def _ensure_loaded(self):
        self.accessed = True
        if self._handle is None:
            if self.session_key is None:
                self._handle = ask("session_new")
            else:
                self._handle = self._load_handle()
        return self._handle

    def _data(self):
        return json.loads(ask("session_data", handle=self._handle))

    # Django's names. Tests look at `_session_cache` to see whether a session is loaded.

    @property
    def _session_cache(self):
        if self._handle is None:
            raise AttributeError("_session_cache")
        return self._data()

    @_session_cache.setter
    def _session_cache(self, data):
        self._handle = ask("session_new")
        for name, value in data.items():
            self._set(name, value)

    @_session_cache.deleter
    def _session_cache(self):
        self._handle = None

    def _get_session(self, no_load=False):
        if no_load and self._handle is None:
            self._handle = ask("session_new")
        self._ensure_loaded()
        return self._data()

    _session = property(_get_session)

    def _set(self, name, value):
        text = self.serializer().dumps(value).decode("latin-1")
        ask("session_set", handle=self._handle, name=str(name), json=text)

    def __getitem__(self, key):
        value = self.get(key, ABSENT)
        if value is ABSENT:
            raise KeyError(key)
        return value

    def get(self, key, default=None):
        raw = ask("session_get", handle=self._ensure_loaded(), name=str(key))
        return default if raw is None else json.loads(raw)

    def __setitem__(self, key, value):
        self._ensure_loaded()
        self._set(key, value)
        self.modified = True

    def __delitem__(self, key):
        if not ask("session_remove", handle=self._ensure_loaded(), name=str(key)):
            raise KeyError(key)
        self.modified = True

    def pop(self, key, default=ABSENT):
        value = self.get(key, ABSENT)
        if value is not ABSENT:
            ask("session_remove", handle=self._handle, name=str(key))
            self.modified = True
            return value
        if default is ABSENT:
            raise KeyError(key)
        return default

    def setdefault(self, key, value):
        found = self.get(key, ABSENT)
        if found is not ABSENT:
            return found
        self[key] = value
        return value

    def update(self, dict_):
        self._ensure_loaded()
        for name, value in dict(dict_).items():
            self._set(name, value)
        self.modified = True

    def clear(self):
        self.accessed = True
        self.modified = True
        if self._handle is None:
            # Django does not load what it is going to clear.
            self._handle = ask("session_new")
        ask("session_clear", handle=self._handle)

    def is_empty(self):
        if self._session_key:
            return False
        return self._handle is None or ask("session_is_empty", handle=self._handle)

    def set_expiry(self, value):
        self._ensure_loaded()
        fields = {"seconds": None, "until": None, "micros": None}
        if value is None:
            self.modified = self.modified or "_session_expiry" in self
        else:
            self.modified = True
        if isinstance(value, datetime.timedelta) and value >= datetime.timedelta():
            fields["micros"] = value // datetime.timedelta(microseconds=1)
        elif isinstance(value, datetime.timedelta):
            fields["until"] = micros(timezone.now() + value)
        elif isinstance(value, datetime.datetime):
            fields["until"] = micros(value)
        elif value is not None:
            fields["seconds"] = int(value)
        ask("session_set_expiry", handle=self._handle, now=now_micros(), **fields)


def _asynchronous(cls, names):
    """Django's `a…` methods, each made of the one it is called after."""

    def made(name):
        async def method(self, *args, **kwargs):
            return await sync_to_async(getattr(self, name))(*args, **kwargs)

        return method

    special = {"__setitem__": "aset", "_get_session": "_aget_session"}
    for name in names:
        asynchronous = special.get(name, f"a{name}")
        if hasattr(base.SessionBase, asynchronous):
            setattr(cls, asynchronous, made(name))


DATA_NAMES = (
    "__setitem__ _get_session get pop setdefault set_test_cookie test_cookie_worked delete_test_cookie update "
    "has_key keys values items set_expiry flush cycle_key exists create save delete load clear_expired"
).split()


def install_db():
    django_store = db.SessionStore

    class SessionStore(Handled, django_store):
        def _answer_load(self):
            answer = ask("session_load", key=self.session_key, rules=self._rules(), now=now_micros())
            if not answer["found"]:
                self._session_key = None
            if answer["unreadable"]:
                logging.getLogger("django.security.SuspiciousSession").warning("Session data corrupted")
            return answer["handle"]

        def _load_handle(self):
            return self._answer_load()

        def load(self):
            if self.session_key is None:
                return {}
            return json.loads(ask("session_data", handle=self._answer_load()))

        def _commit(self):
            """Carries out now what Django carries out at once."""
            self._ensure_loaded()
            self._committed_at = now_micros()
            try:
                done = ask("session_commit", handle=self._handle, rules=self._rules(), now=self._committed_at)
            except Fault as fault:
                if fault.kind == "interrupted":
                    raise base.UpdateError from None
                raise
            self._session_key = done.get("key")
            return done

        def create(self):
            """A record at once, with the data that are there."""
            data = {} if self._handle is None else self._data()
            self._session_key = None
            self._session_cache = data
            ask("session_cycle", handle=self._handle)
            self._commit()
            self.modified = True

        def save(self, must_create=False):
            if self.session_key is None or must_create:
                return self.create()
            self._ensure_loaded()
            if self.session_key is None:
                # It was not there to be loaded.
                raise base.UpdateError
            self._commit()

        def cycle_key(self):
            self._ensure_loaded()
            ask("session_cycle", handle=self._handle)
            self._commit()
            self.modified = True

        def flush(self):
            self.accessed = True
            self.modified = True
            if self._handle is None:
                self.delete()
            else:
                ask("session_flush", handle=self._handle)
                try:
                    self._commit()
                except base.UpdateError:
                    # Gone already: Django does not mind, and neither does this test.
                    pass
            self._handle = ask("session_new")
            self._session_key = None

        def delete(self, session_key=None):
            key = self.session_key if session_key is None else session_key
            if key is not None:
                ask("store_delete", key=key, rules=self._rules(), now=now_micros())

        @classmethod
        def clear_expired(cls):
            # Kept by this name until the judge has called back.
            session = cls()
            ask("store_clear", rules=session._rules(), now=now_micros())

        # The model, which sites extend by overriding this.

        _row = None

        def create_model_instance(self, data):
            if self._row is None:
                return super().create_model_instance(data)
            return self.model(
                session_key=self._row["key"],
                session_data=self._row["text"],
                expire_date=moment_of(self._row["expires"]),
            )

        def _instance(self, row):
            data = json.loads(row["json"])
            same("row_data", own.loads(row["text"], salt=self.key_salt, serializer=self.serializer), data)
            date = django_expiry_date(self, **beside(moment_of(self._committed_at), data.get("_session_expiry")))
            same("row_expiry", moment_of(row["expires"]), date)
            self._row = row
            try:
                return self.create_model_instance(data)
            finally:
                self._row = None

    SessionStore.__qualname__ = "SessionStore"
    SessionStore.__module__ = django_store.__module__
    _asynchronous(SessionStore, DATA_NAMES)

    def stored(record):
        return [record.session_data, micros(record.expire_date)]

    @pipe.answers
    def load(site, key, now):
        model = _sites[site].model
        try:
            return stored(model.objects.get(session_key=key, expire_date__gt=moment_of(now)))
        except model.DoesNotExist:
            return None

    @pipe.answers
    def create(site, **row):
        session = _sites[site]
        record = session._instance(row)
        using = router.db_for_write(session.model, instance=record)
        try:
            with transaction.atomic(using=using):
                record.save(force_insert=True, using=using)
        except IntegrityError:
            return False
        return True

    @pipe.answers
    def replace(site, seen, now, **row):
        session = _sites[site]
        record = session._instance(row)
        using = router.db_for_write(session.model, instance=record)
        columns = {
            field.attname: getattr(record, field.attname)
            for field in record._meta.concrete_fields
            if not field.primary_key
        }
        there = session.model.objects.using(using).filter(session_key=row["key"], expire_date__gt=moment_of(now))
        with transaction.atomic(using=using):
            if there.filter(session_data=seen).update(**columns):
                return True
        found = there.first()
        return None if found is None else stored(found)

    @pipe.answers
    def delete(site, key, seen, now):
        records = _sites[site].model.objects.filter(session_key=key)
        if seen is None:
            return True if records.delete()[0] else None
        if records.filter(session_data=seen, expire_date__gt=moment_of(now)).delete()[0]:
            return True
        found = records.filter(expire_date__gt=moment_of(now)).first()
        return None if found is None else stored(found)

    @pipe.answers
    def clear_expired(site, now, at_most):
        return _sites[site].model.objects.filter(expire_date__lt=moment_of(now)).delete()[0]

    # `cached_db` is Django's own on top of Django's own `db`: we have no such engine.
    assert issubclass(cached_db.SessionStore, django_store)
    db.SessionStore = SessionStore


def install_signed_cookies():
    django_store = signed_cookies.SessionStore

    class SessionStore(Handled, django_store):
        def _read(self):
            answer = ask("session_read", value=self.session_key, rules=self._rules(), now=now_micros())
            ours = json.loads(ask("session_data", handle=answer["handle"]))
            own.time.now = now_micros() // 1_000_000
            theirs = outcome(
                own.loads,
                self.session_key,
                serializer=self.serializer,
                max_age=self.get_session_cookie_age(),
                salt="django.contrib.sessions.backends.signed_cookies",
            )
            same("cookie_session_read", ours, theirs if isinstance(theirs, dict) else {})
            if not answer["found"]:
                # Django answers with a new cookie then.
                self.modified = True
            return answer["handle"]

        def _load_handle(self):
            return self._read()

        def load(self):
            if self.session_key is None:
                return {}
            return json.loads(ask("session_data", handle=self._read()))

        def save(self, must_create=False):
            self._ensure_loaded()
            self._write()
            self.modified = True

        def _write(self):
            data = self._data()
            now = now_micros()
            written = ask(
                "session_write", handle=self._handle, name=settings.SESSION_COOKIE_NAME, rules=self._rules(), now=now
            )
            if written["done"] == "saved":
                own.time.now = now // 1_000_000
                salt = "django.contrib.sessions.backends.signed_cookies"
                theirs = own.dumps(data, compress=True, salt=salt, serializer=self.serializer)
                same("cookie_session_write", inflated(written["value"]), inflated(theirs))
            self._session_key = written.get("value", "")

        _commit = save

        def delete(self, session_key=None):
            if self._handle is not None:
                ask("session_flush", handle=self._handle)
            self._handle = ask("session_new")
            self._session_key = ""
            self.modified = True

        def cycle_key(self):
            self._ensure_loaded()
            ask("session_cycle", handle=self._handle)
            self.save()

    SessionStore.__qualname__ = "SessionStore"
    SessionStore.__module__ = django_store.__module__
    _asynchronous(SessionStore, DATA_NAMES)
    signed_cookies.SessionStore = SessionStore


def install():
    install_base()
    install_db()
    install_signed_cookies()

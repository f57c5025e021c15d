"""Session objects whose data, and what was done to them, are the judge's.

Such an object holds nothing but its flags, its key and a handle. What it answers, and what it holds then, is compared
with a plain object of Django's that held the same before. The table behind it is reached by calls back, each engine in
its own way (`engines/`).
"""

import datetime
import functools
import json
import logging
import weakref
from types import SimpleNamespace

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.backends import base
from django.utils import timezone

from .compare import pristine, same
from .pipe import Fault, ask, pipe
from .sessions import micros, now_micros
from .signing import site_keys

ABSENT = object()

own_base = pristine("django.contrib.sessions.backends.base")

# The session objects whose tables the judge may call back about.
_sites = weakref.WeakValueDictionary()


class Double(own_base.SessionBase):
    """Django's own object, whose data are in its hands already."""

    def __init__(self, session_key, data, accessed, modified):
        self._session_key = session_key
        self.accessed = accessed
        self.modified = modified
        if data is not None:
            self._session_cache = data

    def create(self):
        self._session_key = "a" * 32
        self.modified = True

    def delete(self, session_key=None):
        pass


def attempt(function, *args, **kwargs):
    try:
        return function(*args, **kwargs), None
    except Exception as error:
        return None, error


def plain(value):
    """As JSON has it, so that a tuple is a list; a moment of expiry is the same however it is written."""
    value = json.loads(json.dumps(value, default=str))
    if isinstance(value, dict) and isinstance(value.get("_session_expiry"), str):
        value["_session_expiry"] = micros(datetime.datetime.fromisoformat(value["_session_expiry"]))
    return value


def compared(method):
    """Has Django's method of this name do the same beside it."""
    name = method.__name__

    @functools.wraps(method)
    def beside(self, *args, **kwargs):
        if self._comparing:
            return method(self, *args, **kwargs)
        self._comparing = True
        try:
            django = self._double(loads=name not in ("clear", "is_empty", "flush"))
            key = self._session_key
            ours, error = attempt(method, self, *args, **kwargs)
            own_base.timezone = SimpleNamespace(now=lambda: self._asked_at)
            theirs, own_error = attempt(getattr(own_base.SessionBase, name), django, *args, **kwargs)
            same(
                f"session_{name.strip('_')}",
                (plain(ours), type(error).__name__, *seen(self, key)),
                (plain(theirs), type(own_error).__name__, *seen(django, key)),
            )
        finally:
            self._comparing = False
        if error is not None:
            raise error
        return ours

    return beside


def seen(session, before):
    """What is to be seen of a session object. A new key is another each time."""
    key = session._session_key
    return (
        plain(getattr(session, "_session_cache", None)),
        "new" if key and key != before else key,
        session.accessed,
        session.modified,
    )


class Handled:
    """A session object whose data are the judge's."""

    _handle = None
    _comparing = False
    _asked_at = None
    # In which form the table keeps the data.
    _kept = "signed"

    # What the judge needs to know of the site.

    def _rules(self):
        _sites[id(self)] = self
        return {
            "keys": site_keys(),
            "salt": self.key_salt,
            "age": int(self.get_session_cookie_age()),
            "at_browser_close": bool(settings.SESSION_EXPIRE_AT_BROWSER_CLOSE),
            "site": id(self),
            "kept": self._kept,
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

    # What it is compared with.

    def _double(self, loads):
        accessed = self.accessed
        if loads:
            self._ensure_loaded()
            self.accessed = accessed
        data = None if self._handle is None else self._data()
        return Double(self._session_key, data, accessed, self.modified)

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

    @compared
    def __getitem__(self, key):
        value = self.get(key, ABSENT)
        if value is ABSENT:
            raise KeyError(key)
        return value

    @compared
    def get(self, key, default=None):
        raw = ask("session_get", handle=self._ensure_loaded(), name=str(key))
        return default if raw is None else json.loads(raw)

    @compared
    def __setitem__(self, key, value):
        self._ensure_loaded()
        self._set(key, value)
        self.modified = True

    @compared
    def __delitem__(self, key):
        if not ask("session_remove", handle=self._ensure_loaded(), name=str(key)):
            raise KeyError(key)
        self.modified = True

    @compared
    def pop(self, key, default=ABSENT):
        value = self.get(key, ABSENT)
        if value is not ABSENT:
            ask("session_remove", handle=self._handle, name=str(key))
            self.modified = True
            return value
        if default is ABSENT:
            raise KeyError(key)
        return default

    @compared
    def setdefault(self, key, value):
        found = self.get(key, ABSENT)
        if found is not ABSENT:
            return found
        self[key] = value
        return value

    @compared
    def update(self, dict_):
        self._ensure_loaded()
        for name, value in dict(dict_).items():
            self._set(name, value)
        self.modified = True

    @compared
    def clear(self):
        self.accessed = True
        self.modified = True
        if self._handle is None:
            # Django does not load what it is going to clear.
            self._handle = ask("session_new")
        ask("session_clear", handle=self._handle)

    @compared
    def is_empty(self):
        if self._session_key:
            return False
        return self._handle is None or ask("session_is_empty", handle=self._handle)

    @compared
    def set_expiry(self, value):
        self._ensure_loaded()
        self._asked_at = timezone.now()
        fields = {"seconds": None, "until": None, "micros": None}
        if value is None:
            self.modified = self.modified or "_session_expiry" in self
        else:
            self.modified = True
        if isinstance(value, datetime.timedelta) and value >= datetime.timedelta():
            fields["micros"] = value // datetime.timedelta(microseconds=1)
        elif isinstance(value, datetime.timedelta):
            fields["until"] = micros(self._asked_at + value)
        elif isinstance(value, datetime.datetime):
            fields["until"] = micros(value)
        elif value is not None:
            fields["seconds"] = int(value)
        ask("session_set_expiry", handle=self._handle, now=micros(self._asked_at), **fields)


class Kept(Handled):
    """A session object with a table behind it.

    Django carries out `flush`, `cycle_key` and `login` at once and we at the end of the request, so each is committed
    here as soon as it is asked for.
    """

    _committed_at = None

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

    def exists(self, session_key):
        if not session_key:
            return False
        ours = ask("store_exists", key=session_key, rules=self._rules(), now=now_micros())
        same("session_exists", ours, bool(super().exists(session_key)))
        return ours

    def _commit(self):
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

    def _commit_and_compare(self, what, key):
        """What is kept now is what was there, under the key that Django would keep it under."""
        before = self._data()
        self._commit()
        same(what, (self._data(), self.session_key == key), (before, what == "session_save"))

    def create(self):
        """A record at once, with the data that are there."""
        data = {} if self._handle is None else self._data()
        key, self._session_key = self.session_key, None
        self._session_cache = data
        ask("session_cycle", handle=self._handle)
        self._commit_and_compare("session_create", key)
        self.modified = True

    def save(self, must_create=False):
        if self.session_key is None or must_create:
            return self.create()
        self._ensure_loaded()
        if self.session_key is None:
            # It was not there to be loaded.
            raise base.UpdateError
        self._commit_and_compare("session_save", self.session_key)

    @compared
    def cycle_key(self):
        self._ensure_loaded()
        ask("session_cycle", handle=self._handle)
        self._commit()
        self.modified = True

    @compared
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


# The calls back: `null`, or what is there as a text and the moment at which it ends.


@pipe.answers
def load(site, key, now):
    return _sites[site]._table_load(key, now)


@pipe.answers
def create(site, **row):
    return _sites[site]._table_create(row)


@pipe.answers
def replace(site, seen, now, **row):
    return _sites[site]._table_replace(row, seen, now)


@pipe.answers
def delete(site, key, seen, now):
    return _sites[site]._table_delete(key, seen, now)


@pipe.answers
def clear_expired(site, now, at_most):
    return _sites[site]._table_clear_expired(now)


def stand_in(module, mixin):
    """Puts objects of ours in the place of an engine's."""
    django_store = module.SessionStore

    class SessionStore(mixin, django_store):
        pass

    SessionStore.__qualname__ = "SessionStore"
    SessionStore.__module__ = django_store.__module__
    special = {"__setitem__": "aset", "_get_session": "_aget_session"}
    for name in ASYNCHRONOUS:
        asynchronous = special.get(name, f"a{name}")
        if hasattr(base.SessionBase, asynchronous):
            setattr(SessionStore, asynchronous, _asynchronous(name))
    module.SessionStore = SessionStore


def _asynchronous(name):
    """Django's `a…` methods, each made of the one it is called after."""

    async def method(self, *args, **kwargs):
        return await sync_to_async(getattr(self, name))(*args, **kwargs)

    return method


ASYNCHRONOUS = (
    "__setitem__ _get_session get pop setdefault set_test_cookie test_cookie_worked delete_test_cookie update "
    "has_key keys values items set_expiry flush cycle_key exists create save delete load clear_expired"
).split()

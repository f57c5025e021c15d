"""`signed_cookies`: there is no table; the cookie is the session."""

import json

from django.conf import settings

from ..compare import outcome, same
from ..pipe import ask
from ..session_objects import Handled
from ..sessions import now_micros
from ..signing import inflated, own

SALT = "django.contrib.sessions.backends.signed_cookies"


class SignedCookies(Handled):
    def _read(self):
        answer = ask("session_read", value=self.session_key, rules=self._rules(), now=now_micros())
        ours = json.loads(ask("session_data", handle=answer["handle"]))
        own.time.now = now_micros() // 1_000_000
        theirs = outcome(
            own.loads,
            self.session_key,
            serializer=self.serializer,
            max_age=self.get_session_cookie_age(),
            salt=SALT,
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
            theirs = own.dumps(data, compress=True, salt=SALT, serializer=self.serializer)
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

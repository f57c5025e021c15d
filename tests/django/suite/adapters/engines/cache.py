"""`cache`: the site's cache, which keeps the data themselves and forgets them when they have ended."""

import json

from ..compare import same
from ..pipe import Fault
from ..session_objects import Kept
from ..sessions import beside, django_expiry_age, moment_of, to_json

# A cache does not tell when it will forget something.
SOME_DAY = 253_402_300_799_000_000


def seconds_of(session, row):
    """How long the cache is to keep it."""
    data = json.loads(row["json"])
    ours = (row["expires"] - session._committed_at) // 1_000_000
    modified = moment_of(session._committed_at)
    same("cache_timeout", ours, django_expiry_age(session, **beside(modified, data.get("_session_expiry"))))
    return ours


class Cache(Kept):
    _kept = "json"

    def create(self):
        try:
            super().create()
        except Fault as fault:
            if fault.kind != "commit":
                raise
            raise RuntimeError(
                "Unable to create a new session key. It is likely that the cache is unavailable."
            ) from None

    def _name(self, key):
        return self.cache_key_prefix + key

    def _table_load(self, key, now):
        try:
            data = self._cache.get(self._name(key))
        except Exception:
            # Some caches raise where a key is too long for them.
            return None
        return None if data is None else [to_json(data), SOME_DAY]

    def _table_create(self, row):
        return self._cache.add(self._name(row["key"]), json.loads(row["json"]), seconds_of(self, row))

    def _changed(self, key, seen):
        """What is there, if it is not what was seen."""
        found = self._cache.get(self._name(key))
        return found is None or found != json.loads(seen), None if found is None else [to_json(found), SOME_DAY]

    def _table_replace(self, row, seen, now):
        changed, found = self._changed(row["key"], seen)
        if changed:
            return found
        self._cache.set(self._name(row["key"]), json.loads(row["json"]), seconds_of(self, row))
        return True

    def _table_delete(self, key, seen, now):
        if seen is not None:
            changed, found = self._changed(key, seen)
            if changed:
                return found
        return True if self._cache.delete(self._name(key)) else None

    def _table_clear_expired(self, now):
        # It does so by itself.
        return 0

"""`cached_db`: the table, with the cache before it."""

import json
import logging

from django.db import router, transaction

from ..sessions import moment_of, to_json
from .cache import SOME_DAY, seconds_of
from .db import Database


class CachedDatabase(Database):
    # What is in the cache has no signed text, so the data themselves tell one state from another.
    _kept = "json"

    def _name(self, key):
        return self.cache_key_prefix + key

    def _found(self, record):
        found = super()._found(record)
        return None if found is None else [to_json(self.decode(found[0])), found[1]]

    def _table_load(self, key, now):
        try:
            data = self._cache.get(self._name(key))
        except Exception:
            # Some caches raise where a key is too long for them.
            data = None
        if data is not None:
            return [to_json(data), SOME_DAY]
        found = super()._table_load(key, now)
        if found is not None:
            age = self.get_expiry_age(expiry=moment_of(found[1]))
            self._cache.set(self._name(key), json.loads(found[0]), age)
        return found

    def _remember(self, row):
        try:
            self._cache.set(self._name(row["key"]), json.loads(row["json"]), seconds_of(self, row))
        except Exception:
            logging.getLogger("django.contrib.sessions").exception("Error saving to cache (%s)", self._cache)

    def _table_create(self, row):
        created = super()._table_create(row)
        if created:
            self._remember(row)
        return created

    def _signed(self, key, seen, now):
        """The text that the table has for these data, as long as it has them."""
        using = router.db_for_write(self.model)
        there = self.model.objects.using(using).filter(session_key=key, expire_date__gt=moment_of(now))
        text = there.values_list("session_data", flat=True).first()
        return text if text is not None and self.decode(text) == json.loads(seen) else ""

    def _table_replace(self, row, seen, now):
        with transaction.atomic(using=router.db_for_write(self.model)):
            replaced = super()._table_replace(row, self._signed(row["key"], seen, now), now)
        if replaced is True:
            self._remember(row)
        return replaced

    def _table_delete(self, key, seen, now):
        deleted = super()._table_delete(key, None if seen is None else self._signed(key, seen, now), now)
        if deleted is True or deleted is None:
            self._cache.delete(self._name(key))
        return deleted

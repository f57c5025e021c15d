"""`file`: a file for each session, which holds Django's signed text."""

import os
import tempfile

from django.conf import settings
from django.core.exceptions import SuspiciousOperation

from ..session_objects import Kept
from ..sessions import micros, moment_of


class Files(Kept):
    def _modified(self, path):
        return moment_of(os.stat(path).st_mtime_ns // 1_000)

    def _table_load(self, key, now):
        try:
            path = self._key_to_file(key)
            with open(path, encoding="ascii") as file:
                text = file.read()
            modified = self._modified(path)
        except (OSError, SuspiciousOperation):
            return None
        # The file says nothing of its end: it follows from the data and the time of the last save.
        expiry = self.decode(text).get("_session_expiry")
        expires = micros(self.get_expiry_date(modification=modified, expiry=expiry))
        return [text, expires] if expires > now else None

    def _table_create(self, row):
        path = self._key_to_file(row["key"])
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_EXCL | os.O_CREAT))
        except FileExistsError:
            return False
        self._write(path, row)
        return True

    def _write(self, path, row):
        """Another request sees the old text or the new one."""
        folder, name = os.path.split(path)
        descriptor, made = tempfile.mkstemp(dir=folder, prefix=name + "_out_")
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(row["text"])
        os.replace(made, path)

    def _table_replace(self, row, seen, now):
        found = self._table_load(row["key"], now)
        if found is None or found[0] != seen:
            return found
        self._write(self._key_to_file(row["key"]), row)
        return True

    def _table_delete(self, key, seen, now):
        if seen is not None:
            found = self._table_load(key, now)
            if found is None or found[0] != seen:
                return found
        try:
            os.unlink(self._key_to_file(key))
        except OSError:
            return None
        return True

    def _table_clear_expired(self, now):
        keys = [
            name.removeprefix(settings.SESSION_COOKIE_NAME)
            for name in os.listdir(self.storage_path)
            if name.startswith(settings.SESSION_COOKIE_NAME)
        ]
        return sum(self._table_load(key, now) is None and self._table_delete(key, None, now) is True for key in keys)

"""`db`: the table of the site's own model, with its router and its transactions."""

import json

from django.db import IntegrityError, router, transaction

from ..compare import same
from ..session_objects import Kept
from ..sessions import beside, django_expiry_date, micros, moment_of
from ..signing import own


class Database(Kept):
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

    def _found(self, record):
        return None if record is None else [record.session_data, micros(record.expire_date)]

    def _table_load(self, key, now):
        model = self.model
        try:
            return self._found(model.objects.get(session_key=key, expire_date__gt=moment_of(now)))
        except model.DoesNotExist:
            return None

    def _table_create(self, row):
        record = self._instance(row)
        using = router.db_for_write(self.model, instance=record)
        try:
            with transaction.atomic(using=using):
                record.save(force_insert=True, using=using)
        except IntegrityError:
            return False
        return True

    def _table_replace(self, row, seen, now):
        record = self._instance(row)
        using = router.db_for_write(self.model, instance=record)
        columns = {
            field.attname: getattr(record, field.attname)
            for field in record._meta.concrete_fields
            if not field.primary_key
        }
        there = self.model.objects.using(using).filter(session_key=row["key"], expire_date__gt=moment_of(now))
        with transaction.atomic(using=using):
            if there.filter(session_data=seen).update(**columns):
                return True
        return self._found(there.first())

    def _table_delete(self, key, seen, now):
        records = self.model.objects.filter(session_key=key)
        if seen is None:
            return True if records.delete()[0] else None
        if records.filter(session_data=seen, expire_date__gt=moment_of(now)).delete()[0]:
            return True
        return self._found(records.filter(expire_date__gt=moment_of(now)).first())

    def _table_clear_expired(self, now):
        return self.model.objects.filter(expire_date__lt=moment_of(now)).delete()[0]

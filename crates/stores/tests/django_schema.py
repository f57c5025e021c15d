"""Prints what Django's own migrations leave in a new SQLite database, as SQL.

    python django_schema.py > ../src/sqlite/schema.sql

The rows of django_migrations are left out: they carry the time at which they were applied.
Made with Django 6.1.3; 4.2 to 6.1 differ only in the order of two content types.
"""

import sqlite3
import tempfile

import django
from django.conf import settings
from django.core.management import call_command

with tempfile.TemporaryDirectory() as folder:
    path = folder + "/db.sqlite3"
    settings.configure(
        SECRET_KEY="only for this script",
        USE_TZ=True,
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.sessions",
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": path}},
    )
    django.setup()
    call_command("migrate", verbosity=0)
    database = sqlite3.connect(path)
    print("-- Written by tests/django_schema.py. Do not edit: Django compares with this.")
    for (sql,) in database.execute(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
    ):
        print(sql + ";")
    for table, columns in [
        ("django_content_type", "id, app_label, model"),
        ("auth_permission", "id, content_type_id, codename, name"),
    ]:
        for row in database.execute(f"SELECT {columns} FROM {table} ORDER BY id"):
            values = ", ".join(str(v) if isinstance(v, int) else f"'{v}'" for v in row)
            print(f"INSERT INTO {table} ({columns}) VALUES ({values});")

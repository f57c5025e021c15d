"""Prints what Django's own migrations leave in a new PostgreSQL database, as SQL.

    python django_schema_postgres.py postgres://USER@HOST:PORT/EMPTY > ../src/postgres/schema.sql

The rows of django_migrations are left out: they carry the time at which they were applied.
Made with Django 6.1.3 and pg_dump 15; 4.2 to 6.1 differ only in the order of two content types.
"""

import subprocess
import sys
from urllib.parse import unquote, urlsplit

import django
from django.conf import settings
from django.core.management import call_command

url = urlsplit(sys.argv[1])
settings.configure(
    SECRET_KEY="only for this script",
    USE_TZ=True,
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.sessions",
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": url.path[1:],
            "USER": unquote(url.username or ""),
            "PASSWORD": unquote(url.password or ""),
            "HOST": url.hostname,
            "PORT": url.port,
        }
    },
)
django.setup()
call_command("migrate", verbosity=0)

dump = subprocess.run(
    ["pg_dump", "--schema-only", "--no-owner", "--no-privileges", "--dbname", sys.argv[1]],
    check=True,
    capture_output=True,
    text=True,
).stdout
print("-- Written by tests/django_schema_postgres.py. Do not edit: Django compares with this.")
statement = []
for line in dump.splitlines():
    # What sets the session, and what psql alone understands.
    if not line or line.startswith(("--", "SET ", "SELECT ", "\\")):
        continue
    # Whatever schema the connection looks into first.
    statement.append(line.strip().replace("public.", ""))
    if line.endswith(";"):
        print(" ".join(statement))
        statement = []

from django.db import connection  # noqa: E402 (it needs the settings)

with connection.cursor() as cursor:
    for table, columns in [
        ("django_content_type", "app_label, model"),
        ("auth_permission", "content_type_id, codename, name"),
    ]:
        cursor.execute(f"SELECT {columns} FROM {table} ORDER BY id")
        for row in cursor.fetchall():
            values = ", ".join(str(v) if isinstance(v, int) else f"'{v}'" for v in row)
            print(f"INSERT INTO {table} ({columns}) VALUES ({values});")

"""Prints what Django's own migrations leave in a new MariaDB database, as SQL.

    python django_schema_mysql.py HOST PORT USER PASSWORD DATABASE > ../src/mysql/schema.sql

The database must be empty. The rows of django_migrations are left out: they carry the time at which they were applied.
Made with Django 6.1.3 and PyMySQL; 4.2 to 6.1 differ only in the order of two content types.
"""

import re
import sys

import pymysql

# Django asks for a version of mysqlclient, whose part PyMySQL plays.
pymysql.version_info = (2, 2, 8, "final", 0)
pymysql.install_as_MySQLdb()

import django  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402

host, port, user, password, database = sys.argv[1:]
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
            "ENGINE": "django.db.backends.mysql",
            "HOST": host,
            "PORT": port,
            "USER": user,
            "PASSWORD": password,
            "NAME": database,
        }
    },
)
django.setup()
call_command("migrate", verbosity=0)

from django.db import connection  # noqa: E402

# Those that others refer to come before them; the first one gets our mark.
TABLES = [
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
    "auth_user",
    "auth_user_groups",
    "auth_user_user_permissions",
    "django_session",
]


def one_line(statement):
    """As the server prints it, without what is the database's own: counters, character set, widths of numbers."""
    statement = re.sub(r"\) ENGINE=InnoDB.*", ")", statement)
    statement = statement.replace("bigint(20)", "bigint").replace("int(11)", "int")
    statement = re.sub(r"\s+", " ", statement)
    return statement.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1) + " ENGINE=InnoDB;"


print("-- Written by tests/django_schema_mysql.py. Do not edit: Django compares with this.")
with connection.cursor() as cursor:
    cursor.execute("SHOW TABLES")
    assert sorted(TABLES) == sorted(name for (name,) in cursor.fetchall())
    for table in TABLES:
        cursor.execute(f"SHOW CREATE TABLE {table}")
        print(one_line(cursor.fetchone()[1]))
    for table, columns in [
        ("django_content_type", "id, app_label, model"),
        ("auth_permission", "id, name, content_type_id, codename"),
    ]:
        cursor.execute(f"SELECT {columns} FROM {table} ORDER BY id")
        for row in cursor.fetchall():
            values = ", ".join(str(v) if isinstance(v, int) else f"'{v}'" for v in row)
            print(f"INSERT INTO {table} ({columns}) VALUES ({values});")

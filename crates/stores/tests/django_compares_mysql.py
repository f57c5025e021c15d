"""Points a Django at a MariaDB database that we made, and compares it with one that Django makes.

    python django_compares_mysql.py OUR_URL EMPTY_URL

Ends with "the same" if Django has nothing to migrate, the server describes the tables of both alike, and Django can use
ours: sign a user in, keep a session, save it again unchanged, and clear it.
"""

import datetime
import re
import sys
from urllib.parse import urlsplit

import pymysql

# Django asks for a version of mysqlclient, whose part PyMySQL plays.
pymysql.version_info = (2, 2, 8, "final", 0)
pymysql.install_as_MySQLdb()

import django  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402


def database(address):
    url = urlsplit(address)
    return {
        "ENGINE": "django.db.backends.mysql",
        "NAME": url.path[1:],
        "USER": url.username,
        "PASSWORD": url.password,
        "HOST": url.hostname,
        "PORT": url.port,
    }


def schema(alias):
    """Each table as the server would make it again, without the counters and our mark."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SHOW TABLES")
        for (table,) in cursor.fetchall():
            cursor.execute(f"SHOW CREATE TABLE {table}")
            yield re.sub(r" (AUTO_INCREMENT=\d+|COMMENT='made by cloakroom')", "", cursor.fetchone()[1])


def rows(alias):
    with connections[alias].cursor() as cursor:
        for table, columns in [
            ("django_migrations", "app, name"),
            ("django_content_type", "id, app_label, model"),
            ("auth_permission", "id, content_type_id, codename, name"),
        ]:
            cursor.execute(f"SELECT {columns} FROM {table} ORDER BY id")
            yield from cursor.fetchall()


ours, theirs = sys.argv[1:]
settings.configure(
    SECRET_KEY="only for this script",
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.sessions",
    ],
    DATABASES={"default": database(ours), "theirs": database(theirs)},
)
django.setup()

from django.contrib.auth import authenticate  # noqa: E402 (models need the settings)
from django.contrib.auth.models import User  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.db import connections  # noqa: E402

call_command("migrate", check_unapplied=True)
call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)
call_command("migrate", database="theirs", verbosity=0)

for our_table, their_table in zip(schema("default"), schema("theirs"), strict=True):
    assert our_table == their_table, f"{our_table}\n{their_table}"
if django.VERSION >= (6, 1):
    # Earlier releases number two content types the other way round.
    assert list(rows("theirs")) == list(rows("default"))

User.objects.create_superuser("ann", "ann@example.org", "correct horse")
assert authenticate(username="ann", password="correct horse").pk == 1
session = SessionStore()
session["a"] = 1
session.set_expiry(datetime.timedelta(seconds=-1))
session.create()
session.save()
assert SessionStore().get_model_class().objects.count() == 1
call_command("clearsessions")
assert SessionStore().get_model_class().objects.count() == 0
print("the same")

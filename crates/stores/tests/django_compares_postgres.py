"""Points a Django at a PostgreSQL database that we made, and compares it with one that Django makes.

    python django_compares_postgres.py OUR_URL EMPTY_URL

Ends with "the same" if Django has nothing to migrate, pg_dump shows no difference between the two, and Django can use
ours: sign a user in, keep a session, and clear it.
"""

import datetime
import difflib
import subprocess
import sys
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.management import call_command


def database(address):
    url = urlsplit(address)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.path[1:],
        "USER": url.username,
        "HOST": url.hostname,
        "PORT": url.port,
    }


def schema(address):
    command = ["pg_dump", "--schema-only", "--no-owner", "--no-comments", "--dbname", address]
    dump = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    # Newer releases of pg_dump begin and end with a word made for that one dump.
    return [line for line in dump.splitlines() if not line.startswith("\\")]


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

difference = list(difflib.unified_diff(schema(theirs), schema(ours), "theirs", "ours", lineterm=""))
assert not difference, "\n".join(difference)
if django.VERSION >= (6, 1):
    # Earlier releases number two content types the other way round.
    assert list(rows("theirs")) == list(rows("default"))

User.objects.create_superuser("ann", "ann@example.org", "correct horse")
assert authenticate(username="ann", password="correct horse").pk == 1
session = SessionStore()
session["a"] = 1
session.set_expiry(datetime.timedelta(seconds=-1))
session.create()
assert SessionStore().get_model_class().objects.count() == 1
call_command("clearsessions")
assert SessionStore().get_model_class().objects.count() == 0
print("the same")

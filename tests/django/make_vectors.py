#!/usr/bin/env python3
"""Writes crates/core/tests/vectors/django-X.Y.json: what this Django makes of many inputs.

Run it with the Python of each environment under target/venv/django-*; see README.md.
"""

import json
import platform
import sys
from pathlib import Path

import django
from django.conf import settings

FOLDER = Path(__file__).resolve().parents[2] / "crates/core/tests/vectors"


def configure():
    from vectors import SECRET

    settings.configure(
        SECRET_KEY=SECRET,
        ALLOWED_HOSTS=["*"],
        USE_TZ=True,
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        ROOT_URLCONF="vectors.redirects",
        SESSION_ENGINE="django.contrib.sessions.backends.db",
        PASSWORD_HASHERS=["vectors.passwords.Quick", "vectors.passwords.QuickSha1"],
        # Refused sessions and requests are what we provoke.
        LOGGING_CONFIG=None,
    )
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def document():
    from vectors import (
        cookies,
        csrf,
        hashers,
        logins,
        passwords,
        redirects,
        session_objects,
        sessions,
        signing,
        validators,
    )

    result = {"django": django.get_version(), "python": ".".join(platform.python_version_tuple()[:2])}
    for module in (signing, cookies, sessions, session_objects, csrf, passwords, hashers, validators, logins, redirects):
        for name, make in module.SECTIONS.items():
            result[name] = make()
    return result


def lines(result):
    """One row a line, so that a difference between two releases is a difference between two lines."""
    yield "{"
    last = list(result)[-1]
    for name, rows in result.items():
        end = "" if name == last else ","
        if isinstance(rows, str):
            yield f"{json.dumps(name)}: {json.dumps(rows)}{end}"
            continue
        yield f"{json.dumps(name)}: ["
        for number, row in enumerate(rows, 1):
            comma = "" if number == len(rows) else ","
            yield " " + json.dumps(row, sort_keys=True, allow_nan=False) + comma
        yield f"]{end}"
    yield "}"


def main():
    configure()
    path = FOLDER / f"django-{'.'.join(map(str, django.VERSION[:2]))}.json"
    path.write_text("\n".join(lines(document())) + "\n")
    print(f"{path.name}: {path.stat().st_size // 1024} kB", file=sys.stderr)


if __name__ == "__main__":
    main()

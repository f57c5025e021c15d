#!/usr/bin/env python3
"""The same classroom in Django: on the same database, with the same key and the same templates.

    pip install django jinja2 argon2-cffi djangorestframework-simplejwt
    CLASSROOM=classroom.sqlite3 python examples/classroom/django/classroom.py runserver 8001
    CLASSROOM=classroom.sqlite3 python examples/classroom/django/classroom.py shell
"""

import os
import sys
from base64 import urlsafe_b64encode
from importlib import import_module
from pathlib import Path

import django
import jinja2
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.crypto import salted_hmac

HERE = Path(__file__).resolve().parent
# The login pages of the library, which ours extends.
LIBRARY = HERE.parents[2] / "crates/web/templates"
DATABASE = Path(os.environ.get("CLASSROOM", "classroom.sqlite3")).resolve()
SECRET_KEY = Path(f"{DATABASE}-secret-key").read_text()
# What `cloakroom jwt-key` prints, so that either side reads the other's tokens.
JWT_KEY = salted_hmac("cloakroom.auth.jwt", "SIGNING_KEY", secret=SECRET_KEY, algorithm="sha256").digest()


def environment(**options) -> jinja2.Environment:
    """What the templates of the classroom may use beside their pages' values."""
    library = jinja2.FileSystemLoader(LIBRARY)
    loader = jinja2.ChoiceLoader([options.pop("loader"), library, jinja2.PrefixLoader({"library": library})])
    made = jinja2.Environment(loader=loader, **options, trim_blocks=True, lstrip_blocks=True)
    made.globals.update(lessons=[], stylesheet="/static/classroom.css", rust=lambda name: "", django=lambda name: "")
    made.globals.update(shared_password="chalk on a blackboard")
    return made


settings.configure(
    ALLOWED_HOSTS=["localhost", "127.0.0.1", "[::1]", "testserver"],
    AUTH_USER_MODEL="auth.User",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATABASE}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    LOGIN_REDIRECT_URL="/home/",
    LOGIN_URL="/login/",
    LOGOUT_REDIRECT_URL="/login/",
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "lessons.tracking.record",
    ],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.Argon2PasswordHasher"],
    ROOT_URLCONF=__name__,
    SECRET_KEY=SECRET_KEY,
    SIMPLE_JWT={"SIGNING_KEY": urlsafe_b64encode(JWT_KEY).rstrip(b"=").decode()},
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.jinja2.Jinja2",
            "DIRS": [HERE.parent / "templates"],
            "OPTIONS": {"environment": f"{__name__}.environment"},
        },
    ],
    USE_TZ=True,
)
django.setup()


def contents(request: HttpRequest) -> HttpResponse:
    return render(request, "index.html")


def static(request: HttpRequest, name: str, content_type: str) -> HttpResponse:
    return HttpResponse((HERE.parent / "static" / name).read_text(), content_type=content_type)


LESSONS = sorted(file.stem for file in (HERE / "lessons").glob("[a-z]*.py"))
urlpatterns = [
    path("", contents),
    path("static/classroom.css", static, {"name": "classroom.css", "content_type": "text/css"}),
    path("static/fetch.js", static, {"name": "fetch.js", "content_type": "text/javascript"}),
    *(pattern for name in LESSONS for pattern in import_module(f"lessons.{name}").urlpatterns),
]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)

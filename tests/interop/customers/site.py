#!/usr/bin/env python3
"""A Django site whose users are customers of its own, to run beside the server on one database.

    site.py URL migrate   makes the app's migration in the working folder, and all tables
    site.py URL serve     serves on a free port of 127.0.0.1 and prints that port

Environment: SECRET_KEY, and SITE_KEYS: `integer`, `uuid`, `uuid-text` or `text`.
"""

import json
import os
import socketserver
import sys
from urllib.parse import unquote, urlsplit
from wsgiref.simple_server import WSGIServer

import django
from django.conf import settings

URL, COMMAND = sys.argv[1:3]
# The migration is made there, not beside the sources.
sys.path.insert(0, os.getcwd())


def database():
    url = urlsplit(URL)
    if url.scheme == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": url.path, "OPTIONS": {"timeout": 10}}
    if url.scheme == "mysql":
        import pymysql

        # Django asks for the version of mysqlclient, whose interface PyMySQL has.
        pymysql.version_info = (2, 2, 1, "final", 0)
        pymysql.install_as_MySQLdb()
    return {
        "ENGINE": {"postgres": "django.db.backends.postgresql", "mysql": "django.db.backends.mysql"}[url.scheme],
        "NAME": url.path.lstrip("/"),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": url.hostname,
        "PORT": url.port,
    }


settings.configure(
    SECRET_KEY=os.environ["SECRET_KEY"],
    ALLOWED_HOSTS=["127.0.0.1"],
    USE_TZ=True,
    AUTH_USER_MODEL="shop.Customer",
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "shop"],
    MIGRATION_MODULES={"shop": "shop_migrations"},
    DATABASES={"default": database()},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    ROOT_URLCONF=__name__,
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "context_processors": ["django.template.context_processors.request"],
                "loaders": [
                    (
                        "django.template.loaders.locmem.Loader",
                        {"registration/login.html": "<form method=post>{% csrf_token %}{{ form }}</form>"},
                    )
                ],
            },
        }
    ],
    LOGIN_REDIRECT_URL="/whoami",
)
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402 — needs the settings above
from django.contrib.auth.models import Group  # noqa: E402
from django.contrib.auth.views import LoginView  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402


def whoami(request):
    user, data = request.user, dict(request.session.items())
    return JsonResponse({"user": user.get_username() or None, "id": str(user.pk), "data": data})


@csrf_exempt
def people(request):
    """Makes a customer, or changes one."""
    fields = json.loads(request.body)
    password = fields.pop("password", None)
    groups = fields.pop("groups", [])
    customer, _ = get_user_model().objects.update_or_create(email=fields.pop("email"), defaults=fields)
    if password is not None:
        customer.set_password(password)
        customer.save()
    customer.groups.set([Group.objects.get_or_create(name=name)[0] for name in groups])
    last_login = customer.last_login and customer.last_login.timestamp()
    return JsonResponse({"id": str(customer.pk), "last_login": last_login, "password": customer.password})


urlpatterns = [path("whoami", whoami), path("login/", LoginView.as_view()), path("people", people)]


class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


if COMMAND == "migrate":
    os.makedirs("shop_migrations", exist_ok=True)
    open("shop_migrations/__init__.py", "a").close()
    call_command("makemigrations", "shop", verbosity=0)
    call_command("migrate", verbosity=0)
else:
    from wsgiref.simple_server import WSGIRequestHandler, make_server

    site = make_server("127.0.0.1", 0, get_wsgi_application(), Server, WSGIRequestHandler)
    print(site.server_port, flush=True)
    site.serve_forever()

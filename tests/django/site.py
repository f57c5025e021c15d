#!/usr/bin/env python3
"""A Django site in one file, to run beside the server on one SQLite database.

    site.py DATABASE serve             serves on a free port of 127.0.0.1 and prints that port
    site.py DATABASE migrate           makes Django's tables
    site.py DATABASE checkmigrations   exit status 1 if `migrate` or `makemigrations` would do anything

Environment: SECRET_KEY, SECRET_KEY_FALLBACKS (comma separated), SITE_APPS (comma separated), apps beyond the three that
the server knows, SITE_TIME_ZONE, and SITE_LETTERS, a folder for the letters of forgotten passwords.
"""

import json
import os
import socketserver
import sys
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
from django.conf import settings

DATABASE, COMMAND = sys.argv[1:3]


def split(name):
    return [item for item in os.environ.get(name, "").split(",") if item]


settings.configure(
    SECRET_KEY=os.environ["SECRET_KEY"],
    SECRET_KEY_FALLBACKS=split("SECRET_KEY_FALLBACKS"),
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    USE_TZ=True,
    TIME_ZONE=os.environ.get("SITE_TIME_ZONE", "America/Chicago"),
    EMAIL_BACKEND="django.core.mail.backends.filebased.EmailBackend",
    EMAIL_FILE_PATH=os.environ.get("SITE_LETTERS", "."),
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.sessions",
        *split("SITE_APPS"),
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATABASE, "OPTIONS": {"timeout": 10}}},
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
                        {
                            "registration/login.html": "<form method=post>{% csrf_token %}{{ form }}<button>Log in</button></form>",
                            "registration/logged_out.html": "Logged out",
                            "registration/password_reset_form.html": "<form method=post>{% csrf_token %}{{ form }}</form>",
                            "registration/password_reset_done.html": "Sent",
                            "registration/password_reset_subject.txt": "A new password",
                            "registration/password_reset_email.html": "{{ protocol }}://{{ domain }}/reset/{{ uid }}/{{ token }}/",
                            "registration/password_reset_confirm.html": (
                                "{% if validlink %}<form method=post>{% csrf_token %}{{ form }}</form>{% else %}Gone{% endif %}"
                            ),
                            "registration/password_reset_complete.html": "Set",
                        },
                    )
                ],
            },
        }
    ],
    LOGIN_URL="/login/",
    LOGIN_REDIRECT_URL="/whoami",
    LOGOUT_REDIRECT_URL="/whoami",
)
django.setup()

from django.contrib.auth import update_session_auth_hash  # noqa: E402 — needs the settings above
from django.contrib.auth.models import User  # noqa: E402
from django.contrib.auth.views import LoginView, LogoutView  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.middleware.csrf import get_token  # noqa: E402
from django.urls import include, path  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402
from django.views.decorators.http import require_POST  # noqa: E402


def answer(data):
    # Not JsonResponse: what the session holds may be more than it would write.
    return HttpResponse(json.dumps(data), content_type="application/json")


def whoami(request):
    """The user's name or null, the session's key and all of its data."""
    user = request.user.get_username() or None
    return answer({"user": user, "key": request.session.session_key, "data": dict(request.session.items())})


@csrf_exempt
@require_POST
def put(request):
    """Puts each name of a JSON map into the session."""
    for name, value in json.loads(request.body).items():
        request.session[name] = value
    return answer({"key": request.session.session_key})


@csrf_exempt
@require_POST
def passwd(request):
    """Gives the signed-in user another password and keeps this session signed in, as Django's own view does."""
    user = request.user
    user.set_password(json.loads(request.body)["password"])
    user.save()
    update_session_auth_hash(request, user)
    return answer({"key": request.session.session_key})


@csrf_exempt
@require_POST
def people(request):
    """Makes a user, or changes one, and gives back the columns that the server writes."""
    fields = json.loads(request.body)
    password = fields.pop("password", None)
    user, _ = User.objects.update_or_create(username=fields.pop("username"), defaults=fields)
    if password is not None:
        user.set_password(password)
        user.save()
    columns = ("id", "username", "email", "password", "is_active", "is_staff", "is_superuser")
    last_login = user.last_login and user.last_login.timestamp()
    return answer({**{name: getattr(user, name) for name in columns}, "last_login": last_login})


def csrf(request):
    return answer({"token": get_token(request)})


urlpatterns = [
    path("whoami", whoami),
    path("login/", LoginView.as_view()),
    path("logout/", LogoutView.as_view()),
    path("put", put),
    path("passwd", passwd),
    path("people", people),
    path("csrf", csrf),
    path("", include("django.contrib.auth.urls")),
]


class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Handler(WSGIRequestHandler):
    def address_string(self):
        # No look-up of names.
        return self.client_address[0]


def serve():
    server = Server(("127.0.0.1", 0), Handler)
    server.set_app(get_wsgi_application())
    print(server.server_port, flush=True)
    server.serve_forever()


def migrate():
    call_command("migrate", verbosity=0)


def checkmigrations():
    call_command("makemigrations", check_changes=True, dry_run=True)
    call_command("migrate", check_unapplied=True)


if __name__ == "__main__":
    {"serve": serve, "migrate": migrate, "checkmigrations": checkmigrations}[COMMAND]()

"""A Django site with allauth's list of sessions, to run beside the server on one SQLite database.

    allauth_site.py DATABASE migrate   makes the tables
    allauth_site.py DATABASE serve     serves on a free port of 127.0.0.1 and prints that port
"""

import json
import os
import sys
from wsgiref.simple_server import make_server

import django
from django.conf import settings

DATABASE, COMMAND = sys.argv[1:3]

settings.configure(
    SECRET_KEY=os.environ["SECRET_KEY"],
    ALLOWED_HOSTS=["127.0.0.1"],
    USE_TZ=True,
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.sessions",
        "django.contrib.messages",
        "allauth",
        "allauth.account",
        "allauth.usersessions",
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATABASE, "OPTIONS": {"timeout": 10}}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USERSESSIONS_TRACK_ACTIVITY=True,
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "allauth.account.middleware.AccountMiddleware",
        "allauth.usersessions.middleware.UserSessionsMiddleware",
    ],
    ROOT_URLCONF=__name__,
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
)
django.setup()

from allauth.usersessions.models import UserSession  # noqa: E402 — needs the settings above
from django.contrib.auth import authenticate, login  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.urls import include, path  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402


@csrf_exempt
def person(request):
    User.objects.create_user(**json.loads(request.body))
    return JsonResponse({})


@csrf_exempt
def sign_in(request):
    login(request, authenticate(request, **json.loads(request.body)))
    return JsonResponse({})


def listed(request):
    """The user's sessions as allauth's own page lists them."""
    sessions = UserSession.objects.purge_and_list(request.user) if request.user.is_authenticated else []
    return JsonResponse({
        "sessions": [
            {"key": session.session_key, "current": session.is_current(), "agent": session.user_agent, "ip": session.ip}
            for session in sessions
        ]
    })


@csrf_exempt
def end(request):
    """Ends the user's session with this key by allauth's own means."""
    UserSession.objects.get(user=request.user, session_key=json.loads(request.body)["key"]).end()
    return JsonResponse({})


urlpatterns = [
    path("person", person),
    path("sign-in", sign_in),
    path("listed", listed),
    path("end", end),
    path("accounts/", include("allauth.urls")),
]


if COMMAND == "migrate":
    call_command("migrate", verbosity=0)
else:
    server = make_server("127.0.0.1", 0, get_wsgi_application())
    print(server.server_port, flush=True)
    server.serve_forever()

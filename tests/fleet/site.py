#!/usr/bin/env python3
"""The Django side of a mixed fleet: the same contract as `crates/server/examples/fleet`, on the same database.

    site.py DATABASE serve     serves on a free port of 127.0.0.1 and prints that port
    site.py DATABASE migrate   makes Django's tables
    site.py DATABASE sessions  prints every session that is kept, as a JSON map of their keys and data

Environment: SECRET_KEY, SECRET_KEY_FALLBACKS (a JSON list), SITE_ENGINE (`db`, `cache`, …), SITE_DATABASE (a URL, if not
the file), SITE_CACHE (the URL of a Redis), SITE_USE_TZ, PBKDF2_ITERATIONS (the release's cost unless it is set) and SITE_SETTINGS (a JSON map of more settings).
"""

import json
import os
import socketserver
import sys
import time
from importlib import import_module
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
from django.conf import settings

DATABASE, COMMAND = sys.argv[1:3]


def database():
    """The database of SITE_DATABASE, or the SQLite file."""
    url = urlsplit(os.environ.get("SITE_DATABASE", "sqlite:"))
    if url.scheme == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": DATABASE, "OPTIONS": {"timeout": 10}}
    if url.scheme == "mysql":
        import pymysql

        # Django asks for the version of mysqlclient, whose interface PyMySQL has.
        pymysql.version_info = (2, 2, 1, "final", 0)
        pymysql.install_as_MySQLdb()
    return {
        "ENGINE": {"postgres": "django.db.backends.postgresql", "mysql": "django.db.backends.mysql"}[url.scheme],
        "NAME": url.path.lstrip("/"),
        "USER": url.username,
        "PASSWORD": url.password or "",
        "HOST": url.hostname,
        "PORT": url.port,
    }


settings.configure(
    **{
        "SECRET_KEY": os.environ["SECRET_KEY"],
        "SECRET_KEY_FALLBACKS": json.loads(os.environ.get("SECRET_KEY_FALLBACKS", "[]")),
        "ALLOWED_HOSTS": ["*"],
        "USE_TZ": os.environ.get("SITE_USE_TZ", "True") == "True",
        "TIME_ZONE": "UTC",
        "INSTALLED_APPS": ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"],
        "DATABASES": {"default": database()},
        "CACHES": {
            "default": {
                "BACKEND": os.environ.get("SITE_CACHE_BACKEND") or "django.core.cache.backends.redis.RedisCache",
                "LOCATION": os.environ.get("SITE_CACHE", ""),
            }
        },
        "SESSION_FILE_PATH": os.path.dirname(DATABASE),
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "MIDDLEWARE": [
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        "SESSION_ENGINE": "django.contrib.sessions.backends." + os.environ.get("SITE_ENGINE", "db"),
        "PASSWORD_HASHERS": [
            "django.contrib.auth.hashers.PBKDF2PasswordHasher",
            "django.contrib.auth.hashers.MD5PasswordHasher",
        ],
        "ROOT_URLCONF": __name__,
        "LOGIN_URL": "/login",
        **json.loads(os.environ.get("SITE_SETTINGS", "{}")),
    }
)
django.setup()

from django.contrib.auth import authenticate, hashers, update_session_auth_hash  # noqa: E402 — needs the settings above
from django.contrib.auth import login as auth_login  # noqa: E402
from django.contrib.auth import logout as auth_logout  # noqa: E402
from django.contrib.auth.decorators import login_required  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.signing import BadSignature  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpResponse, QueryDict  # noqa: E402
from django.middleware.csrf import get_token  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils.http import url_has_allowed_host_and_scheme  # noqa: E402
from django.views.decorators.http import require_GET, require_POST  # noqa: E402

if "PBKDF2_ITERATIONS" in os.environ:
    hashers.PBKDF2PasswordHasher.iterations = int(os.environ["PBKDF2_ITERATIONS"])


def answer(data, status=200):
    # Not JsonResponse: what the session holds may be more than it would write.
    return HttpResponse(json.dumps(data), content_type="application/json", status=status)


def fields(request):
    """A form's fields, or a JSON map's texts."""
    if request.content_type == "application/json":
        return json.loads(request.body)
    return QueryDict(request.body).dict()


def who(request):
    data = {name: value for name, value in request.session.items() if not name.startswith("_")}
    user = request.user.get_username() or None
    return answer({"user": user, "key": request.session.session_key, "data": data})


whoami = require_GET(who)
protected = require_GET(login_required(who))


@require_GET
def csrf(request):
    return answer({"token": get_token(request)})


@require_POST
def login(request):
    sent = fields(request)
    user = authenticate(request, username=sent.get("username", ""), password=sent.get("password", ""))
    if user is None:
        return answer({"error": "bad"}, 401)
    auth_login(request, user)
    return answer({"user": user.get_username()})


@require_POST
def logout(request):
    auth_logout(request)
    return answer({})


@require_POST
def flush(request):
    request.session.flush()
    return answer({})


@require_POST
def cycle(request):
    request.session.cycle_key()
    return answer({})


@require_POST
def put(request):
    request.session.update(json.loads(request.body))
    return answer({})


@require_POST
def expiry(request):
    request.session.set_expiry(json.loads(request.body)["v"])
    return answer({})


@require_POST
def slow(request):
    sent = json.loads(request.body)
    request.session.get(sent["name"])
    time.sleep(sent["ms"] / 1000)
    request.session[sent["name"]] = sent["value"]
    return answer({})


@require_POST
def passwd(request):
    sent = fields(request)
    if not request.user.is_authenticated or "new" not in sent:
        return answer({"error": "bad"}, 401)
    request.user.set_password(sent["new"])
    request.user.save(update_fields=["password"])
    update_session_auth_hash(request, request.user)
    return answer({})


@require_GET
def perm(request):
    return answer({"has": request.user.has_perm(request.GET.get("p", ""))})


@require_GET
def sset(request):
    value = request.GET.get("v", "")
    response = answer({"v": value})
    response.set_signed_cookie(request.GET.get("n", ""), value, salt=request.GET.get("s", ""))
    return response


@require_GET
def sget(request):
    try:
        value = request.get_signed_cookie(request.GET.get("n", ""), salt=request.GET.get("s", ""))
    except (KeyError, BadSignature):
        value = None
    return answer({"v": value})


@require_GET
def safe(request):
    https = request.GET.get("https") == "1"
    ok = url_has_allowed_host_and_scheme(request.GET.get("u", ""), {request.get_host()}, require_https=https)
    return answer({"ok": ok})


urlpatterns = [
    path("whoami", whoami),
    path("csrf", csrf),
    path("login", login),
    path("logout", logout),
    path("flush", flush),
    path("cycle", cycle),
    path("put", put),
    path("expiry", expiry),
    path("slow", slow),
    path("passwd", passwd),
    path("perm", perm),
    path("sset", sset),
    path("sget", sget),
    path("protected", protected),
    path("safe", safe),
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


def sessions():
    kept = {key: dict(store(key).items()) for key in keys(os.environ.get("SITE_ENGINE", "db"))}
    print(json.dumps(kept))


def store(key):
    return import_module(settings.SESSION_ENGINE).SessionStore(key)


def keys(engine):
    """Of all sessions; no engine of Django's lists them itself."""
    if engine == "file":
        prefix = settings.SESSION_COOKIE_NAME
        names = [name for name in os.listdir(settings.SESSION_FILE_PATH) if name.startswith(prefix)]
        return [name.removeprefix(prefix) for name in names if "_out_" not in name]
    if engine == "cache":
        from django.core.cache import cache

        prefix = cache.make_key(store(None).cache_key_prefix)
        names = cache._cache.get_client(None).keys(f"{prefix}*")
        return [name.decode().removeprefix(prefix) for name in names]
    from django.contrib.sessions.models import Session

    return list(Session.objects.values_list("session_key", flat=True))


if __name__ == "__main__":
    {"serve": serve, "migrate": migrate, "sessions": sessions}[COMMAND]()

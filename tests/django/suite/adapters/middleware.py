"""`SessionMiddleware.process_response`, and the cookies and `Vary` that the site's settings describe."""

import time
from types import SimpleNamespace

from django.conf import settings
from django.contrib.sessions import middleware
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.http import HttpResponse, SimpleCookie
from django.utils.cache import patch_vary_headers

from .compare import Clock, pristine, same
from .cookies import morsel_of
from .pipe import ask

own = pristine("django.contrib.sessions.middleware")
own.time = Clock(now=0)

django_set = HttpResponse.set_cookie
django_delete = HttpResponse.delete_cookie


class Reply:
    """As much of a response as Django's middleware looks at."""

    set_cookie = django_set
    delete_cookie = django_delete

    def __init__(self, response):
        self.status_code = response.status_code
        self.cookies = SimpleCookie()
        self.headers = {"Vary": response.headers["Vary"]} if response.has_header("Vary") else {}

    def has_header(self, name):
        return name in self.headers

    def __getitem__(self, name):
        return self.headers[name]

    def __setitem__(self, name, value):
        self.headers[name] = value

    def cookie(self, name):
        return self.cookies[name].OutputString() if name in self.cookies else None


def names(vary):
    return {name.strip().lower() for name in (vary or "").split(",")} - {""}


def vary_by_cookie(response):
    """Django's `patch_vary_headers` for `Cookie`."""
    django = Reply(response)
    patch_vary_headers(django, ["Cookie"])
    vary = response.headers.get("Vary")
    change = ask("vary_by_cookie", values=[] if vary is None else [vary])
    if change != "keep":
        response.headers["Vary"] = {"cookie": "Cookie", "add": f"{vary}, Cookie", "everything": "*"}[change]
    same("vary", names(response.headers["Vary"]), names(django.headers["Vary"]))


def site_cookie(prefix, value, max_age, now):
    """The header of the session's or of the CSRF cookie; without a value its deletion."""
    setting = {
        name: getattr(settings, f"{prefix}_COOKIE_{name.upper()}")
        for name in ("name", "domain", "path", "secure", "httponly", "samesite")
    }
    return ask(
        "site_cookie",
        name=setting["name"],
        domain=setting["domain"],
        path=setting["path"],
        secure=bool(setting["secure"]),
        http_only=bool(setting["httponly"]),
        same_site=setting["samesite"] or None,
        value=value,
        max_age=max_age,
        now=int(now * 1_000_000),
    )


def write(response, prefix, header, value, max_age):
    """Sets or deletes the cookie of this header by the response's own methods, whose answers are the judge's too."""
    setting = {
        name: getattr(settings, f"{prefix}_COOKIE_{name.upper()}") for name in ("domain", "path", "secure", "httponly")
    }
    same_site = getattr(settings, f"{prefix}_COOKIE_SAMESITE")
    name = getattr(settings, f"{prefix}_COOKIE_NAME")
    if value is None:
        response.delete_cookie(name, path=setting["path"], domain=setting["domain"], samesite=same_site)
    else:
        expires = morsel_of(header, name, value)["expires"] or None
        response.set_cookie(name, value, max_age=max_age, expires=expires, samesite=same_site, **setting)
    same("site_cookie", header, response.cookies[name].OutputString())


def install():
    def process_response(self, request, response):
        session = getattr(request, "session", None)
        try:
            accessed = session.accessed
            modified = session.modified
            empty = session.is_empty()
        except AttributeError:
            return response
        name = settings.SESSION_COOKIE_NAME
        sent = name in request.COOKIES
        every = settings.SESSION_SAVE_EVERY_REQUEST
        if empty:
            # Django looks at each cookie, and so at each session that has one.
            found = "empty" if accessed or sent else "unaccessed"
        elif modified:
            found = "modified"
        else:
            # What is saved on every request is loaded for it.
            found = "unmodified" if accessed or every else "unaccessed"
        at = ask(
            "session_response",
            found=found,
            sent_cookie=sent,
            status=response.status_code,
            save_every_request=every,
        )
        now = time.time()
        header, key, age, closes = None, None, None, False
        django = Reply(response)
        if at["due"] == "save":
            closes = session.get_expire_at_browser_close()
            age = None if closes else session.get_expiry_age()
            try:
                session.save()
            except UpdateError:
                raise SessionInterrupted(
                    "The request's session was deleted before the request completed. The user may have logged out in "
                    "a concurrent request, for example."
                ) from None
            key = session.session_key
        if at["due"] != "nothing":
            header = site_cookie("SESSION", key, age, now)
            write(response, "SESSION", header, key, age)
        if at["varies"]:
            vary_by_cookie(response)

        saved = []
        own.time.now = now
        own.SessionMiddleware(lambda request: None).process_response(
            SimpleNamespace(
                COOKIES=request.COOKIES,
                session=SimpleNamespace(
                    accessed=accessed,
                    modified=modified,
                    is_empty=lambda: empty,
                    get_expire_at_browser_close=lambda: closes,
                    get_expiry_age=lambda: age or 0,
                    save=lambda: saved.append(True),
                    session_key=key,
                ),
            ),
            django,
        )
        same(
            "session_response",
            (at["due"] == "save", header, names(response.headers.get("Vary"))),
            (bool(saved), django.cookie(name), names(django.headers.get("Vary"))),
        )
        return response

    middleware.SessionMiddleware.process_response = process_response

"""`django.middleware.csrf`: when a secret is made, kept and renewed, and when its cookie is set."""

import time
from copy import copy
from types import SimpleNamespace

from django.conf import settings
from django.contrib import auth
from django.http import response as http_response
from django.middleware import csrf
from django.template import context_processors
from django.template.backends import utils
from django.views.decorators import csrf as decorators

from .compare import Clock, same
from .csrf import own
from .middleware import Reply, names, site_cookie, vary_by_cookie, write
from .pipe import ask


def double(request):
    """A request that Django's own functions may note something in."""
    return SimpleNamespace(
        META={name: value for name, value in request.META.items() if name.startswith("CSRF_COOKIE")},
        COOKIES=copy(getattr(request, "COOKIES", {})),
    )


def noted(request, before=None):
    """What a request knows: a secret, be it the one that it knew or a new one, and whether the cookie is due."""
    secret = request.META.get("CSRF_COOKIE")
    needs_update = bool(request.META.get("CSRF_COOKIE_NEEDS_UPDATE"))
    return secret if secret is None or secret == before else len(secret), needs_update


class Noting(own.CsrfViewMiddleware):
    """Django's own, which only notes what it would set."""

    secret = None

    def _set_csrf_cookie(self, request, response):
        self.secret = request.META["CSRF_COOKIE"]


def handle_of(session):
    """The judge's name of a session object."""
    return session._ensure_loaded()


def keeps_masks():
    """Django 4.2 can still write the cookie as before 4.1; we only read it."""
    return getattr(settings, "CSRF_COOKIE_MASKED", False)


def note(request, answer):
    if answer["secret"] is not None:
        request.META["CSRF_COOKIE"] = answer["secret"]
    if answer["needs_update"]:
        request.META["CSRF_COOKIE_NEEDS_UPDATE"] = True


def install():
    django_process_request = csrf.CsrfViewMiddleware.process_request
    django_get_token = csrf.get_token
    django_rotate_token = csrf.rotate_token

    def process_request(self, request):
        django = double(request)
        if not settings.CSRF_USE_SESSIONS:
            answer = ask("csrf_process_request", sent=request.COOKIES.get(settings.CSRF_COOKIE_NAME))
        elif hasattr(request, "session"):
            # Read by both, so that the object knows that it was.
            django.session = {own.CSRF_SESSION_KEY: request.session.get(csrf.CSRF_SESSION_KEY)}
            answer = ask("csrf_process_request", session=handle_of(request.session))
        else:
            # Django refuses this order of its middleware.
            return django_process_request(self, request)
        own.CsrfViewMiddleware(lambda request: None).process_request(django)
        note(request, answer)
        known = django.META.get("CSRF_COOKIE") if not django.META.get("CSRF_COOKIE_NEEDS_UPDATE") else None
        same("csrf_process_request", noted(request, known), noted(django, known))

    def get_token(request):
        if keeps_masks():
            return django_get_token(request)
        django = double(request)
        before = request.META.get("CSRF_COOKIE")
        answer = ask("csrf_get_token", secret=before)
        note(request, answer)
        own.get_token(django)
        same("csrf_get_token", noted(request, before), noted(django, before))
        same("csrf_get_token", own._unmask_cipher_token(answer["token"]), request.META["CSRF_COOKIE"])
        return answer["token"]

    def rotate_token(request):
        if keeps_masks():
            return django_rotate_token(request)
        django = double(request)
        before = request.META.get("CSRF_COOKIE")
        note(request, ask("csrf_rotate_token", secret=before))
        own.rotate_token(django)
        same("csrf_rotate_token", noted(request, before), noted(django, before))

    def process_response(self, request, response):
        secret = request.META.get("CSRF_COOKIE")
        needs_update = bool(request.META.get("CSRF_COOKIE_NEEDS_UPDATE"))
        due = ask("csrf_process_response", secret=secret, needs_update=needs_update)
        django = Noting(lambda request: None)
        django.process_response(double(request), response)
        same("csrf_process_response", due, django.secret)
        if needs_update:
            if due is not None:
                self._set_csrf_cookie(request, response)
            # Another instance of this middleware does not set it again.
            request.META["CSRF_COOKIE_NEEDS_UPDATE"] = False
        return response

    def _set_csrf_cookie(self, request, response):
        secret = request.META["CSRF_COOKIE"]
        if settings.CSRF_USE_SESSIONS:
            kept = request.session.get(csrf.CSRF_SESSION_KEY)
            django = SimpleNamespace(META={"CSRF_COOKIE": secret}, session={own.CSRF_SESSION_KEY: kept})
            own.CsrfViewMiddleware(lambda request: None)._set_csrf_cookie(django, response)
            is_changed = ask(
                "csrf_process_response", secret=secret, needs_update=True, session=handle_of(request.session)
            )
            same("csrf_in_session", is_changed, django.session[own.CSRF_SESSION_KEY] != kept)
            if is_changed:
                # Said to the object too, which counts what it is given.
                request.session[csrf.CSRF_SESSION_KEY] = secret
            return
        now = time.time()
        django = Reply(response)
        age = settings.CSRF_COOKIE_AGE
        header = site_cookie("CSRF", secret, age, now)
        write(response, "CSRF", header, secret, age)
        vary_by_cookie(response)
        clock, http_response.time = http_response.time, Clock(now=now)
        try:
            own.CsrfViewMiddleware(lambda request: None)._set_csrf_cookie(request, django)
        finally:
            http_response.time = clock
        same(
            "csrf_cookie",
            (header, names(response.headers["Vary"])),
            (django.cookie(settings.CSRF_COOKIE_NAME), names(django.headers["Vary"])),
        )

    for function in (get_token, rotate_token):
        for module in (csrf, auth, context_processors, utils, decorators):
            if hasattr(module, function.__name__):
                setattr(module, function.__name__, function)
    for method in (process_request, process_response, _set_csrf_cookie):
        setattr(csrf.CsrfViewMiddleware, method.__name__, method)

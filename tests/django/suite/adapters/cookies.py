"""Cookies: `parse_cookie`, and what requests and responses have for plain and signed ones."""

import datetime
from copy import deepcopy
from http.cookies import CookieError, Morsel, SimpleCookie

import django
import django.http
from django.conf import settings
from django.core import signing
from django.core.handlers import asgi, wsgi
from django.http import cookie
from django.http import response as http_response
from django.http.request import RAISE_ERROR, HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.functional import cached_property

from .compare import outcome, same
from .pipe import Fault, ask
from .signing import bad_signature, hex_keys, now_micros, own, seconds

ATTRIBUTES = {
    "Domain": "domain",
    "expires": "expires",
    "HttpOnly": "httponly",
    "Max-Age": "max-age",
    "Path": "path",
    "SameSite": "samesite",
    "Secure": "secure",
}


UTC = datetime.timezone.utc  # noqa: UP017 (the alias is younger than Python 3.10)


def micros(moment):
    return (moment - datetime.datetime(1970, 1, 1, tzinfo=UTC)) // datetime.timedelta(microseconds=1)


def morsel_of(header, name, value):
    """The object that Django's callers look at, made of the header's text."""
    coded, *attributes = header[len(name) + 1 :].split("; ")
    morsel = Morsel()
    morsel.set(name, value, coded)
    for attribute in attributes:
        word, equals, text = attribute.partition("=")
        morsel[ATTRIBUTES[word]] = text if equals else True
    if morsel["max-age"] != "":
        morsel["max-age"] = int(morsel["max-age"])
    return morsel


def install():
    django_parse = cookie.parse_cookie
    django_set = HttpResponseBase.set_cookie
    django_delete = HttpResponseBase.delete_cookie
    django_set_signed = HttpResponseBase.set_signed_cookie
    django_get_signed = HttpRequest.get_signed_cookie

    class Pristine:
        """As much of a response as Django's own methods look at."""

        set_cookie = django_set
        delete_cookie = django_delete

        def __init__(self, cookies):
            self.cookies = deepcopy(cookies)

    def header(cookies, key, method, *args):
        """What Django's method makes of these cookies, at the time at which the judge was asked."""
        response = Pristine(cookies)
        clock, http_response.time = http_response.time, own.time
        try:
            return outcome(lambda: method(response, *args) or response.cookies[key].OutputString())
        finally:
            http_response.time = clock

    def parse_cookie(text):
        # Their order counts too.
        ours = ask("parse_cookies", header=text)
        same("parse_cookie", ours, list(map(list, django_parse(text).items())))
        return dict(ours)

    def asgi_cookies(request):
        """Of each header by itself; Django joins them first."""
        headers = [value.hex() for name, value in request.scope.get("headers", []) if name == b"cookie"]
        ours = ask("read_cookies", headers=headers, name="")["cookies"]
        same("asgi_cookies", ours, list(map(list, django_parse(request.META.get("HTTP_COOKIE", "")).items())))
        return dict(ours)

    def write(response, name, value, theirs, **call):
        calls = response.__dict__.setdefault("_cloakroom_calls", {}).setdefault(name, [])
        now = now_micros()
        before = theirs()
        call = {
            "name": name,
            "value": value,
            "deletes": False,
            "max_age": None,
            "fractional_age": None,
            "expires_text": None,
            "expires_at": None,
            "secure": False,
            "http_only": False,
            **call,
            "now": now,
        }
        try:
            (header,) = ask("set_cookies", calls=[*calls, call])
        except Fault as fault:
            if fault.kind == "same_site":
                raise ValueError('samesite must be "lax", "none", or "strict".') from None
            raise CookieError(str(fault)) from None
        calls.append(call)
        same("set_cookie", header, before, theirs())
        # Assigning keeps the place of an earlier cookie.
        dict.__setitem__(response.cookies, name, morsel_of(header, name, value))

    def set_cookie(
        self,
        key,
        value="",
        max_age=None,
        expires=None,
        path="/",
        domain=None,
        secure=False,
        httponly=False,
        samesite=None,
    ):
        args = (key, value, max_age, expires, path, domain, secure, httponly, samesite)
        moment = None
        if isinstance(expires, datetime.datetime):
            if max_age is not None:
                # Django refuses to be given both; we take the later.
                return django_set(self, *args)
            moment, expires = expires, None
            if timezone.is_naive(moment):
                moment = moment.replace(tzinfo=UTC)
        cookies = deepcopy(self.cookies)

        def theirs():
            return header(cookies, key, django_set, *args)

        age = seconds(max_age)
        write(
            self,
            key,
            str(value),
            theirs,
            max_age=age if isinstance(age, int) else None,
            fractional_age=age if isinstance(age, float) else None,
            expires_text=expires,
            expires_at=None if moment is None else micros(moment),
            path=path,
            domain=domain,
            secure=bool(secure),
            http_only=bool(httponly),
            same_site=samesite or None,
        )

    def delete_cookie(self, key, path="/", domain=None, samesite=None):
        cookies = deepcopy(self.cookies)

        def theirs():
            return header(cookies, key, django_delete, key, path, domain, samesite)

        write(self, key, "", theirs, deletes=True, path=path, domain=domain, same_site=samesite or None)

    def signing_of_site():
        return {
            "keys": hex_keys(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS),
            "version": django.get_version(),
            "legacy": getattr(settings, "SIGNED_COOKIE_LEGACY_SALT_FALLBACK", None),
        }

    def is_ours():
        return settings.SIGNING_BACKEND == "django.core.signing.TimestampSigner"

    def own_signer(salt):
        return own.TimestampSigner(
            key=own_key(settings.SECRET_KEY), fallback_keys=map(own_key, settings.SECRET_KEY_FALLBACKS), salt=salt
        )

    def own_key(key):
        return b"django.http.cookies" + (key if isinstance(key, bytes) else key.encode())

    def own_salt(name, salt):
        v2 = getattr(own, "_cookie_signer_salt", None)
        return v2(name, salt) if v2 else name + salt

    def set_signed_cookie(self, key, value, salt="", **kwargs):
        if not is_ours():
            return django_set_signed(self, key, value, salt, **kwargs)
        now = now_micros()
        signed = ask("sign_cookie", signing=signing_of_site(), name=key, salt=salt, value=str(value), now=now)
        same("set_signed_cookie", signed, own_signer(own_salt(key, salt)).sign(value))
        return self.set_cookie(key, signed, **kwargs)

    def get_signed_cookie(self, key, default=RAISE_ERROR, salt="", max_age=None):
        if not is_ours() or key not in self.COOKIES:
            return django_get_signed(self, key, default, salt, max_age)
        signed = self.COOKIES[key]
        now = now_micros()
        theirs = outcome(own_signer(own_salt(key, salt)).unsign, signed, max_age)
        if theirs == "BadSignature" and getattr(settings, "SIGNED_COOKIE_LEGACY_SALT_FALLBACK", False):
            theirs = outcome(own_signer(key + salt).unsign, signed, max_age)
        try:
            ours = ask(
                "unsign_cookie",
                signing=signing_of_site(),
                name=key,
                salt=salt,
                signed=signed,
                max_age=seconds(max_age),
                now=now,
            )
        except Fault as fault:
            error = bad_signature(fault, signed)
            same("get_signed_cookie", type(error).__name__, theirs)
            if default is not RAISE_ERROR and isinstance(error, signing.BadSignature):
                return default
            raise error from None
        same("get_signed_cookie", ours, theirs)
        return ours

    for module in (cookie, django.http, wsgi, asgi):
        module.parse_cookie = parse_cookie
    asgi.ASGIRequest.COOKIES = cached_property(asgi_cookies)
    asgi.ASGIRequest.COOKIES.__set_name__(asgi.ASGIRequest, "COOKIES")
    HttpResponseBase.set_cookie = set_cookie
    HttpResponseBase.delete_cookie = delete_cookie
    HttpResponseBase.set_signed_cookie = set_signed_cookie
    HttpRequest.get_signed_cookie = get_signed_cookie
    assert SimpleCookie is cookie.SimpleCookie

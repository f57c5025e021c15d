"""Where a login may lead, and how the way there is written."""

import io
from types import SimpleNamespace
from urllib.parse import quote, unquote_to_bytes, urlsplit

from django.conf import settings
from django.contrib.auth import decorators, views
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponseRedirect
from django.utils.encoding import iri_to_uri
from django.utils.http import url_has_allowed_host_and_scheme
from function import Function, single
from newer import split_urls

NO_BODY = io.BytesIO()
HOSTS = ["testserver", "testserver:8000", "other.example", "[::1]", "TESTSERVER", "tést.example"]
SCHEMES = ["http", "https", "HTTPS", "ftp", "javascript", "data", "", "", "", "1http", "a+b", "java\tscript"]
NETLOCS = [
    *HOSTS,
    "evil.example",
    "user@testserver",
    "testserver@evil.example",
    "[::1",
    "[v1.a]",
    "[g]",
    "a\u2100b",
    "",
]
PATHS = [
    "/",
    "",
    "/a",
    "/a/b?c=d#e",
    "?x=1",
    "#f",
    "/a b",
    "/%2Fx",
    "//x",
    "/\\x",
    "/é",
    "a:b",
    "./x",
    "/a?next=/b&next=c",
]


def url(inputs):
    kind = inputs.random()
    if kind < 0.45:
        return inputs.any_of(PATHS) + inputs.text(12)
    scheme = inputs.any_of(SCHEMES)
    slashes = inputs.any_of(["//", "//", "//", "//", "/", "///", "", "\\\\", "/\t/", "/\\"])
    separator = ":" if scheme or inputs.chance(0.05) else ""
    return f"{scheme}{separator}{slashes}{inputs.any_of(NETLOCS)}{inputs.any_of(PATHS)}"


def followed(inputs):
    text = inputs.mixed(url(inputs), hostile=0.1, mutated=0.35)
    if inputs.chance(0.005):
        text += inputs.any_of(["a", "é", "\U0001f600"]) * (2046 - len(text) + inputs.below(5))
    hosts = [inputs.any_of(HOSTS) for _ in range(inputs.below(4))]
    return {"url": text, "hosts": hosts, "https": inputs.chance(0.4)}


def is_safe(case):
    split_urls(strictly=case.get("newer_python", False))
    return url_has_allowed_host_and_scheme(case["url"], set(case["hosts"]), require_https=case["https"])


LOGIN_URLS = [
    "/login/",
    "/login/?a=b",
    "/login/?next=x&a=1&next=y#f",
    "https://sso.example/login",
    "//sso.example/in?q",
]


def login_url(inputs):
    text = inputs.any_of(LOGIN_URLS) if inputs.chance(0.7) else "/" + inputs.text(10) + "?" + query(inputs)
    # An empty one stands for the setting.
    return inputs.mutated(text) or "/" if inputs.chance(0.2) else text


def query(inputs):
    parts = [
        f"{inputs.text(4)}={inputs.text(6)}" if inputs.chance(0.8) else inputs.text(4) for _ in range(inputs.below(4))
    ]
    return "&".join(parts)


def redirect(inputs):
    field = inputs.any_of(["next", "next", "next", "to", "", "é &"])
    return {"login_url": login_url(inputs), "next": inputs.mixed(url(inputs)), "field": field}


# Not the name of a view: URLs are told from names by their slashes, which is the site's business.
views.resolve_url = decorators.resolve_url = str


def location(case):
    split_urls(strictly=case.get("newer_python", False))
    scheme = split_scheme(case["login_url"])
    # A deviation asks for the same without Django's list of schemes.
    HttpResponseRedirect.allowed_schemes = [*SCHEMES_ALLOWED, scheme] if case.get("any_scheme") else SCHEMES_ALLOWED
    return views.redirect_to_login(case["next"], case["login_url"], case["field"]).headers["Location"]


def split_scheme(text):
    try:
        return urlsplit(text).scheme
    except ValueError:
        return ""


SCHEMES_ALLOWED = list(HttpResponseRedirect.allowed_schemes)


def guarded(inputs):
    """A request that needs a login, as it stands on the request line."""
    path = "/" + inputs.mixed(inputs.any_of(["a/b", "a%20b", "%C3%A9", "a;b=c", "(x)'*!", "%2541", "a~b"]), mutated=0.2)
    return {
        "login_url": inputs.any_of([*LOGIN_URLS, "http://testserver/login/", "https://testserver/x", "//testserver/y"]),
        "scheme": inputs.any_of(["http", "https"]),
        "host": inputs.any_of(["testserver", "testserver:8000", "other.example"]),
        "path": path.encode("ascii", "ignore").decode(),
        "query": inputs.any_of([None, "", inputs.mixed(query(inputs)).encode("ascii", "ignore").decode()]),
        "field": inputs.any_of(["next", "next", "to"]),
    }


def page(request):
    raise AssertionError("nobody is signed in")


def guard(case):
    environ = {
        "REQUEST_METHOD": "GET",
        "wsgi.url_scheme": case["scheme"],
        "wsgi.input": NO_BODY,
        "HTTP_HOST": case["host"],
        # As every server of WSGI does.
        "PATH_INFO": unquote_to_bytes(case["path"]).decode("latin-1"),
        "QUERY_STRING": case["query"] or "",
    }
    settings.ALLOWED_HOSTS = ["*"]
    request = WSGIRequest(environ)
    request.user = SimpleNamespace(is_authenticated=False)
    view = decorators.login_required(page, redirect_field_name=case["field"], login_url=case["login_url"])
    if case.get("path_kept"):
        # A deviation asks for the same with the escapes that the client wrote.
        path = quote(case["path"], safe="/:@&+$,-_.!~*'()%")
        request.get_full_path = lambda: path + ("?" + iri_to_uri(case["query"]) if case["query"] else "")
    if case.get("dots_kept"):
        request.build_absolute_uri = lambda: f"{case['scheme']}://{case['host']}{request.get_full_path()}"
    return {"full_path": request.get_full_path(), "location": view(request).headers["Location"]}


FUNCTIONS = [
    Function("follow next", followed, lambda case: [{"op": "safe_next", **case}], is_safe, single, accepts=bool),
    Function(
        "redirect to the login",
        redirect,
        lambda case: [{"op": "login_redirect", **case}],
        location,
    ),
    Function(
        "guard a page",
        guarded,
        lambda case: [{"op": "login_next", **case}],
        guard,
    ),
    Function(
        "iri_to_uri",
        lambda inputs: {"iri": inputs.mixed(url(inputs))},
        lambda case: [{"op": "iri_to_uri", **case}],
        lambda case: iri_to_uri(case["iri"]),
    ),
]

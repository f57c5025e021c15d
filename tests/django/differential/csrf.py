"""CSRF: secrets, masks, and the whole decision on a request."""

import io

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.middleware import csrf
from function import Function, single
from inputs import ALPHANUMERIC
from newer import split_urls

LETTERS = csrf.CSRF_ALLOWED_CHARS


def secret(inputs):
    return "".join([inputs.any_of(ALPHANUMERIC) for _ in range(32)])


def masked(inputs, text):
    """As Django masks, with a mask that the seed gives."""
    mask = secret(inputs)
    pairs = zip((LETTERS.index(x) for x in text), (LETTERS.index(x) for x in mask), strict=True)
    return mask + "".join(LETTERS[(x + y) % len(LETTERS)] for x, y in pairs)


def form_of(inputs, text):
    return masked(inputs, text) if inputs.chance(0.6) else text


def token_text(inputs):
    return {"text": inputs.mixed(form_of(inputs, secret(inputs)), hostile=0.1, mutated=0.4)}


def refusal(check, text):
    try:
        check(text)
    except csrf.InvalidTokenFormat as error:
        return {"error": error.reason}
    return None


def read(case):
    text = case["text"]
    refused = refusal(csrf._check_token_format, text)
    if refused:
        return refused
    return csrf._unmask_cipher_token(text) if len(text) == csrf.CSRF_TOKEN_LENGTH else text


def worded(case, answers):
    """Of a refusal its words, which Django logs."""
    answer = answers[-1]
    return answer["answer"] if "answer" in answer else {"error": answer["detail"]}


def pair(inputs):
    own = secret(inputs)
    kind = inputs.random()
    other = own if kind < 0.8 else own.swapcase() if kind < 0.85 else secret(inputs)
    return {"secret": own, "token": inputs.mixed(form_of(inputs, other), hostile=0.03, mutated=0.3)}


def match(case):
    return refusal(csrf._check_token_format, case["token"]) or csrf._does_token_match(case["token"], case["secret"])


NO_BODY = io.BytesIO()
HOSTS = ["www.example.com", "example.com", "www.example.com:8443", "EXAMPLE.com", "[::1]:8000", "xn--e1afmkfd.example"]
TRUSTED = [
    [],
    [],
    ["https://trusted.example"],
    ["https://*.example.com"],
    ["http://*.example.com:8443", "https://other.example:444"],
    ["https://*", "https://a*.x.com"],
    ["HTTPS://*.Example.com", "https://trusted.example/"],
    ["https://é.example", "http://[::1]:8000"],
]
SITES = [
    "trusted.example",
    "a.example.com",
    "example.com",
    "evilexample.com",
    "a.b.example.com:8443",
    "other.example:444",
    "other.example",
    "é.example",
    "evil.example",
    "user@www.example.com",
]


def origin(inputs, scheme, host):
    kind = inputs.random()
    if kind < 0.6:
        text = f"{scheme}://{host}"
    elif kind < 0.9:
        text = f"{inputs.any_of(['https', 'http', 'HTTPS', 'ftp'])}://{inputs.any_of(SITES)}"
    else:
        text = inputs.any_of(["null", "", "//", "https://", "file://", host])
    return latin(inputs.mutated(text) if inputs.chance(0.12) else text)


def referer(inputs, scheme, host):
    text = origin(inputs, scheme, host)
    if inputs.chance(0.8):
        text += inputs.any_of(["/", "/a/b", "?x=1", "/p?q#f", "#", "/\\evil"])
    return latin(inputs.mutated(text) if inputs.chance(0.1) else text)


def latin(text):
    """What WSGI can hand on."""
    return text.encode("latin-1", "replace").decode("latin-1")


def request(inputs):
    secure = inputs.chance(0.6)
    scheme = "https" if secure else "http"
    host = inputs.any_of(HOSTS)
    stored = secret(inputs)
    cookie = form_of(inputs, stored)
    if inputs.chance(0.12):
        cookie = inputs.any_of([None, "", inputs.mutated(cookie), secret(inputs)])
    token = form_of(inputs, stored)
    if inputs.chance(0.12):
        token = inputs.any_of(["", inputs.mutated(token), masked(inputs, secret(inputs)), inputs.hostile()])
    method = inputs.any_of(METHODS)
    in_form = inputs.chance(0.6)
    origins = inputs.any_of(["origin", "referer", "both", "neither"]) if inputs.chance(0.9) else "neither"
    return {
        "method": method,
        "secure": secure,
        "host": inputs.mutated(host) if inputs.chance(0.03) else host,
        "allowed": inputs.any_of(["*", "*", "*", ".example.com"]),
        "port": inputs.any_of([443, 80, 8443, 8000]),
        "origin": origin(inputs, scheme, host) if origins in ("origin", "both") else None,
        "referer": referer(inputs, scheme, host) if origins in ("referer", "both") else None,
        "trusted": inputs.any_of(TRUSTED),
        "cookie_domain": inputs.any_of([None, None, ".example.com", "example.com", ""]),
        "cookie": cookie,
        # Only a POST is looked into.
        "form": token if in_form and method.upper() == "POST" else None,
        "header": latin(token) if not in_form or inputs.chance(0.1) else None,
        "header_name": inputs.any_of(["HTTP_X_CSRFTOKEN", "HTTP_X_XSRF_TOKEN", "HTTP_A1B_C"]),
    }


METHODS = [
    "POST",
    "POST",
    "POST",
    "PUT",
    "DELETE",
    "PATCH",
    "GET",
    "HEAD",
    "OPTIONS",
    "TRACE",
    "PROPFIND",
    "get",
    "post",
]


class Deciding(csrf.CsrfViewMiddleware):
    """The middleware itself, but a refusal is its reason."""

    def _reject(self, request, reason):
        return str(reason)


MIDDLEWARE = {}


def middleware(trusted):
    """It reads the trusted origins once in its life."""
    settings.CSRF_TRUSTED_ORIGINS = trusted
    found = MIDDLEWARE.get(tuple(trusted))
    if found is None:
        found = MIDDLEWARE[tuple(trusted)] = Deciding(lambda request: None)
    return found


def request_of(case):
    environ = {
        "REQUEST_METHOD": case["method"],
        "wsgi.url_scheme": "https" if case["secure"] else "http",
        "wsgi.input": NO_BODY,
        "HTTP_HOST": case["host"],
        "SERVER_NAME": "testserver",
        "SERVER_PORT": str(case["port"]),
        "PATH_INFO": "/",
    }
    headers = [("HTTP_ORIGIN", "origin"), ("HTTP_REFERER", "referer"), (case["header_name"], "header")]
    environ.update({name: case[field] for name, field in headers if case[field] is not None})
    request = WSGIRequest(environ)
    settings.ALLOWED_HOSTS = [case["allowed"]]
    request.COOKIES = {} if case["cookie"] is None else {"csrftoken": case["cookie"]}
    # The form is the business of whoever reads bodies.
    request._post = {} if case["form"] is None else {"csrfmiddlewaretoken": case["form"]}
    request._files = {}
    return request


def decide(case):
    split_urls(strictly=case.get("newer_python", False))
    request = request_of(case)
    settings.CSRF_COOKIE_DOMAIN = case["cookie_domain"]
    settings.CSRF_HEADER_NAME = case["header_name"]
    deciding = middleware(case["trusted"])
    deciding.process_request(request)
    refused = deciding.process_view(request, None, (), {})
    return {"error": refused} if refused else "accept"


def questions(case):
    try:
        # Which hosts are ours is not decided here.
        host = request_of(case).get_host()
    except DisallowedHost:
        host = None
    fields = ("method", "secure", "port", "origin", "referer", "trusted", "cookie_domain")
    head = {"op": "csrf_headers", "host": host, **{name: case[name] for name in fields}}
    token = {"op": "csrf_token", "stored": case["cookie"]}
    return [head, {**token, **{name: case[name] for name in ("form", "header", "header_name")}}]


def ours_decided(case, answers):
    head, token = answers
    if head.get("answer") != "token":
        return worded(case, [head])
    return worded(case, [token])


def shown(inputs):
    sent = form_of(inputs, secret(inputs))
    return {
        "sent": inputs.mixed(sent, hostile=0.1, mutated=0.2) if inputs.chance(0.85) else None,
        "calls": [inputs.any_of(["get_token", "get_token", "rotate_token"]) for _ in range(inputs.below(4))],
        "status": inputs.any_of([200, 200, 302, 403, 404, 499, 500, 503]),
    }


def show(case):
    """Which secret the response sets, what the tokens of its page prove, and whether it varies."""
    request = WSGIRequest({"REQUEST_METHOD": "GET", "wsgi.input": NO_BODY, "PATH_INFO": "/"})
    request.COOKIES = {} if case["sent"] is None else {"csrftoken": case["sent"]}
    deciding = middleware([])
    deciding.process_request(request)
    tokens = []
    for call in case["calls"]:
        returned = getattr(csrf, call)(request)
        if call == "get_token":
            tokens.append(returned)
    response = HttpResponse(status=case["status"])
    deciding.process_response(request, response)
    cookie = response.cookies.get("csrftoken")
    return told(case, cookie and cookie.value, "Cookie" in response.headers.get("Vary", ""), tokens)


def told(case, value, varies, tokens):
    """Random secrets differ: it counts whether one is the browser's own, and what proves it."""
    own = None
    if case["sent"] is not None and refusal(csrf._check_token_format, case["sent"]) is None:
        own = read({"text": case["sent"]})
    kind = None if value is None else "own" if value == own else "new"
    # A token that was shown before a rotation proves nothing after it.
    proven = [value is not None and csrf._does_token_match(token, value) for token in tokens]
    return {"set": kind, "length": value and len(value), "proven": proven, "varies": varies}


def ours_shown(case, answers):
    answer = single(case, answers)
    return told(case, answer["set"], answer["set"] is not None, answer["tokens"])


FUNCTIONS = [
    Function("CSRF cookie of a response", shown, lambda case: [{"op": "csrf_cookie", **case}], show, ours_shown),
    Function("read a CSRF secret", token_text, lambda case: [{"op": "csrf_read", **case}], read, worded),
    Function(
        "match a CSRF token",
        pair,
        lambda case: [{"op": "csrf_verify", **case}],
        match,
        worded,
        accepts=lambda outcome: outcome is True,
    ),
    Function(
        "mask a CSRF secret",
        lambda inputs: {"secret": secret(inputs)},
        lambda case: [{"op": "csrf_mask", **case}],
        lambda case: [64, case["secret"]],
        lambda case, answers: [len(single(case, answers)), csrf._unmask_cipher_token(single(case, answers))],
    ),
    Function("decide on a request", request, questions, decide, ours_decided),
]

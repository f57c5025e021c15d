"""CSRF: secrets, masks, and the whole decision on a request."""

import io
import json
from http.cookies import SimpleCookie

from cookies import all_of, pairs_of
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.middleware import csrf
from django.template.defaulttags import CsrfTokenNode
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
    in_form = inputs.chance(0.6)
    place = {"in_session": False, "cookie": cookie_header(inputs, cookie), "kept": None}
    if inputs.chance(0.4):
        place = {"in_session": True, "cookie": cookie_header(inputs, secret(inputs)), "kept": kept(inputs, cookie)}
    origins = inputs.any_of(["origin", "referer", "both", "neither"]) if inputs.chance(0.9) else "neither"
    return {
        **place,
        "method": inputs.any_of(METHODS),
        "secure": secure,
        "host": inputs.mutated(host) if inputs.chance(0.03) else host,
        "allowed": inputs.any_of(["*", "*", "*", ".example.com"]),
        "port": inputs.any_of([443, 80, 8443, 8000]),
        "origin": origin(inputs, scheme, host) if origins in ("origin", "both") else None,
        "referer": referer(inputs, scheme, host) if origins in ("referer", "both") else None,
        "trusted": inputs.any_of(TRUSTED),
        "cookie_domain": inputs.any_of([None, None, ".example.com", "example.com", ""]),
        "form": token if in_form else None,
        "header": latin(token) if not in_form or inputs.chance(0.1) else None,
        "header_name": inputs.any_of(["HTTP_X_CSRFTOKEN", "HTTP_X_XSRF_TOKEN", "HTTP_A1B_C"]),
        "calls": inputs.any_of(PAGES),
    }


PAGES = [
    [],
    [],
    ["get_token"],
    ["get_token", "get_token"],
    ["rotate_token"],
    ["get_token", "rotate_token", "get_token"],
]


def cookie_header(inputs, text):
    """The whole `Cookie` header, in hexadecimal: mostly with this one, and seldom with a second of its name."""
    pieces = [f"{inputs.any_of(['a', 'sessionid', 'messages'])}={inputs.word(8)}" for _ in range(inputs.below(3))]
    if text is not None:
        coded = SimpleCookie().value_encode(text)[1] if text and inputs.chance(0.9) else f'"{text}"'
        pieces.insert(inputs.below(len(pieces) + 1), f"csrftoken={text if text.isalnum() else coded}")
    if inputs.chance(0.03):
        pieces.insert(inputs.below(len(pieces) + 1), f"{inputs.any_of(OTHER_COOKIES)}={secret(inputs)}")
    data = "; ".join(pieces)
    return inputs.bytes_of(inputs.mutated(data)).hex() if inputs.chance(0.03) else data.encode().hex()


OTHER_COOKIES = [
    "csrftoken",
    "csrftoken",
    "CSRFToken",
    " csrftoken",
    "\u2000csrftoken",
    "csrftoken\x1f",
    "xcsrftoken",
    "",
]


def kept(inputs, text):
    """What the session has under the secret's name, as JSON; nothing, if it lacks it."""
    if inputs.chance(0.03):
        return inputs.any_of(["null", "7", "[]", "true", '"\\ud800"', '{"a": 1}', json.dumps([secret(inputs)])])
    return None if text is None else json.dumps(text)


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
        "HTTP_COOKIE": bytes.fromhex(case["cookie"]).decode("latin-1"),
        "HTTP_HOST": case["host"],
        "SERVER_NAME": "testserver",
        "SERVER_PORT": str(case["port"]),
        "PATH_INFO": "/",
    }
    headers = [("HTTP_ORIGIN", "origin"), ("HTTP_REFERER", "referer"), (case["header_name"], "header")]
    environ.update({name: case[field] for name, field in headers if case[field] is not None})
    request = WSGIRequest(environ)
    settings.ALLOWED_HOSTS = [case["allowed"]]
    if "cookie_text" in case:
        # A deviation says what is read.
        request.COOKIES = {} if case["cookie_text"] is None else {"csrftoken": case["cookie_text"]}
    # As much of a session as the middleware looks at.
    request.session = {} if case["kept"] is None else {csrf.CSRF_SESSION_KEY: json.loads(case["kept"])}
    # The form is the business of whoever reads bodies.
    request._post = {} if case["form"] is None else {"csrfmiddlewaretoken": case["form"]}
    request._files = {}
    return request


def decide(case):
    split_urls(strictly=case.get("newer_python", False))
    request = request_of(case)
    settings.CSRF_USE_SESSIONS = case["in_session"]
    # The other one is to be without consequence.
    domains = [case["cookie_domain"], "unused.example"]
    settings.SESSION_COOKIE_DOMAIN, settings.CSRF_COOKIE_DOMAIN = domains if case["in_session"] else domains[::-1]
    settings.CSRF_HEADER_NAME = case["header_name"]
    try:
        return response_of(case, request)
    finally:
        settings.CSRF_USE_SESSIONS = False
        settings.CSRF_COOKIE_DOMAIN = settings.SESSION_COOKIE_DOMAIN = None


def response_of(case, request):
    """Why it is refused, which secret its response sets or leaves in the session, and what the page's tokens prove."""
    sent = stored_in(case, request)
    deciding = middleware(case["trusted"])
    deciding.process_request(request)
    refused = deciding.process_view(request, None, (), {})
    tokens = [] if refused else call_all(case["calls"], request)
    response = HttpResponse(status=403 if refused else 200)
    deciding.process_response(request, response)
    if case["in_session"]:
        after = request.session.get(csrf.CSRF_SESSION_KEY)
        value = after if after != sent else None
    else:
        cookie = response.cookies.get("csrftoken")
        value = cookie and cookie.value
    by_its_head = refused and refused.startswith(("Origin", "Referer"))
    if case.get("unread") and (by_its_head or not (refused or case["calls"])):
        # A deviation says that nobody looks at the secret then.
        value = None
    return {"refused": refused, **set_and_proven(sent, value, tokens)}


def stored_in(case, request):
    if case["in_session"]:
        return request.session.get(csrf.CSRF_SESSION_KEY)
    return request.COOKIES.get("csrftoken")


def call_all(calls, request):
    """What a page does; the tokens that it is given."""
    returned = [(call, getattr(csrf, call)(request)) for call in calls]
    return [token for call, token in returned if call == "get_token"]


def questions(case):
    try:
        # Which hosts are ours is not decided here.
        host = request_of(case).get_host()
    except DisallowedHost:
        host = None
    fields = ("method", "secure", "port", "origin", "referer", "trusted", "cookie_domain")
    head = {"host": host, **{name: case[name] for name in fields}}
    # Only the form of a POST is looked into.
    form = case["form"] if case["method"] == "POST" else None
    whole = {"op": "csrf_request", "head": head, "cookies": [case["cookie"]], "cookie_name": "csrftoken"}
    sent = {"form": form, "header": case["header"], "header_name": case["header_name"]}
    return [{**whole, "sent": sent, "in_session": case["in_session"], "kept": case["kept"], "calls": case["calls"]}]


def ours_decided(case, answers):
    answer = single(case, answers)
    if "error" in answer:
        return answer
    return {"refused": answer["refused"], **set_and_proven(sent_to_us(case), answer["set"], answer["tokens"])}


def sent_to_us(case):
    """What our readers find in place of the secret."""
    if case["in_session"]:
        return json.loads(case["kept"] or "null")
    text = bytes.fromhex(case["cookie"]).decode(errors="replace")
    found = all_of("csrftoken", pairs_of(text, " \t"))
    return found[0] if found else None


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
    tokens = call_all(case["calls"], request)
    response = HttpResponse(status=case["status"])
    deciding.process_response(request, response)
    cookie = response.cookies.get("csrftoken")
    return told(case, cookie and cookie.value, "Cookie" in response.headers.get("Vary", ""), tokens)


def told(case, value, varies, tokens):
    return {**set_and_proven(case["sent"], value, tokens), "varies": varies}


def set_and_proven(sent, value, tokens):
    """Random secrets differ: it counts whether one is the browser's own, and what proves it."""
    own = read({"text": sent}) if is_secret(sent) else None
    kind = None if value is None else "own" if value == own else "new"
    # A token that was shown before a rotation proves nothing after it. What a session keeps need not be set.
    proven = [csrf._does_token_match(token, value or own) for token in tokens]
    return {"set": kind, "length": value and len(value), "proven": proven}


def is_secret(text):
    return isinstance(text, str) and refusal(csrf._check_token_format, text) is None


def ours_shown(case, answers):
    answer = single(case, answers)
    return told(case, answer["set"], answer["set"] is not None, answer["tokens"])


def field(inputs):
    token = form_of(inputs, secret(inputs)) if inputs.chance(0.3) else inputs.mixed(inputs.text(20), hostile=0.3)
    # Nothing is written without a token.
    return {"token": token or "x"}


def write_field(case):
    return CsrfTokenNode().render({"csrf_token": case["token"]})


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
    Function(
        "decide on a request",
        request,
        questions,
        decide,
        ours_decided,
        accepts=lambda outcome: outcome["refused"] is None,
    ),
    Function("write the hidden field", field, lambda case: [{"op": "csrf_input", **case}], write_field),
]

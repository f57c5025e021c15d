"""CSRF: tokens and decisions."""

import io
from unittest import mock

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.middleware import csrf
from django.middleware.csrf import CsrfViewMiddleware
from django.test import RequestFactory

MASK = "abcdefghijklmnopqrstuvwxyzABCDEF"
SECRET = "lcccccccX2kcccccccY2jcccccccssIC"
MASKED = "1bcdefghij2bcdefghij3bcdefghij4bcdefghij5bcdefghij6bcdefghijABCD"
OTHER = "B" * 32


def masks():
    rows = []
    for secret in (SECRET, "a" * 32, "9" * 32, "Zz09" * 8):
        for mask in (MASK, "a" * 32, "9" * 32, SECRET):
            with mock.patch.object(csrf, "_get_new_csrf_string", return_value=mask):
                rows.append({"secret": secret, "mask": mask, "masked": csrf._mask_cipher_secret(secret)})
    return rows


def unmasks():
    tokens = [
        MASKED,
        "2JgchWvM1tpxT2lfz9aydoXW9yT1DN3NdLiejYxOOlzzV4nhBbYqmqZYbAV3V5Bf",
        "a" * 64,
        "9" * 64,
        "a" * 32 + "9" * 32,
        "9" * 32 + "a" * 32,
        SECRET + SECRET,
    ]
    return [{"token": token, "secret": csrf._unmask_cipher_token(token)} for token in tokens]


def shapes():
    check = getattr(csrf, "_check_token_format", None)
    texts = [
        "",
        "a",
        "a" * 31,
        "a" * 32,
        "a" * 33,
        "a" * 63,
        "a" * 64,
        "a" * 65,
        "a" * 31 + "é",
        "a" * 31 + "-",
        "a" * 63 + "_",
        "a" * 31 + "\n",
        " " + "a" * 31,
        "é" * 16,
        "é" * 32,
        "\U0001f600" * 32,
        "\u0661" * 32,
        SECRET,
        MASKED,
        "a" * 31 + "\x00",
    ]
    rows = []
    for text in texts:
        try:
            check(text)
            error = None
        except csrf.InvalidTokenFormat as fault:
            error = fault.reason
        rows.append({"token": text, "error": error})
    return rows


def matches():
    pairs = [
        (SECRET, SECRET),
        (MASKED, SECRET),
        (MASKED, OTHER),
        (OTHER, SECRET),
        (SECRET.lower(), SECRET),
        ("a" * 64, "a" * 32),
        (SECRET + "a" * 32, SECRET),
        ("a" * 32 + SECRET, SECRET),
        (SECRET * 2, SECRET),
    ]
    return [
        {"token": token, "secret": secret, "matches": csrf._does_token_match(token, secret)} for token, secret in pairs
    ]


class Recording(CsrfViewMiddleware):
    """The middleware itself, but a refusal tells its reason."""

    def _reject(self, request, reason):
        response = HttpResponse(status=403)
        response.reason = str(reason)
        return response


DEFAULTS = {
    "method": "POST",
    "secure": False,
    "host": "www.example.com",
    "host_allowed": True,
    "port": 80,
    "origin": None,
    "referer": None,
    "cookie": SECRET,
    "form": MASKED,
    "header": None,
    "trusted_origins": [],
    "cookie_domain": None,
}


def decide(changes):
    row = {**DEFAULTS, **changes}
    if row["secure"] and "port" not in changes:
        row["port"] = 443
    body = (
        b""
        if row["form"] is None
        else b"a=b&csrfmiddlewaretoken=" + "".join(f"%{byte:02X}" for byte in row["form"].encode()).encode()
    )
    environ = RequestFactory()._base_environ()
    environ.update(
        {
            "REQUEST_METHOD": row["method"],
            "wsgi.url_scheme": "https" if row["secure"] else "http",
            "HTTP_HOST": row["host"],
            "SERVER_PORT": str(row["port"]),
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
    )
    for name, field in (("HTTP_ORIGIN", "origin"), ("HTTP_REFERER", "referer"), ("HTTP_X_CSRFTOKEN", "header")):
        if row[field] is not None:
            environ[name] = row[field]
    settings.ALLOWED_HOSTS = ["*"] if row["host_allowed"] else ["elsewhere.example"]
    settings.CSRF_TRUSTED_ORIGINS = row["trusted_origins"]
    settings.CSRF_COOKIE_DOMAIN = row["cookie_domain"]
    request = WSGIRequest(environ)
    if row["cookie"] is not None:
        request.COOKIES["csrftoken"] = row["cookie"]
    middleware = Recording(lambda request: HttpResponse())
    middleware.process_request(request)
    response = middleware.process_view(request, lambda request: HttpResponse(), (), {})
    row["reason"] = response.reason if response else None
    answer = response or HttpResponse()
    middleware.process_response(request, answer)
    row["cookie_replaced"] = "csrftoken" in answer.cookies
    settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS, settings.CSRF_COOKIE_DOMAIN = ["*"], [], None
    return row


def decisions():
    cases = [{}]
    cases += [
        {"method": method, "cookie": None, "form": None}
        for method in (
            "GET",
            "HEAD",
            "OPTIONS",
            "TRACE",
            "POST",
            "PUT",
            "PATCH",
            "DELETE",
            "CONNECT",
            "PROPFIND",
            "X",
            "get",
            "post",
        )
    ]
    cases += [{"method": method, "origin": "https://evil.example"} for method in ("GET", "HEAD", "POST", "PUT")]
    # Origin without trusted origins.
    origins = [
        "http://www.example.com",
        "http://WWW.example.com",
        "HTTP://www.example.com",
        "http://www.example.com/",
        "http://www.example.com:80",
        "https://www.example.com",
        "null",
        "",
        "http://",
        "//www.example.com",
        "www.example.com",
        "http://example.com",
        "http://evil.example",
        "http://www.example.com.evil.example",
        "http://www.example.com@evil.example",
        "http://www.example.com evil",
        " http://www.example.com",
        "http://[",
        "http://[::1",
        "é",
        "http://www.example.com\x00",
        "file://",
        "chrome-extension://abc",
        "http://www.example.com#",
        "http://www.example.com?",
    ]
    cases += [{"origin": origin} for origin in origins]
    cases += [
        {"origin": origin, "secure": True}
        for origin in (
            "https://www.example.com",
            "http://www.example.com",
            "https://www.example.com:443",
            "null",
            "",
            "https://www.example.com/",
        )
    ]
    cases += [
        {"origin": "http://www.example.com:8000", "host": "www.example.com:8000", "port": 8000},
        {"origin": "http://www.example.com", "host": "www.example.com:8000", "port": 8000},
        {"origin": "http://www.example.com", "host": "www.example.com:80"},
        {"origin": "http://www.example.com:80", "host": "www.example.com:80"},
        {"origin": "http://WWW.EXAMPLE.COM", "host": "WWW.EXAMPLE.COM"},
        {"origin": "http://www.example.com", "host": "WWW.example.com"},
        {"origin": "http://[::1]:8000", "host": "[::1]:8000", "port": 8000},
        {"origin": "http://127.0.0.1", "host": "127.0.0.1"},
        {"origin": "http://www.example.com", "host_allowed": False},
        {"origin": "http://trusted.example", "host_allowed": False, "trusted_origins": ["http://trusted.example"]},
        {"host_allowed": False},
        {"host_allowed": False, "secure": True, "referer": "https://www.example.com/"},
        {
            "host_allowed": False,
            "secure": True,
            "referer": "https://trusted.example/",
            "trusted_origins": ["https://trusted.example"],
        },
        {"origin": "http://www.example.com.", "host": "www.example.com."},
        {"origin": "http://www.example.com", "host": "www.example.com."},
    ]
    trusted = [
        "https://*.example.com",
        "https://exact.example",
        "http://plain.example:8080",
        "https://*",
        "https://a*.x.com",
        "https://*.UPPER.example",
    ]
    for origin in [
        "https://foo.example.com",
        "https://example.com",
        "https://a.b.example.com",
        "https://u@foo.example.com",
        "https://foo.example.com:8443",
        "http://foo.example.com",
        "https://evilexample.com",
        "https://example.com.evil",
        "https://FOO.example.com",
        "HTTPS://foo.example.com",
        "https://foo.EXAMPLE.com",
        "https://foo.example.com/",
        "https://foo.example.com/path",
        "https://foo.example.com?q",
        "https://.example.com",
        "https://exact.example",
        "https://exact.example/",
        "https://EXACT.example",
        "https://sub.exact.example",
        "http://exact.example",
        "http://plain.example:8080",
        "http://plain.example",
        "https://plain.example:8080",
        "https://anything.example",
        "https://a*.x.com",
        "https://ab.x.com",
        "https://x.upper.example",
        "https://x.UPPER.example",
        "https://[",
        "https://[::1]",
        "https://foo.example.com\t",
        "https://\tfoo.example.com",
        "https:foo.example.com",
        "https:///foo.example.com",
        "null",
        "",
        "https://foo.example.com\\@evil",
        "https://evil\\.example.com",
        "https://é.example.com",
        "https://evil℀.example.com",
    ]:
        cases.append({"origin": origin, "trusted_origins": trusted})
    # Referer on secure requests.
    referers = [
        None,
        "",
        "https://www.example.com",
        "https://www.example.com/",
        "https://www.example.com/a?b#c",
        "http://www.example.com/",
        "https:/www.example.com",
        "//www.example.com/",
        "https://[",
        "https://",
        "https:",
        "www.example.com",
        "/path",
        "https://www.example.com:443/",
        "https://www.example.com:8443/",
        "https://WWW.example.com/",
        "HTTPS://www.example.com/",
        "https://evil.example/",
        "https://www.example.com.evil.example/",
        "https://www.example.com@evil.example/",
        "https://u@www.example.com/",
        "https://sub.www.example.com/",
        "https://example.com/",
        "https://evil.example/?",
        "https://evil.example/#",
        "https://evil.example/a?b#",
        "HTTPS://evil.example/A",
        "https://evil.example/é",
        "https://evil.example/%C3%A9?x=%20",
        "file:///etc/passwd",
        "about:blank",
        "javascript:alert(1)",
        "https://www.example.com\\@evil.example/",
        " https://www.example.com/",
        "https://www.example.com\t/",
        "\x01https://www.example.com/",
        "https://evil.example;a/b;c",
        "https://evil.example?a=b",
        "https://evil.example",
        "https://evil℀.example/",
        "https://[::1]/",
        "https://[g]/",
        "data:text/html,x",
        "https://evil.example//a//b",
        "ftp://www.example.com/",
        "null",
    ]
    cases += [{"secure": True, "referer": referer} for referer in referers]
    cases += [{"referer": referer} for referer in (None, "", "http://evil.example/", "https://[")]
    cases += [
        {"secure": True, "origin": "https://www.example.com", "referer": "https://evil.example/"},
        {"secure": True, "origin": "", "referer": "https://www.example.com/"},
    ]
    mixed = ["http://dash.example.com", "https://*.wild.example", "https://port.example:8443"]
    for referer in (
        "https://dash.example.com/",
        "http://dash.example.com/",
        "https://sub.dash.example.com/",
        "https://wild.example/",
        "https://a.wild.example/x",
        "https://a.wild.example:8443/",
        "https://evilwild.example/",
        "https://port.example:8443/",
        "https://port.example/",
        "https://DASH.example.com/",
        "https://A.WILD.example/",
        "https://u@a.wild.example/",
    ):
        cases.append({"secure": True, "referer": referer, "trusted_origins": mixed})
    for domain in (".example.com", "example.com", "www.example.com", ".EXAMPLE.com"):
        for referer in (
            "https://example.com/",
            "https://www.example.com/",
            "https://a.b.example.com/",
            "https://evilexample.com/",
            "https://www.example.com:8443/",
        ):
            cases.append({"secure": True, "referer": referer, "cookie_domain": domain})
    for port in (80, 443, 8443):
        for referer in ("https://www.example.com/", "https://www.example.com:8443/", "https://www.example.com:80/"):
            cases.append({"secure": True, "referer": referer, "cookie_domain": ".example.com", "port": port})
            cases.append({"secure": True, "referer": referer, "port": port, "host": "www.example.com:8443"})
            cases.append({"secure": True, "referer": referer, "port": port})
    cases.append({"secure": True, "referer": "https://www.example.com:443/", "host": "www.example.com:443"})
    # Tokens.
    faulty = ["", "a" * 31, "a" * 33, "a" * 63, "a" * 65, "a" * 31 + "!", "a" * 63 + "é", "é" * 32, OTHER, OTHER * 2]
    cases += [{"cookie": cookie} for cookie in [None, MASKED, *faulty]]
    cases += [{"form": form} for form in [None, SECRET, *faulty]]
    cases += [{"form": None, "header": header} for header in [MASKED, SECRET, *faulty]]
    cases += [{"form": "", "header": header} for header in (None, "", MASKED, OTHER)]
    cases += [{"form": form, "header": MASKED} for form in ("x", OTHER, MASKED, " ")] + [
        {"form": MASKED, "header": OTHER}
    ]
    for method in ("PUT", "PATCH", "DELETE", "PROPFIND"):
        cases += [
            {"method": method},
            {"method": method, "header": MASKED},
            {"method": method, "form": None, "header": SECRET},
            {"method": method, "header": ""},
            {"method": method, "header": "short"},
        ]
    cases += [{"cookie": None, "form": form} for form in (None, "", "x", "a" * 32)]
    cases += [
        {"cookie": "", "form": ""},
        {"cookie": "", "form": None},
        {"cookie": "a" * 31, "form": "a" * 31},
        {"cookie": "é" * 32, "form": "é" * 32},
    ]
    cases += [
        {"method": "GET", "cookie": cookie, "form": None} for cookie in (None, SECRET, MASKED, "short", "a" * 31 + "!")
    ]
    return [decide(case) for case in cases]


SECTIONS = {
    "csrf_mask": masks,
    "csrf_unmask": unmasks,
    "csrf_shape": shapes,
    "csrf_match": matches,
    "csrf_decisions": decisions,
}

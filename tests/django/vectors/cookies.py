"""Cookies: parsing, writing and signing."""

import datetime

from django.conf import settings
from django.core import signing
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.test import RequestFactory

from . import NOW
from .clock import stopped_at

# What Python strips and a browser does not: we trim only space and tab, so that no such character in front of a
# name makes it another one.
UNICODE_SPACE = [
    *range(0x0A, 0x0E),
    *range(0x1C, 0x20),
    0x85,
    0xA0,
    0x1680,
    *range(0x2000, 0x200B),
    0x2028,
    0x2029,
    0x202F,
    0x205F,
    0x3000,
]


def request_with(header: bytes):
    environ = RequestFactory()._base_environ()
    environ.pop("HTTP_COOKIE", None)
    environ["HTTP_COOKIE"] = header.decode("latin-1")
    return WSGIRequest(environ)


def parse_headers():
    headers = [
        "",
        ";",
        ";;;",
        "=",
        "=;=",
        " ",
        "a=b",
        "a=b;c=d",
        "a=b; c=d",
        "a=b;c=d;",
        " a = b ",
        "a=b=c",
        "a==b",
        "=a",
        "a",
        "a;b",
        "a; =b",
        "=a; =b",
        "a=1; a=2",
        "a=1; A=2",
        "a=1; b=2; a=3",
        "a=; a=1",
        "a=1; a=",
        "  =  b  ;  ;  =  ;   c  =  ;  ",
        "a b=c d",
        "a=b c",
        "a,b=c,d",
        "a=b,c=d",
        "a=b, c=d",
        'a="b"',
        'a=""',
        'a="',
        "a='b'",
        'a="b',
        'a=b"',
        'a="b"c',
        'a="b"c"',
        'a="b\\"',
        'a="\\"',
        'a="\\\\"',
        'a="b\\\\"',
        'a="\\"b\\""',
        'a="b c"',
        'a="b;c"',
        'a="b\\073c"',
        'a="b\\054c"',
        'a="\\101"',
        'a="\\1"',
        'a="\\12"',
        'a="\\012"',
        'a="\\377"',
        'a="\\400"',
        'a="\\477"',
        'a="\\777"',
        'a="\\08"',
        'a="\\081"',
        'a="\\1019"',
        'a="\\\\101"',
        'a="\\\\\\101"',
        'a="\\a"',
        'a="\\ "',
        'a="\\351"',
        'a="\\303\\251"',
        'a="\\000"',
        'a="x\\000y"',
        'a="\\n"',
        'a="\\é"',
        "a=\\101",
        'a="é"',
        "é=é",
        "a=é’\U0001f600",
        'a="\\"',
        'a="\\\\\\"',
        'a="\\\\\\\\"',
        'a = "b" ',
        'a=" b "',
        'a="" ""',
        'keebler="E=mc2; L=\\"Loves\\"; fudge=\\012;"',
        "chips=ahoy; vienna=finger",
        "a=%20%3B",
        "a=b%2",
        "a+b=c+d",
        "$Version=1; a=b; $Path=/",
        "$Version=1,a=b",
        '$Version=1; a="x; sessionid=evil"; sessionid=good',
        "sessionid=aaaaaaaa; sessionid=bbbbbbbb",
        "=__Host-x=v",
        "__Host-x",
        "__Host-x=1; __host-x=2",
        "Expires=x; path=/; a=b",
        "httponly; a=b; secure",
        "a\t=\tb",
        "\ta=b\t;\tc=d\t",
        "a=\tb c\t",
        'a="\tb\t"',
        "a=[1,2]",
        'a={"b":"c"}',
        'a="{\\"b\\": 1}"',
        "a=b;" * 30,
        "a=" + "x" * 300,
        'a="' + "\\" * 40 + '"',
        'a="' + "\\" * 41 + '"',
        'a="' + '\\"' * 20 + '"',
        "a=b\\",
        'a="\\',
        'a=\\"b\\"',
        'a="b""c"',
        '""=a',
        '"a"="b"',
        'a="="',
        "a==;b==",
        "a=b?;c=d!",
        "a:b=c:d",
        "a/b=c/d",
        "a[0]=1",
        "dnt=1;_ga=GA1.2.3.4",
        'de facto="x"',
        "a=b&c=d",
        "a=<b>",
        "a=(b)",
        'a="\\"; b="\\""',
        "a=1;b=2",
    ]
    rows = []
    for header in headers:
        rows.append({"header": header, "cookies": list(request_with(header.encode()).COOKIES.items())})
    for raw in (
        b"a=\xff",
        b"\xff=a",
        b"a=\xc3",
        b"a=\xe9t\xe9",
        b"a=\xed\xa0\x80",
        b"a=\xf0\x9f\x98",
        b"a=\xc0\xaf",
        b'a="\xff\\101"',
        b"a=\x80;b=c",
        b"\xe2\x80\x80__Host-x=evil",
    ):
        row = {"header_hex": raw.hex(), "cookies": list(request_with(raw).COOKIES.items())}
        if raw.startswith(b"\xe2\x80\x80"):
            row["deviates"] = "unicode space"
        rows.append(row)
    for code_point in UNICODE_SPACE:
        space = chr(code_point)
        for header in (f"{space}a=b", f"a=b{space}", f"a={space}b; c=d"):
            rows.append(
                {
                    "header": header,
                    "cookies": list(request_with(header.encode()).COOKIES.items()),
                    "deviates": "unicode space",
                }
            )
    for code_point in [0, 1, 8, 0x0E, 0x1B, 0x7F, 0x200B, 0xFEFF, 0xAD, 0x80, 0x9F]:
        header = f"a=x{chr(code_point)}y; {chr(code_point)}b=c{chr(code_point)}"
        rows.append({"header": header, "cookies": list(request_with(header.encode()).COOKIES.items())})
    return rows


def apply(response, call):
    options = dict(call)
    if options.pop("delete", False):
        response.delete_cookie(options.pop("name"), **options)
        return
    if "expires_at" in options:
        options["expires"] = datetime.datetime.fromtimestamp(options.pop("expires_at"), tz=datetime.UTC)
    response.set_cookie(options.pop("name"), options.pop("value", ""), **options)


def written(calls, at=NOW):
    """The Set-Cookie headers of a response on which these calls were made."""
    response = HttpResponse()
    row = {"at": at, "calls": calls}
    try:
        with stopped_at(at):
            for call in calls:
                apply(response, call)
        row["headers"] = [morsel.OutputString() for morsel in response.cookies.values()]
    except Exception as error:  # noqa: BLE001 — http.cookies raises its own
        row["error"] = type(error).__name__
    return row


def set_cookies():
    base = {"name": "n", "value": "v"}
    everything = {
        **base,
        "max_age": 5,
        "path": "/p",
        "domain": "example.com",
        "secure": True,
        "httponly": True,
        "samesite": "Lax",
    }
    single = [
        {},
        {"value": ""},
        {"max_age": 10},
        {"max_age": 0},
        {"max_age": -5},
        {"max_age": 10.9},
        {"max_age": -0.5},
        {"max_age": 31449600},
        {"max_age": 34560000},
        {"expires": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"expires": "anything"},
        {"expires": "", "max_age": 10},
        {"expires": "Wed, 09 Jun 2027 10:18:14 GMT", "max_age": 10},
        {"expires": ""},
        {"expires_at": NOW + 60},
        {"expires_at": NOW + 60.5},
        {"expires_at": NOW},
        {"expires_at": NOW - 1},
        {"expires_at": NOW - 3600},
        {"expires_at": NOW + 86400 * 400},
        {"expires_at": NOW + 5, "max_age": 5},
        {"path": None},
        {"path": ""},
        {"path": "/"},
        {"path": "/a b"},
        {"path": "/é"},
        {"domain": "example.com"},
        {"domain": ".example.com"},
        {"domain": ""},
        {"domain": None},
        {"secure": True},
        {"httponly": True},
        {"secure": True, "httponly": True},
        {"samesite": "Lax"},
        {"samesite": "lax"},
        {"samesite": "STRICT"},
        {"samesite": "None"},
        {"samesite": "none", "secure": True},
        {"samesite": ""},
        {"samesite": "other"},
        {"samesite": " lax"},
    ]
    rows = [written([{**base, **options}]) for options in single]
    rows += [
        written([everything]),
        written([everything], NOW + 0.75),
        written([{**base, "max_age": 10}], NOW + 0.75),
        written([{**base, "max_age": 10.9}], NOW + 0.75),
        written([{**base, "expires_at": NOW + 60}], NOW + 0.75),
    ]
    plain = {**base, "value": "w"}
    for first in (
        {"max_age": 10, "secure": True, "httponly": True},
        {"expires": "anything"},
        {"domain": "a.b", "path": "/p", "samesite": "Strict"},
        {"max_age": 10, "path": None},
    ):
        rows.append(written([{**base, **first}, plain]))
        rows.append(written([{**base, **first}, {**plain, "path": None}]))
        rows.append(written([{**base, **first}, {"delete": True, "name": "n"}]))
        rows.append(written([{"delete": True, "name": "n"}, {**base, **first}]))
    rows.append(written([base, {"name": "m", "value": "1"}, plain]))
    rows.append(written([{"name": "z"}, {"name": "a"}, {"name": "Z"}]))
    for name in ("c", "__Secure-c", "__Host-c", "__secure-c", "__host-c"):
        for options in (
            {},
            {"samesite": "None"},
            {"samesite": "lax"},
            {"samesite": "none"},
            {"path": "/p", "domain": "example.com"},
            {"path": None},
        ):
            rows.append(written([{"delete": True, "name": name, **options}]))
    return rows


def values():
    """How each value is quoted: every code point below 256 alone and within a word, then others."""
    texts = [chr(code_point) for code_point in range(256)] + [f"a{chr(code_point)}b" for code_point in range(256)]
    texts += [
        "",
        "a,b;c",
        "a/b",
        "a:b",
        'say "hi"',
        "back\\slash",
        '"',
        '""',
        '"quoted"',
        "\\",
        "a b",
        " a",
        "a ",
        "é’",
        "’",
        "\U0001f600",
        "\u0100",
        '{"a": [1, 2]}',
        "x" * 300,
        "a=b",
        "%3B",
        "\\073",
    ]
    rows = []
    for text in texts:
        row = written([{"name": "n", "value": text}])
        row = (
            {"value": text, "header": row["headers"][0]} if "headers" in row else {"value": text, "error": row["error"]}
        )
        if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
            row["deviates"] = "control character"
        elif any(ord(letter) > 255 for letter in text):
            row["deviates"] = "beyond latin-1"
        rows.append(row)
    return rows


def names():
    texts = [chr(code_point) for code_point in range(256)] + [
        "",
        "a",
        "aa",
        "a b",
        "a=b",
        "a;b",
        "é",
        "’",
        "Expires",
        "expires",
        "PATH",
        "path",
        "comment",
        "domain",
        "max-age",
        "maxage",
        "secure",
        "httponly",
        "HttpOnly",
        "version",
        "samesite",
        "partitioned",
        "priority",
        "__Host-a",
        "a" * 300,
        "$Version",
        "a\n",
        "a:b",
        "a,b",
        'a"',
    ]
    rows = []
    for text in texts:
        row = written([{"name": text, "value": "v"}])
        row = {"name": text, "accepted": "headers" in row}
        if text == "partitioned":
            row["deviates"] = "an attribute from Python 3.14 on"
        rows.append(row)
    return rows


SIGNED = [
    ("c", "", "hello"),
    ("c", "sé", "hello"),
    ("c", "x", "hello"),
    ("a", "bc", "v"),
    ("ab", "c", "v"),
    ("abc", "", "v"),
    ("sessionid", "", ""),
    ("c", "", "a:b"),
    ("c", "", "é’"),
    ("c", "\U0001f600", "x y;z"),
    ("c", "1:x", "v"),
]
HAS_V2 = hasattr(signing, "_cookie_signer_salt")


def legacy(name, salt, value):
    return signing.get_cookie_signer(salt=name + salt).sign(value)


def signed_cookies():
    rows = []
    for name, salt, value in SIGNED:
        with stopped_at(NOW):
            response = HttpResponse()
            response.set_signed_cookie(name, value, salt=salt)
            text = response.cookies[name].value
            other = legacy(name, salt, value)
        rows.append(
            {
                "name": name,
                "salt": salt,
                "value": value,
                "at": NOW,
                "cookie": text,
                "legacy_cookie": other,
                "is_v2": HAS_V2,
                "header": response.cookies[name].OutputString(),
            }
        )
    return rows


def signed_cookies_read():
    rows = []
    cases = []

    # The v2 form is written out here only so that releases without it can be shown to refuse it.
    def v2(name, salt, value):
        return signing.get_cookie_signer(salt=f"django.http.cookies.v2:{len(salt)}:{salt}{name}").sign(value)

    with stopped_at(NOW):
        for name, salt, value in SIGNED:
            for cookie in (v2(name, salt, value), legacy(name, salt, value)):
                cases += [
                    (name, salt, cookie, None, NOW),
                    (name, salt, cookie, 10, NOW + 10),
                    (name, salt, cookie, 10, NOW + 11),
                ]
        cases += [
            ("ab", "c", v2("a", "bc", "v"), None, NOW),
            ("ab", "c", legacy("a", "bc", "v"), None, NOW),
            ("abc", "", legacy("a", "bc", "v"), None, NOW),
            ("c", "y", v2("c", "x", "v"), None, NOW),
            ("c", "", "garbage", None, NOW),
            ("c", "", "", None, NOW),
            ("c", "", v2("c", "", "v") + "A", None, NOW),
            ("c", "", v2("c", "", "v")[:-1], None, NOW),
        ]
    for fallback in [None] if not HAS_V2 else [True, False]:
        if fallback is not None:
            settings.SIGNED_COOKIE_LEGACY_SALT_FALLBACK = fallback
        for name, salt, cookie, age, now in cases:
            request = request_with(b"")
            request.COOKIES[name] = cookie
            row = {"name": name, "salt": salt, "cookie": cookie, "max_age": age, "at": now, "legacy_fallback": fallback}
            with stopped_at(now):
                try:
                    row["value"] = request.get_signed_cookie(name, salt=salt, max_age=age)
                except signing.BadSignature as error:
                    row["error"] = type(error).__name__
            rows.append(row)
    return rows


def http_dates():
    from django.utils.http import http_date

    moments = [0, 1, 951782400, 951868799.999, NOW, NOW + 0.999, 4102444800, 253402300799] + [
        NOW + 86400 * 31 * n for n in range(12)
    ]
    return [{"at": at, "text": http_date(at)} for at in moments]


SECTIONS = {
    "parse_cookie": parse_headers,
    "set_cookie": set_cookies,
    "cookie_values": values,
    "cookie_names": names,
    "signed_cookies": signed_cookies,
    "signed_cookies_read": signed_cookies_read,
    "http_date": http_dates,
}

"""Cookies: the header that is read, the ones that are written, and signed ones."""

import io
import re
from http import cookies as http_cookies
from http.cookies import CookieError, SimpleCookie

from browsers import LONGEST_AGE, refusals
from django.conf import settings
from django.core import signing
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import get_str_from_wsgi
from django.http import HttpResponse, parse_cookie
from django.http import response as http_response
from django.utils.cache import patch_vary_headers, split_header_value
from django.utils.http import http_date
from frozen import KEYS, NOW, at, hex_keys, moment, some_age, some_now
from function import Function, single
from signing import ours as ours_signed
from signing import outcome

NAMES = ["sessionid", "csrftoken", "__Host-sessionid", "__Secure-x", "a", "b", "A", "$Version", "messages"]


def piece(inputs):
    name = inputs.any_of(NAMES) if inputs.chance(0.7) else inputs.text(8)
    kind = inputs.random()
    if kind < 0.4:
        return f"{name}={inputs.word(20)}"
    if kind < 0.7:
        coded = SimpleCookie().value_encode(inputs.text(12))[1]
        return f"{name}={coded}"
    if kind < 0.8:
        return f'{name}="{inputs.hostile(8)}"'
    if kind < 0.85:
        octal = "".join(["\\" + inputs.any_of('01234567\\"é8') * inputs.below(4) for _ in range(inputs.below(5))])
        return f'{name}="{octal}"'
    if kind < 0.9:
        return name
    return f"{inputs.any_of(BLANKS)}{name}{inputs.any_of(BLANKS)}={inputs.any_of(BLANKS)}{inputs.word()}"


BLANKS = ["", " ", "\t", "  ", "\x0b", "\x0c", "\n", "\x1f", "\x85", "\xa0", "\u2000", "\u3000", "\u200b"]


def header(inputs):
    text = inputs.any_of(["; ", ";", " ; "]).join([piece(inputs) for _ in range(inputs.below(6))])
    return inputs.bytes_of(inputs.mixed(text, hostile=0.1, mutated=0.3)).hex()


def headers(inputs):
    name = inputs.any_of(NAMES) if inputs.chance(0.8) else inputs.text(4)
    # Servers that speak WSGI hand on one header; how they join several is each one's own business.
    asgi = inputs.chance(0.4)
    number = inputs.any_of([1, 2, 2, 3]) if asgi else 1
    sent = [header(inputs) for _ in range(number)]
    if asgi and inputs.chance(0.7):
        # What is not ASCII differs under ASGI, and would hide the rest.
        sent = [bytes(byte for byte in bytes.fromhex(one) if byte < 0x80).hex() for one in sent]
    return {"headers": sent, "asgi": asgi, "name": name}


def pairs_of(text, blanks=None):
    """Django's own rule, with a choice of which blanks it trims."""
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if not equals:
            name, value = "", part
        yield name.strip(blanks), value.strip(blanks)


def header_text(case):
    """What Django takes for the header."""
    texts = [bytes.fromhex(data).decode("latin-1") for data in case["headers"]]
    if case["asgi"]:
        text = ASGIRequest({**SCOPE, "headers": [(b"cookie", text.encode("latin-1")) for text in texts]}, NO_BODY).META
        text = text.get("HTTP_COOKIE", "")
        if not case.get("as_utf8"):
            return text
    else:
        (text,) = texts
    return get_str_from_wsgi({"HTTP_COOKIE": text}, "HTTP_COOKIE", "")


SCOPE = {"type": "http", "method": "GET", "path": "/", "query_string": b""}
NO_BODY = io.BytesIO()


def unquoted(value):
    """Python's, which Django calls."""
    return http_cookies._unquote(value)


def read(case):
    text = header_text(case)
    cookies = parse_cookie(text)
    return {
        "cookies": list(cookies.items()),
        "last": cookies.get(case["name"]),
        "all": all_of(case["name"], pairs_of(text)),
    }


def all_of(wanted, pairs):
    """The values under one name, the last one first."""
    return [unquoted(value) for name, value in pairs if name == wanted and (name or value)][::-1]


def call(inputs, names):
    kind = inputs.random()
    deletes = kind < 0.2
    text = inputs.any_of(names) if inputs.chance(0.95) else inputs.text(8)
    end = inputs.random()
    age = inputs.any_of([0, 10, -5, 31_449_600, inputs.below(10**9), -inputs.below(10**6)])
    now = some_now(inputs)
    if inputs.chance(0.01):
        age = inputs.randrange(-(10**12), 10**12)
        now -= now % 1_000_000
    moments = [NOW + inputs.below(10**14), NOW - inputs.below(10**14), inputs.below(253_402_300_799_000_000)]
    attribute = inputs.text if inputs.chance(0.05) else lambda most: ""
    return {
        "name": text,
        "value": "" if deletes else inputs.text(16) if inputs.chance(0.3) else inputs.word(30),
        "deletes": deletes,
        "max_age": age if not deletes and end < 0.35 else None,
        "fractional_age": age + round(inputs.random(), 3) if not deletes and 0.35 < end < 0.45 else None,
        "expires_text": inputs.any_of(["", "Thu, 01 Jan 1970 00:00:00 GMT", "anything", attribute(8)])
        if not deletes and 0.3 < end < 0.5
        else None,
        "expires_at": inputs.any_of(moments) if not deletes and (0.5 < end < 0.65 or end < 0.005) else None,
        "path": inputs.any_of(["/", "/", "/", "/p", "", None, attribute(8)]),
        "domain": inputs.any_of([None, None, None, "example.com", ".example.com", "", attribute(8)]),
        "same_site": inputs.any_of(SAME_SITES) if inputs.chance(0.98) else inputs.text(4) or None,
        "secure": not deletes and inputs.chance(0.4),
        "http_only": not deletes and inputs.chance(0.4),
        "now": now,
    }


SAME_SITES = [None, None, "Lax", "Strict", "None", "Lax", "Strict", "None", "lax", "NONE"]


def calls(inputs):
    names = [inputs.any_of(WRITTEN) if inputs.chance(0.9) else inputs.text(6) for _ in range(2)]
    return {"calls": [call(inputs, names) for _ in range(inputs.any_of([1, 1, 1, 2, 3]))]}


WRITTEN = [*NAMES, "__host-a", "__SECURE-a", "!#$%&'*+-.^_`|~:", "a.b", "theme", "expires", "Partitioned", "path"]


def date_from_1970_to_9999(seconds):
    return http_date(min(max(seconds, 0), LAST_SECOND))


LAST_SECOND = 253_402_300_799


def write(case):
    response = HttpResponse()
    # A deviation asks for the same with dates that stay in range.
    http_response.http_date = date_from_1970_to_9999 if case.get("bounded") else http_date
    try:
        for one in case["calls"]:
            at(one["now"])
            where = {"path": one["path"], "domain": one["domain"], "samesite": one["same_site"]}
            if one["deletes"]:
                response.delete_cookie(one["name"], **where)
                continue
            end = moment(one["expires_at"]) if one["expires_at"] is not None else one["expires_text"]
            age = one["max_age"] if one["max_age"] is not None else one["fractional_age"]
            response.set_cookie(
                one["name"],
                one["value"],
                max_age=age,
                expires=end,
                secure=one["secure"],
                httponly=one["http_only"],
                **where,
            )
    except (CookieError, ValueError, OverflowError, OSError):
        return {"error": "refused"}
    return [morsel.OutputString() for morsel in response.cookies.values()]


def ours_written(case, answers):
    answer = single(case, answers)
    return {"error": "refused"} if isinstance(answer, dict) else answer


def storable(inputs):
    """A cookie that Django writes, often at the edge of what browsers keep."""
    name = inputs.any_of(STORED)
    value = inputs.text(20)
    if inputs.chance(0.15):
        # A quoted character takes four bytes.
        value = inputs.any_of("v,") * inputs.any_of([1022, 1023, 1024, 4084, 4086, 4095 - len(name), 4096 - len(name)])
        value += inputs.word(12)
    end = inputs.random()
    age = inputs.any_of([0, 31_449_600, LONGEST_AGE - 1, LONGEST_AGE, LONGEST_AGE + 1, inputs.below(10**8), -5])
    now = some_now(inputs)
    path = inputs.any_of(["/", "/", "/", "/", "/p", "", None])
    domain = inputs.any_of([None, None, None, "example.com", ".example.com", ""])
    if inputs.chance(0.05):
        path = "/" + "p" * (1021 + inputs.below(5))
    if inputs.chance(0.05):
        domain = "d" * (1022 + inputs.below(5))
    return {
        "name": name,
        # What is unwritable is the business of another function.
        "value": re.sub("[\x00-\x1f\x7f]|[^\x00-\xff]", "", value),
        "deletes": False,
        "max_age": age if end < 0.4 else None,
        "fractional_age": age + inputs.random() if 0.4 < end < 0.5 else None,
        "expires_text": inputs.any_of([None, None, "", "Thu, 01 Jan 1970 00:00:00 GMT"]),
        "expires_at": now + age * 1_000_000 + inputs.below(3_000_000) - 1_500_000 if 0.5 < end < 0.7 else None,
        "path": path,
        "domain": domain,
        "same_site": inputs.any_of([*SAME_SITES[:-2], None, None]),
        "secure": inputs.chance(0.7),
        "http_only": inputs.chance(0.4),
        "now": now,
    }


STORED = ["sessionid", "a", "__Host-sessionid", "__host-a", "__Secure-a", "__SECURE-", "__Hosta", "x__Host-a", "__Host"]


def kept(case):
    """Why a browser does not keep what Django writes, by the specification."""
    (written,) = write({"calls": [case]})
    return next(refusals(written), None)


def site(inputs):
    return {
        "keys": inputs.any_of(KEYS),
        "legacy": inputs.any_of([None, False, True]),
        "name": inputs.any_of(NAMES) if inputs.chance(0.8) else inputs.text(6),
        "salt": inputs.any_of(["", "", "x", "é’", "1:x"]) if inputs.chance(0.8) else inputs.text(8),
    }


def signed(inputs):
    return {**site(inputs), "value": inputs.text(30), "now": some_now(inputs)}


def use(case):
    """The site's settings; an absent one has its default."""
    settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS = case["keys"]
    settings.SIGNED_COOKIE_LEGACY_SALT_FALLBACK = bool(case["legacy"])
    at(case["now"])


def question(op, field):
    def questions(case):
        signing_of_site = {"keys": hex_keys(case["keys"]), "version": "6.1", "legacy": case["legacy"]}
        names = ("name", "salt", field, "now", "max_age")
        return [{"op": op, "signing": signing_of_site, **{name: case[name] for name in names if name in case}}]

    return questions


def sign(case):
    use(case)
    response = HttpResponse()
    # The value alone: as a cookie it may be none.
    response.set_cookie = lambda name, value: setattr(response, "signed", value)
    response.set_signed_cookie(case["name"], case["value"], salt=case["salt"])
    return response.signed


def unsigned(inputs):
    case = site(inputs)
    then = some_now(inputs)
    now = then + inputs.any_of([0, 999_999, 10_000_000, inputs.below(10**12)])
    name, salt = case["name"], case["salt"]
    kind = inputs.random()
    if kind < 0.7:
        salt_of_signer = signing._cookie_signer_salt(name, salt)
    elif kind < 0.9:
        salt_of_signer = name + salt
    else:
        # Another cookie's, which reads the same when name and salt are put together.
        salt_of_signer = signing._cookie_signer_salt(name + salt, "") if inputs.chance(0.5) else salt + name
    settings.SECRET_KEY = inputs.any_of(case["keys"]) if inputs.chance(0.95) else "foreign"
    settings.SECRET_KEY_FALLBACKS = []
    at(then)
    # An empty salt stands for a default.
    text = signing.get_cookie_signer(salt=salt_of_signer or "x").sign(inputs.text(20))
    return {
        **case,
        "signed": inputs.mixed(text, hostile=0.05, mutated=0.2),
        "max_age": some_age(inputs, now, then - then % 1_000_000),
        "now": now,
    }


def unsign(case):
    use(case)
    names = {"cookie_name": case["name"], "salt": case["salt"], "max_age": case["max_age"]}
    return outcome(signing._unsign_cookie, case["signed"], **names)


def varying(inputs):
    names = [
        inputs.any_of(["Cookie", "cookie", "Accept", "COOKIE", "*", "Accept-Encoding", "", "Cookies", inputs.word(5)])
        for _ in range(inputs.below(4))
    ]
    text = inputs.any_of([", ", ",", " , "]).join(names)
    # Names of headers are ASCII.
    value = "".join([letter for letter in inputs.mixed(text, hostile=0.1, mutated=0.2) if " " <= letter <= "~"])
    return {"values": [value] if inputs.chance(0.9) else []}


def vary(case):
    response = HttpResponse()
    for value in case["values"]:
        response.headers["Vary"] = value
    before = [name for name in split_header_value("".join(case["values"])) if name.strip()]
    patch_vary_headers(response, ["Cookie"])
    after = response.headers["Vary"]
    if after == "*":
        return "everything"
    if "cookie" in [name.strip().lower() for name in before]:
        return "keep"
    return "add" if before else "cookie"


FUNCTIONS = [
    Function("vary by cookie", varying, lambda case: [{"op": "vary_by_cookie", **case}], vary),
    Function(
        "read the Cookie header",
        headers,
        lambda case: [{"op": "read_cookies", "headers": case["headers"], "name": case["name"]}],
        read,
        accepts=lambda outcome: outcome["cookies"] != [],
    ),
    Function(
        "write Set-Cookie", calls, lambda case: [{"op": "set_cookies", "calls": case["calls"]}], write, ours_written
    ),
    Function(
        "keep a cookie in a browser",
        storable,
        lambda case: [{"op": "cookie_refusal", **case}],
        kept,
        accepts=lambda outcome: outcome is None,
    ),
    Function("sign a cookie", signed, question("sign_cookie", "value"), sign),
    Function("unsign a cookie", unsigned, question("unsign_cookie", "signed"), unsign, ours_signed),
]

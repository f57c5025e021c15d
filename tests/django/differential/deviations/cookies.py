"""Cookies that deviate."""

import re

import cookies

from .entry import Deviation, Expected


def utf_8_under_asgi(case):
    if not case["asgi"] or all(byte < "8" for data in case["headers"] for byte in data[::2]):
        return None
    return {**case, "as_utf8": True}


def other_blanks(case):
    text = cookies.header_text(case)
    ours = [(name, value) for name, value in cookies.pairs_of(text, " \t") if name or value]
    if ours == [(name, value) for name, value in cookies.pairs_of(text) if name or value]:
        return None
    values = {name: cookies.unquoted(value) for name, value in ours}
    found = cookies.all_of(case["name"], ours)
    return Expected({"cookies": list(values.items()), "last": values.get(case["name"]), "all": found})


REFUSED = Expected({"error": "refused"})


def any_call(test):
    """A call that we refuse makes no cookie."""
    return lambda case: REFUSED if any(test(call) for call in case["calls"]) else None


def each_call(change):
    """The same calls with something changed in some."""

    def instead(case):
        calls = [change(call) or call for call in case["calls"]]
        return None if calls == case["calls"] else {**case, "calls": calls}

    return instead


def unwritable_value(call):
    return re.search("[\x00-\x1f\x7f]|[^\x00-\xff]", call["value"])


def unwritable_attribute(call):
    texts = (call["path"], call["domain"], call["expires_text"])
    return any(text and re.search("[^ -~]|;", text) for text in texts)


def two_ends(call):
    if call["expires_at"] is None or (call["max_age"] is None and call["fractional_age"] is None):
        return None
    return {**call, "expires_at": None}


def usual_same_site(call):
    usual = {"lax": "Lax", "strict": "Strict", "none": "None"}.get((call["same_site"] or "").lower())
    return {**call, "same_site": usual} if usual and usual != call["same_site"] else None


def prefix_of_another_case(call):
    if not call["deletes"] or call["name"].startswith(("__Secure-", "__Host-")):
        return None
    # As a deletion is written: an end in 1970 and no value.
    written = {"deletes": False, "max_age": 0, "expires_text": "Thu, 01 Jan 1970 00:00:00 GMT", "secure": True}
    return {**call, **written} if call["name"].lower().startswith(("__secure-", "__host-")) else None


def dates_out_of_range(case):
    return None if case.get("bounded") or not any(map(ends_out_of_range, case["calls"])) else {**case, "bounded": True}


def ends_out_of_range(call):
    age = call["max_age"] if call["max_age"] is not None else call["fractional_age"]
    if call["expires_at"] is not None or age is None:
        # Django adds a second to a moment.
        return call["expires_at"] is not None and call["expires_at"] > (cookies.LAST_SECOND - 1) * 1_000_000
    return not 0 <= call["now"] / 1_000_000 + age < cookies.LAST_SECOND


DEVIATIONS = [
    Deviation(
        "UTF-8 under ASGI",
        ("read the Cookie header",),
        "cookies are UTF-8, as they are for Django under WSGI; under ASGI it reads them as Latin-1",
        utf_8_under_asgi,
    ),
    Deviation(
        "other blanks",
        ("read the Cookie header",),
        "only space and tab are trimmed from cookies, as browsers do",
        other_blanks,
    ),
    Deviation(
        "a value that no cookie carries",
        ("write Set-Cookie",),
        "control characters and what is beyond Latin-1 are refused in values",
        any_call(unwritable_value),
    ),
    Deviation(
        "an attribute that is none",
        ("write Set-Cookie",),
        "attributes are ASCII and hold no semicolon",
        any_call(unwritable_attribute),
    ),
    Deviation(
        "a name that is an attribute's",
        ("write Set-Cookie",),
        "`Partitioned` is an attribute, from Python 3.14 on there too",
        any_call(lambda call: call["name"].lower() == "partitioned"),
        older_python=True,
    ),
    Deviation(
        "two ends",
        ("write Set-Cookie",),
        "of two ends of a cookie the later one counts; Django refuses to be given both",
        each_call(two_ends),
    ),
    Deviation(
        "another spelling of SameSite",
        ("write Set-Cookie",),
        "it is written as usual",
        each_call(usual_same_site),
    ),
    Deviation(
        "a prefix of another case",
        ("write Set-Cookie",),
        "browsers read prefixes in any case, and ignore such a deletion without Secure",
        each_call(prefix_of_another_case),
    ),
    Deviation(
        "a cookie that ends before 1970 or after 9999",
        ("write Set-Cookie",),
        "the nearer end of the calendar is written; Django raises or writes dates that no browser needs",
        dates_out_of_range,
    ),
]

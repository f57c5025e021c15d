"""Signatures that deviate."""

import math
import re
import zlib

from django.core import signing

from .entry import Deviation, Expected


def date_text(case):
    """What stands where a signed text has its date."""
    parts = case["signed"].rsplit(":", 2)
    return parts[1] if len(parts) == 3 else None


def impossible_date(case):
    text = date_text(case)
    if text is None:
        return None
    try:
        number = signing.b62_decode(text)
    except (ValueError, IndexError):
        return None
    if text == "-" or not -(2**63) <= number < 2**63:
        return Expected({"error": "malformed"})
    return None


def edge_of_an_age(case):
    """Within a microsecond of its limit, or what a float has of one: Django subtracts a date from a float."""
    if case["max_age"] is None or date_text(case) is None:
        return None
    try:
        then = signing.b62_decode(date_text(case))
    except (ValueError, IndexError):
        return None
    age = case["now"] - then * 1_000_000
    limit = round(case["max_age"] * 1_000_000)
    near = max(1, math.ulp(case["now"] / 1_000_000) * 1_000_000)
    if abs(age - limit) > near or case["now"] % 1_000_000 == 0 and isinstance(case["max_age"], int):
        return None
    # Clearly on the side where exact arithmetic has it.
    return {**case, "max_age": case["max_age"] + (-1 if age > limit else 1)}


def base64_of(text):
    return text.rsplit(":", 2)[0].removeprefix(".")


def stray_characters(field, outcome):
    """Python skips what is not of its alphabet, and reads that of plain base64 too."""

    def instead(case):
        text = base64_of(case[field])
        return None if re.fullmatch("[A-Za-z0-9_-]*", text) else Expected(outcome)

    return instead


def before_1970(case):
    # Python cuts the fraction off, we go to the second that has begun.
    if case["now"] >= 0 or case["now"] % 1_000_000 == 0:
        return None
    return {**case, "now": case["now"] - case["now"] % 1_000_000}


def barely_compressed(case):
    """Two deflates differ by some bytes, and compression is used from one byte on."""
    if not case["compress"]:
        return None
    saved = len(case["json"]) - len(zlib.compress(case["json"].encode()))
    if abs(saved - 1) > BYTES_BETWEEN_DEFLATES:
        return None
    # Django's choice the other way round.
    if saved > 1:
        return {**case, "compress": False}
    return Expected({"inflated": case["json"], "date": signing.b62_encode(case["now"] // 1_000_000)})


BYTES_BETWEEN_DEFLATES = 16


DEVIATIONS = [
    Deviation(
        "signed before 1970",
        ("sign with a date",),
        "before 1970 the second is rounded down, and not towards 1970",
        before_1970,
    ),
    Deviation(
        "a date that Django never signs",
        ("unsign with a date",),
        "a signed date of no digits or beyond 64 bits is none: only who has the key could sign it",
        impossible_date,
    ),
    Deviation(
        "the very microsecond of an age",
        ("unsign with a date", "loads", "unsign a cookie"),
        "ages are whole microseconds; Django subtracts floats, which are off by a fraction of one",
        edge_of_an_age,
    ),
    Deviation(
        "another deflate",
        ("dumps",),
        "our deflate differs by a few bytes, and so in what makes compression worth having",
        barely_compressed,
    ),
    Deviation(
        "signed text that is no base64",
        ("loads",),
        "Python skips characters that are none of base64; only who has the key could sign them",
        stray_characters("signed", {"error": "malformed"}),
    ),
    Deviation(
        "a session's text that is no base64",
        ("read a session's text",),
        "the same for sessions",
        stray_characters("text", {"error": "unreadable"}),
    ),
]

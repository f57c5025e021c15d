"""Moments and expiries that deviate."""

import datetime
import json
import math
import re

import expiry
import times

from .entry import Deviation, Expected

# What Python's reader takes besides is a slip of one version or another: `17:28.5`, `22:42:42:14`, a zone of 90 minutes,
# a week without its day and the hour behind a hyphen.
CLOCK = r"(\d\d(:\d\d(:\d\d([.,]\d+)?)?)?|\d\d(\d\d(\d\d([.,]\d+)?)?)?)"
ZONE = r"(\d\d(:[0-5]\d(:[0-5]\d([.,]\d+)?)?)?|\d\d([0-5]\d([0-5]\d([.,]\d+)?)?)?)"
DATE = r"(\d{4}-\d\d-\d\d|\d{8}|\d{4}-W\d\d-\d|\d{4}-W\d\d(?!-)|\d{4}W\d\d\d|\d{4}W\d\d(?!\d))"
ISO = re.compile(rf"{DATE}(.{CLOCK}(Z|[+-]{ZONE})?)?", re.ASCII | re.DOTALL)


def after_midnight(text):
    """The same with 24:00 as newer Pythons read it: 00:00 of the next day."""
    found = MIDNIGHT.fullmatch(text)
    if not found:
        return None
    try:
        date = datetime.date.fromisoformat(found["date"]) + datetime.timedelta(days=1)
    except (ValueError, OverflowError):
        return None
    return f"{date.isoformat()}T00:00:00{found['zone'] or ''}"


MIDNIGHT = re.compile(rf"(?P<date>{DATE}).24(:?00(:?00([.,]0+)?)?)?(?P<zone>Z|[+-]{CLOCK})?", re.ASCII | re.DOTALL)


def expiry_at_midnight(case):
    value = value_of(case)
    text = after_midnight(value) if isinstance(value, str) and ISO.fullmatch(value) else None
    return {**case, "expiry": json.dumps(text)} if text else None


def column_at_midnight(case):
    text = after_midnight(case["text"]) if ISO.fullmatch(case["text"]) else None
    return {**case, "text": text} if text else None


def value_of(case):
    return None if case["expiry"] is None else json.loads(case["expiry"])


def site_default(case):
    """The site's own age, and never the end of the browser."""
    return Expected({**expiry.lives({**case, "expiry": None}), "at_browser_close": False})


def no_moment(case):
    value = value_of(case)
    if isinstance(value, str):
        try:
            naive = datetime.datetime.fromisoformat(value).tzinfo is None
        except ValueError:
            naive = True
        return site_default(case) if naive or not ISO.fullmatch(value) else None
    garbage = isinstance(value, (list, dict)) or isinstance(value, float) and math.isnan(value)
    return site_default(case) if garbage else None


def out_of_range(case):
    """The first or the last moment of Python's dates stands for what lies beyond."""
    value = value_of(case)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value == 0 or value != value:
        return None
    # As floats count.
    end = case["now"] + (float(value) if abs(value) < 10**300 else math.copysign(math.inf, value)) * 1_000_000
    if times.FIRST <= end <= times.LAST:
        return None
    return ends_at(case, times.FIRST if value < 0 else times.LAST)


def ends_at(case, micros):
    row = times.write({"moment": micros})["sql"]
    age = (micros - case["now"]) // 1_000_000
    return Expected({"age": age, "date": micros, "row": row, "at_browser_close": False})


def part_of_a_second(case):
    """Ages are rounded down and not towards zero; either has ended."""
    value = value_of(case)
    if not isinstance(value, float) or not value < 0 or value == int(value):
        return None
    lives = expiry.lives(case)
    return Expected({**lives, "age": (lives["date"] - case["now"]) // 1_000_000})


def date_before_1970(case):
    if case["moment"] >= 0:
        return None
    return Expected({**times.write(case), "http": "Thu, 01 Jan 1970 00:00:00 GMT"})


def time_that_nobody_writes(case):
    """Django's own pattern, which is asked where Python finds no date."""
    try:
        datetime.datetime.fromisoformat(case["text"])
    except ValueError:
        return Expected(None)
    return None if ISO.fullmatch(case["text"]) else Expected(None)


DEVIATIONS = [
    Deviation(
        "an expiry at 24:00",
        ("how long a session lives",),
        "newer Pythons read it as the next midnight, and so do we",
        expiry_at_midnight,
        older_python=True,
    ),
    Deviation(
        "a column at 24:00",
        ("read SQLite's time",),
        "the same for columns",
        column_at_midnight,
        older_python=True,
    ),
    Deviation(
        "an expiry that is no moment",
        ("how long a session lives",),
        "the site's own age counts; Django raises, on every page of the visitor",
        no_moment,
    ),
    Deviation(
        "an expiry beyond the calendar",
        ("how long a session lives",),
        "the last moment there is, or the first; Django raises",
        out_of_range,
    ),
    Deviation(
        "a part of a second ago",
        ("how long a session lives",),
        "ages are rounded down and not towards zero",
        part_of_a_second,
    ),
    Deviation(
        "an HTTP date before 1970",
        ("write a moment",),
        "a cookie that ended before ended as well in 1970",
        date_before_1970,
    ),
    Deviation(
        "a time that nobody writes",
        ("read SQLite's time",),
        "Django tries a pattern of its own where Python reads no date; neither side writes such times",
        time_that_nobody_writes,
    ),
]

"""Moments as text: in cookies, in sessions and in SQLite's columns."""

from django.db import connection
from django.utils.http import http_date
from expiry import iso_text
from frozen import NOW, micros_of, moment
from function import Function, single

FIRST, LAST = -62_135_596_800_000_000, 253_402_300_799_999_999


def any_moment(inputs):
    kind = inputs.random()
    if kind < 0.5:
        micros = NOW + inputs.below(10**15)
    elif kind < 0.7:
        micros = inputs.below(4_000_000_000) * 1_000_000
    else:
        micros = inputs.randrange(FIRST, LAST + 1)
    return {"moment": micros}


def write(case):
    at = moment(case["moment"])
    return {
        "iso": at.isoformat(),
        "sql": connection.ops.adapt_datetimefield_value(at),
        # Whole seconds below: a float of this size has no room for microseconds.
        "http": http_date(case["moment"] // 1_000_000),
    }


def column(inputs):
    kind = inputs.random()
    if kind < 0.4:
        text = write(any_moment(inputs))["sql"]
    else:
        text = iso_text(inputs)
    return {"text": inputs.mixed(text, hostile=0.1, mutated=0.35)}


def read(case):
    try:
        found = connection.ops.convert_datetimefield_value(case["text"], None, connection)
    except (ValueError, OverflowError, AttributeError):
        # The last one stands for text in which Django finds no date.
        return None
    return None if found is None else micros_of(found)


FUNCTIONS = [
    Function("write a moment", any_moment, lambda case: [{"op": "time_write", **case}], write),
    Function(
        "read SQLite's time",
        column,
        lambda case: [{"op": "time_read", **case}],
        read,
        single,
        accepts=lambda outcome: outcome is not None,
    ),
]

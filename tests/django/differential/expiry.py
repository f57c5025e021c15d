"""How long a session lives: what it keeps under `_session_expiry`, and what follows from it."""

import datetime
import json

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import connection
from frozen import NOW, at, micros_of, moment, some_now
from function import Function, single


def iso_text(inputs):
    """A date in one of the many forms of ISO 8601, or nearly so."""
    then = moment(NOW + inputs.below(10**14) - 5 * 10**13 if inputs.chance(0.9) else inputs.below(250 * 10**15))
    kind = inputs.random()
    if kind < 0.5:
        return then.isoformat()
    zone = inputs.any_of(["Z", "+00:00", "+01:00", "-0530", "+23:59:59.999999", "+02", "", "-00:00", "+24:00"])
    if inputs.chance(0.02):
        return then.strftime("%Y-%m-%dT24:00:00") + zone
    shape = inputs.any_of(
        [
            "%Y-%m-%dT%H:%M:%S.%f",
            "%Y-%m-%d %H:%M:%S",
            "%Y%m%dT%H%M%S",
            "%Y-%m-%d",
            "%G-W%V-%u",
            "%GW%V",
            "%Y-%m-%dT%H:%M",
        ]
        + ["%Y-%m-%dT%H", "%Y-%m-%dx%H:%M:%S,%f", "%Y-%jT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.12345678"]
    )
    text = then.strftime(shape)
    return text + zone if "%H" in shape or inputs.chance(0.1) else text


def value_text(inputs):
    """The JSON of what may stand under the name."""
    kind = inputs.random()
    if kind < 0.25:
        return json.dumps(inputs.below(4_000_000) - 1000)
    if kind < 0.35:
        return inputs.any_of(["null", "0", "0.0", "-0.0", "true", "false", '""', "NaN", "Infinity", "[]", "{}"])
    if kind < 0.45:
        return json.dumps(inputs.any_of([inputs.random() * 10**6, -inputs.random() * 100, inputs.below(1000) + 0.5]))
    if kind < 0.5:
        return json.dumps(inputs.value())
    text = iso_text(inputs)
    return json.dumps(inputs.mutated(text) if inputs.chance(0.35) else text)


def kept(inputs):
    return {
        "expiry": value_text(inputs) if inputs.chance(0.95) else None,
        "age": inputs.any_of([1_209_600, 60, 0, 31_536_000]),
        "at_browser_close": inputs.chance(0.3),
        "now": some_now(inputs),
    }


def lives(case):
    at(case["now"])
    settings.SESSION_COOKIE_AGE = case["age"]
    settings.SESSION_EXPIRE_AT_BROWSER_CLOSE = case["at_browser_close"]
    session = SessionBase()
    session._session_cache = {} if case["expiry"] is None else {"_session_expiry": json.loads(case["expiry"])}
    date = session.get_expiry_date()
    return {
        # `Max-Age` is a whole number.
        "age": int(session.get_expiry_age()),
        "date": micros_of(date),
        "row": connection.ops.adapt_datetimefield_value(date),
        "at_browser_close": session.get_expire_at_browser_close(),
    }


def form(inputs, now):
    kind = inputs.below(6)
    if kind == 0:
        return inputs.any_of(["site_default", "at_browser_close"])
    if kind < 3:
        return {"seconds": inputs.any_of([0, 300, -5, inputs.below(10**9), inputs.randrange(-(10**12), 10**12)])}
    if kind < 5:
        return {"in_micros": inputs.any_of([0, 1, inputs.below(10**14), inputs.below(60) * 10**6])}
    return {"at": inputs.any_of([now, inputs.below(250 * 10**15), -inputs.below(10**15)])}


def asked(inputs):
    now = some_now(inputs)
    return {"form": form(inputs, now), "now": now}


FORMS = {
    "seconds": int,
    "in_micros": lambda micros: datetime.timedelta(microseconds=micros),
    "at": moment,
}


def set_expiry(case):
    at(case["now"])
    session = SessionBase()
    session._session_cache = {}
    form = case["form"]
    if isinstance(form, str):
        session.set_expiry({"site_default": None, "at_browser_close": 0}[form])
    else:
        ((kind, number),) = form.items()
        session.set_expiry(FORMS[kind](number))
    value = session.get("_session_expiry")
    return None if value is None else json.dumps(value)


def ours_kept(case, answers):
    answer = single(case, answers)
    return {name: answer[name] for name in ("age", "date", "row", "at_browser_close")} if "age" in answer else answer


FUNCTIONS = [
    Function("how long a session lives", kept, lambda case: [{"op": "expiry", **case}], lives, ours_kept),
    Function("set_expiry", asked, lambda case: [{"op": "expiry_set", **case}], set_expiry),
]

"""Sessions that deviate."""

import json
import re
import unicodedata

import sessions
from django.conf import settings
from django.core import signing
from frozen import at

from .entry import Deviation, Expected
from .signing import base64_of


def depth_of(text):
    depth = deepest = 0
    for bracket in re.findall(r'"(?:[^"\\]|\\.)*"|[][{}]', text):
        if bracket in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif bracket in "]}":
            depth -= 1
    return deepest


def deeper_than_900(case):
    try:
        key, *fallbacks = case["keys"]
        text = signing.loads(
            case["text"], key=key, fallback_keys=fallbacks, salt=sessions.SALT, serializer=sessions.Latin1
        )
    except Exception:
        return None
    return Expected({"error": "unreadable"}) if depth_of(text) > 900 else None


def control_in_key(case):
    controls = any(unicodedata.category(character) == "Cc" for character in case["text"])
    return Expected(False) if controls and len(case["text"]) >= 8 else None


def unreadable_cookie(case):
    text = case["value"]
    settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS = case["keys"]
    at(case["now"])
    try:
        data = signing.loads(text, salt=sessions.COOKIE_SALT, max_age=case["age"])
        readable = isinstance(data, dict) and re.fullmatch("[A-Za-z0-9_-]*", base64_of(text))
        readable = readable and depth_of(json.dumps(data)) <= 900
    except Exception:
        readable = False
    return None if readable else {**case, "value": ""}


DEVIATIONS = [
    Deviation(
        "deeper than 900 levels",
        ("read a session's text",),
        "where Python gives up depends on its version, and we stop before all of them",
        deeper_than_900,
    ),
    Deviation(
        "a control character in a session key",
        ("session key",),
        "no key has one, and a NUL makes Django on PostgreSQL answer 500",
        control_in_key,
    ),
    Deviation(
        "a cookie that holds no session",
        ("session in a cookie",),
        "what cannot be read is not replaced by an empty cookie, and not deleted",
        unreadable_cookie,
    ),
]

"""Sessions: their text, their keys and their expiry."""

import datetime
import json
import logging

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.contrib.sessions.models import Session
from django.core.signing import Signer, TimestampSigner, b64_encode
from django.db import connection
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from . import NOW
from .clock import stopped_at
from .signing import mock_time

SALT = "django.contrib.sessions.SessionStore"


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return {"deep": value}


DATA = [
    {},
    {"a": 1},
    {"a": None},
    {"": ""},
    {"n": "é\U0001f600\x7f"},
    {"é": "x’"},
    {"\x00": "\x00\x1f\b\f\n\r\t"},
    {'"': '\\"/'},
    {"a": "x" * 11},
    {"a": "x" * 12},
    {"a": "x" * 13},
    {"a": "x" * 2000},
    {f"k{i}": [i, str(i)] for i in range(200)},
    {"f": [1.0, 0.1, 1e16, 1e-07, -0.0, 1.5e300, 123456789.123456789, 5e-324, 1e22]},
    {"i": [0, -1, 2**53, 2**63, 2**64, -(2**64), 10**40, 10**400]},
    {"nan": float("nan"), "inf": float("inf"), "minus": float("-inf")},
    {"lone": "\ud800", "pair": "\ud83d\ude00", "low": "\udc00x"},
    nested(10),
    nested(127),
    nested(128),
    nested(800),
    {"list": [], "map": {}, "both": [{}, [], [{}]]},
    {"t": (1, 2, (3,))},
    {2: "int", 1.5: "float", True: "bool", None: "none"},
    {"b": [True, False, None]},
    {
        "_auth_user_id": "7",
        "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
        "_auth_user_hash": "e6d20eab3ea1aea48b74701b4383bbffbfada630abe944aa560fb2c88d7a7727",
    },
    {"_session_expiry": 300, "testcookie": "worked", "_csrftoken": "lcccccccX2kcccccccY2jcccccccssIC"},
    {"_messages": '[["__json_message",0,25,"Saved"]]'},
    {"z": 1, "a": 2, "m": 3},
    {"a": {"z": 1, "a": {"y": 1, "b": 2}}},
    {"<html>": "</script>&amp;'"},
    {"\u2028": "\u2029"},
    {"a": "\uffff\ufffe\U0010ffff"},
]


def encoded():
    rows = []
    for data in DATA:
        with mock_time(NOW):
            text = SessionStore().encode(data)
        rows.append({"json": SessionStore().serializer().dumps(data).decode("ascii"), "at": NOW, "text": text})
    return rows


class Heard(logging.Handler):
    """Remembers whether Django said that a session is corrupted."""

    corrupted = False

    def emit(self, record):
        self.corrupted = True


def signed(payload):
    with mock_time(NOW):
        return TimestampSigner(salt=SALT).sign(payload)


RAW = [
    b"{}",
    b" {} ",
    b"\t\n\r{}\n",
    b'{"a":1,"a":2}',
    b'{"a":{"b":1,"b":2},"a":3}',
    b'{"a":1}x',
    b'{"a":1,}',
    b"{,}",
    b"{'a':1}",
    b'{"a"}',
    b'{"a":}',
    b"{a:1}",
    b"[]",
    b"[1]",
    b"null",
    b"true",
    b"1",
    b'"text"',
    b"",
    b" ",
    b"\xef\xbb\xbf{}",
    '{"a":"é"}'.encode(),
    b'{"a":"\xe9"}',
    b'{"a":"\xff"}',
    b'{"a":"\x01"}',
    b'{"a":"\n"}',
    b'{"a":"\x7f"}',
    b'{"a":"\\ud800"}',
    b'{"a":"\\ud83d\\ude00"}',
    b'{"a":"\\uD83D\\uDE00"}',
    b'{"a":"\\u00zz"}',
    b'{"a":"\\x41"}',
    b'{"a":"\\/"}',
    b'{"a":"\\"}',
    b'{"a":NaN,"b":Infinity,"c":-Infinity}',
    b'{"a":nan}',
    b'{"a":+1}',
    b'{"a":01}',
    b'{"a":1.}',
    b'{"a":.5}',
    b'{"a":-0}',
    b'{"a":-}',
    b'{"a":1e5}',
    b'{"a":1E+5}',
    b'{"a":1e}',
    b'{"a":1e400}',
    b'{"a":1.0}',
    b'{"a":100000000000000000000000000000}',
    b'{"a":-0.0}',
    b'{"a":' + b"9" * 4300 + b"}",
    b'{"a":' + b"9" * 4301 + b"}",
    b'{"a" : [ 1 , 2 ] }',
    b'{"a":[1,]}',
    b'{"a":[,1]}',
    b'{"a":tru}',
    b'{"a":True}',
    b'{"a":"\\u0041"}',
    b'{"\\u0061":1}',
    b'{"a":1,"\\u0061":2}',
    b'{"":1}',
    b"{1:2}",
    b"{null:1}",
    b'{"a":1}\x00',
    b"\x00{}",
    b'{"a":/*c*/1}',
    b'{"a":1} {}',
    b"{}{}",
    b"{",
    b'{"a',
    b'{"a":"',
    b'{"a":[',
    b'{"a":' + b"[" * 900 + b"]" * 900 + b"}",
    b"\xc2\xa0{}",
    b"\x0c{}",
    b'{"a":\xa01}',
]


def decoded():
    with mock_time(NOW):
        good = SessionStore().encode({"a": 1, "_auth_user_id": "7"})
        packed = SessionStore().encode({"a": "x" * 500})
    texts = [signed(b64_encode(raw).decode()) for raw in RAW]
    payload, stamp, signature = packed.split(":")
    texts += [
        good,
        packed,
        good[:-1],
        good + "A",
        " " + good,
        good + " ",
        "",
        ":",
        "::",
        "garbage",
        "a:b:c",
        packed[1:],
        "." + good,
        good.upper(),
        f"{payload[:-8]}:{stamp}:{signature}",
        signed(payload[:-8]),
        signed("."),
        signed(".AAAA"),
        signed("%%%"),
        signed(""),
        signed("e30="),
        signed("e31"),
        signed("e"),
        signed("e3 0"),
        signed("ew.p9"),
        signed("é"),
        signed("e30")[:-2] + "xx",
    ]
    with mock_time(NOW):
        texts.append(TimestampSigner(salt="django.core.signing").sign("e30"))
        texts.append(TimestampSigner(salt=SALT, key="another key of someone else").sign("e30"))
    texts.append(Signer(salt=SALT).sign("e30"))
    logger = logging.getLogger("django.security.SuspiciousSession")
    rows = []
    for text in texts:
        heard = Heard()
        logger.addHandler(heard)
        row = {"text": text}
        try:
            data = SessionStore().decode(text)
            row["json"] = json.dumps(data, separators=(",", ":"))
            row["is_map"] = isinstance(data, dict)
        finally:
            logger.removeHandler(heard)
        row["bad_signature"] = heard.corrupted
        rows.append(row)
    return rows


def expiry():
    """What a stored `_session_expiry` means; `null` in the column `stored` is a session without one."""
    texts = [
        "2023-11-14T23:13:20+00:00",
        "2023-11-14T23:13:20Z",
        "2023-11-14 23:13:20+00:00",
        "2023-11-14T23:13:20.123456+00:00",
        "2023-11-14T23:13:20.5+00:00",
        "2023-11-14T23:13:20,5+00:00",
        "2023-11-14T23:13:20.1234567+00:00",
        "2023-11-14T23:13+00:00",
        "2023-11-14T23+00:00",
        "2023-11-14T23:13:20+02:00",
        "2023-11-14T23:13:20-0530",
        "2023-11-14T23:13:20+02",
        "2023-11-14T23:13:20+02:00:30",
        "2023-11-14T23:13:20+02:00:30.5",
        "2023-11-14T23:13:20-23:59",
        "2023-11-14T23:13:20+24:00",
        "20231114T231320Z",
        "20231114T231320.5+0000",
        "20231114231320Z",
        "20231114 231320Z",
        "2023-11-14T231320Z",
        "20231114T23:13:20Z",
        "2023-W46-2T23:13:20Z",
        "2023W462T231320Z",
        "2023-W46T00:00:00Z",
        "2023-318T00:00:00Z",
        "2023-11-14",
        "20231114",
        "2023-11-14T23:13:20",
        "2023-11-14T23:13:20.000001",
        "2023-11-14t23:13:20z",
        "2023-11-14x23:13:20Z",
        "2023-11-14T23:13:20 Z",
        " 2023-11-14T23:13:20Z",
        "2023-11-14T23:13:20Z ",
        "2023-11-14T24:00:00Z",
        "2023-11-14T23:13:60Z",
        "2023-11-31T00:00:00Z",
        "2023-13-01T00:00:00Z",
        "2024-02-29T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "10000-01-01T00:00:00Z",
        "2023-1-1",
        "23-11-14",
        "garbage",
        " ",
        "0",
        "300",
        "2023-11-14T23:13:20.Z",
        "2023-11-14T23:13:20.+00:00",
        "2023-11-14T23:1Z",
        "2023-11-14T",
        "T23:13:20Z",
        "２０２３-11-14T23:13:20Z",
        "2023-11-14T23:13:20+00:00Z",
        "2023-11-14T23:13:20−01:00",
        "2023-11-14T23:13:20.12Z",
        "2023-11-14T23:13:20.123Z",
        "2023-11-14T23:13:20.1234Z",
        "2000-01-01T00:00:00Z",
        "2023-11-14T22:13:20Z",
        "2023-11-14T22:13:19.5Z",
        "2023-11-14T22:13:20.5Z",
    ]
    stored = [
        None,
        0,
        0.0,
        False,
        True,
        "",
        300,
        1,
        -1,
        -300,
        0.5,
        4.99,
        -0.5,
        1e3,
        31536000,
        1209600,
        10**10,
        10**12,
        10**18,
        10**30,
        1e300,
        -(10**12),
        float("nan"),
        float("inf"),
        [],
        {},
        [1],
        {"a": 1},
        *texts,
    ]
    rows = []
    for value in stored:
        for now, close in ((NOW, False), (NOW + 0.75, False), (NOW, True)):
            if (now != NOW or close) and isinstance(value, str) and len(value) > 25:
                continue
            row = {
                "stored": None if value is None else json.dumps(value),
                "now": now,
                "cookie_age": 1209600,
                "expire_at_browser_close": close,
            }
            session = SessionStore()
            if value is not None:
                session["_session_expiry"] = value
            settings.SESSION_EXPIRE_AT_BROWSER_CLOSE = close
            with stopped_at(now):
                try:
                    row["age"] = json.dumps(session.get_expiry_age())
                except Exception as error:  # noqa: BLE001 — TypeError, ValueError, OverflowError
                    row["age_error"] = type(error).__name__
                try:
                    date = session.get_expiry_date()
                    row["date"] = json.dumps(date) if not isinstance(date, datetime.datetime) else date.isoformat()
                except Exception as error:  # noqa: BLE001
                    row["date_error"] = type(error).__name__
            row["at_browser_close"] = bool(session.get_expire_at_browser_close())
            settings.SESSION_EXPIRE_AT_BROWSER_CLOSE = False
            rows.append(row)
    return rows


def set_expiry():
    """What `set_expiry` stores. Durations count from now."""
    utc = datetime.UTC
    ahead = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
    cases = [
        ({"number": "0"}, 0),
        ({"number": "300"}, 300),
        ({"number": "-5"}, -5),
        ({"number": "1.5"}, 1.5),
        ({"number": "true"}, True),
        ({"number": "false"}, False),
        ({"none": True}, None),
        ({"seconds": 0}, datetime.timedelta(0)),
        ({"seconds": 300}, datetime.timedelta(seconds=300)),
        ({"seconds": 0.5}, datetime.timedelta(seconds=0.5)),
        ({"seconds": 86400 * 400}, datetime.timedelta(days=400)),
        ({"seconds": -60}, datetime.timedelta(seconds=-60)),
        ({"until": NOW}, datetime.datetime.fromtimestamp(NOW, tz=utc)),
        ({"until": NOW + 0.25}, datetime.datetime.fromtimestamp(NOW + 0.25, tz=utc)),
        ({"until": NOW, "offset": 19800}, datetime.datetime.fromtimestamp(NOW, tz=ahead)),
    ]
    rows = []
    for now in (NOW, NOW + 0.5):
        for described, value in cases:
            for before in (None, 60):
                session = SessionStore()
                session._session_cache = {} if before is None else {"_session_expiry": before}
                with stopped_at(now):
                    session.set_expiry(value)
                stored = session._session_cache.get("_session_expiry")
                rows.append(
                    {
                        **described,
                        "before": None if before is None else json.dumps(before),
                        "now": now,
                        "stored": None if stored is None else json.dumps(stored),
                        "modified": session.modified,
                    }
                )
    return rows


def keys():
    texts = [
        None,
        "",
        "a",
        "abcdefg",
        "abcdefgh",
        "a" * 32,
        "a" * 40,
        "a" * 41,
        "ABCDEFGH",
        "ééééééé",
        "éééééééé",
        "\U0001f600" * 7,
        "\U0001f600" * 8,
        "        ",
        "aaaaaaa ",
        "aaaaaaaa\x00",
        "aaaa/../../etc",
        "0",
        "00000000",
    ]
    rows = []
    for text in texts:
        row = {"key": text, "accepted": SessionStore(text).session_key is not None}
        if text and any(ord(letter) < 32 for letter in text):
            row["deviates"] = "control character"
        rows.append(row)
    return rows


def sql_text():
    moments = [
        0,
        1,
        NOW,
        NOW + 0.5,
        NOW + 0.000001,
        NOW + 0.999999,
        NOW + 0.1,
        951782400,
        4102444800,
        253402300799,
        -1,
        -62135596800,
    ]
    rows = []
    for at in moments:
        moment = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(
            microseconds=round(at * 1_000_000)
        )
        rows.append({"microseconds": round(at * 1_000_000), "text": connection.ops.adapt_datetimefield_value(moment)})
    return rows


def middleware():
    """What the session's middleware answers: cookies, Vary, and whether it saved."""
    views = {
        "nothing": lambda session: None,
        "read": lambda session: session.get("a"),
        "set": lambda session: session.__setitem__("b", 2),
        "delete": lambda session: session.pop("a", None),
        "clear": lambda session: session.clear(),
        "flush": lambda session: session.flush(),
        "cycle_key": lambda session: session.cycle_key(),
        "flush, set": lambda session: (session.flush(), session.__setitem__("b", 2)),
        "set, flush": lambda session: (session.__setitem__("b", 2), session.flush()),
        "set_expiry 300": lambda session: session.set_expiry(300),
        "set_expiry 0": lambda session: session.set_expiry(0),
        "set_expiry null": lambda session: session.set_expiry(None),
        "update {}": lambda session: session.update({}),
        "setdefault a": lambda session: session.setdefault("a", 9),
    }
    sent_keys = {
        "none": None,
        "live": "livelivelivelivelivelivelivelive",
        "unknown": "unknownunknownunknownunknownunkn",
        "expired": "expiredexpiredexpiredexpiredexpi",
        "short": "short",
        "empty": "",
    }
    rows = []
    for action, view in views.items():
        for sent, cookie in sent_keys.items():
            for status in (200, 302, 404, 500):
                if status != 200 and action not in ("read", "set", "flush", "nothing"):
                    continue
                with stopped_at(NOW):
                    Session.objects.all().delete()
                    for key, age in ((sent_keys["live"], 1000), (sent_keys["expired"], -1)):
                        expires = timezone.now() + datetime.timedelta(seconds=age)
                        Session.objects.create(
                            session_key=key, session_data=SessionStore().encode({"a": 1}), expire_date=expires
                        )
                    request = RequestFactory().get("/")
                    if cookie is not None:
                        request.COOKIES["sessionid"] = cookie

                    def respond(request, view=view, status=status):
                        view(request.session)
                        return HttpResponse(status=status)

                    try:
                        response = SessionMiddleware(respond)(request)
                    except SessionInterrupted:
                        response = None
                    kept = Session.objects.filter(session_key=sent_keys["live"]).first()
                    made = Session.objects.exclude(session_key__in=[sent_keys["live"], sent_keys["expired"]]).first()
                if response is None:
                    rows.append({"action": action, "sent": sent, "status": status, "error": "SessionInterrupted"})
                    continue
                header = response.cookies["sessionid"].OutputString() if "sessionid" in response.cookies else None
                if header and made:
                    header = header.replace(made.session_key, "NEW")
                if header:
                    header = header.replace(sent_keys["live"], "LIVE")
                rows.append(
                    {
                        "action": action,
                        "sent": sent,
                        "status": status,
                        "cookie": header,
                        "vary": response.headers.get("Vary"),
                        "live_record": json.dumps(kept.get_decoded(), separators=(",", ":")) if kept else None,
                        "new_record": json.dumps(made.get_decoded(), separators=(",", ":")) if made else None,
                    }
                )
    return rows


SECTIONS = {
    "session_encode": encoded,
    "session_decode": decoded,
    "session_expiry": expiry,
    "session_set_expiry": set_expiry,
    "session_keys": keys,
    "session_middleware": middleware,
    "sqlite_datetime": sql_text,
}

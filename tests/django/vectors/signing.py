"""`django.core.signing`: signatures, timestamps and objects."""

import json

from django.core import signing
from django.core.signing import Signer, TimestampSigner
from django.utils.crypto import salted_hmac

from . import NOW, SECRET
from .clock import stopped_at

SALT = "django.core.signing.Signer"
TIMESTAMP_SALT = "django.core.signing.TimestampSigner"


def key_fields(key):
    return {"secret": key} if isinstance(key, str) else {"secret_hex": key.hex()}


def salted_hmacs():
    rows = [
        ("salt", "value", "secret"),
        ("", "value", "secret"),
        ("salt", "", "secret"),
        ("sälz", "wört", "geheim’"),
        ("salt", "value", b"\xe7\x00\xff"),
        ("s" * 100, "v" * 1000, "k" * 200),
        ("sa", "value", "ltsecret"),
    ]
    return [
        {
            "salt": salt,
            "value": value,
            **key_fields(key),
            "hex": salted_hmac(salt, value, key, algorithm="sha256").hexdigest(),
        }
        for salt, value, key in rows
    ]


def sign():
    keys = ["k", SECRET, "geheim’", "x" * 200, b"\xe7", b"\x00\xff" * 32]
    values = ["hello", "", ":", "a:b:c", "é’\U0001f600", "\x00\n\x7f", "x" * 300]
    return [
        {**key_fields(key), "salt": salt, "value": value, "signed": Signer(key=key, salt=salt).sign(value)}
        for key in keys
        for value in values
        for salt in ([SALT, "é"] if key == "k" else [SALT])
    ]


def unsign():
    signed = Signer(key="k", salt=SALT).sign("hello")
    old = Signer(key="older", salt=SALT).sign("hello")
    oldest = Signer(key="oldest", salt=SALT).sign("a:b")
    raw = Signer(key=b"\xe7", salt=SALT).sign("hello")
    texts = [
        signed,
        old,
        oldest,
        raw,
        "",
        ":",
        "::",
        "hello",
        "hello:",
        f":{signed.split(':')[1]}",
        signed + "A",
        signed[:-1],
        signed + "=",
        signed[:-1] + "l",
        " " + signed,
        signed + " ",
        signed + "\n",
        signed.upper(),
        "hello:" + signed,
        "é:" + signed.split(":")[1],
        "hello:é",
        signed.replace(":", "::"),
        Signer(key="k", salt="other").sign("hello"),
    ]
    rows = []
    for fallbacks in ([], ["older"], ["wrong", "older", "oldest"]):
        signer = Signer(key="k", salt=SALT, fallback_keys=fallbacks)
        for text in texts:
            row = {"secret": "k", "fallbacks": fallbacks, "salt": SALT, "signed": text}
            try:
                row["value"] = signer.unsign(text)
            except signing.BadSignature as error:
                row["error"] = type(error).__name__
            rows.append(row)
    return rows


def timestamps():
    rows = []
    for at in (NOW, NOW + 0.999, 0, 61, 62, 3843, 3844, 1, 253402300799, 2**40, -1, -62):
        for value in ("hello", "", "a:b", "é"):
            with stopped_at(at) if -(2**31) < at < 253402300800 else mock_time(at):
                signed = TimestampSigner(key="k", salt=TIMESTAMP_SALT).sign(value)
            rows.append({"secret": "k", "salt": TIMESTAMP_SALT, "at": at, "value": value, "signed": signed})
    return rows


def mock_time(at):
    from unittest import mock

    return mock.patch("time.time", return_value=at)


def timestamps_read():
    def made(at, value="hello"):
        with mock_time(at):
            return TimestampSigner(key="k", salt=TIMESTAMP_SALT).sign(value)

    plain = Signer(key="k", salt=TIMESTAMP_SALT)
    cases = []
    for age, now in [
        (None, NOW),
        (0, NOW),
        (0, NOW + 0.001),
        (10, NOW + 10),
        (10, NOW + 10.001),
        (10, NOW + 11),
        (0.5, NOW + 0.5),
        (0.5, NOW + 0.75),
        (10, NOW - 100),
        (0, NOW - 1),
        (1209600, NOW + 1209600),
        (1209600, NOW + 1209601),
    ]:
        cases.append((made(NOW), age, now))
    for text in (
        "hello:é",
        "hello:!",
        "hello:",
        "hello:-",
        "hello:1r3 1eq",
        "hello: 1r31eq",
        "hello:001r31eq",
        "hello:-1r31eq",
        "hello:--1r31eq",
        "hello",
        "",
        "a:b:1r31eq",
        ":1r31eq",
        "hello:zzzzzzzzzzzzzz",
    ):
        for age in (None, 10):
            cases.append((plain.sign(text), age, NOW))
    for text in ("", "hello", "hello:1r31eq", "hello:1r31eq:", made(NOW)[:-1], made(NOW) + "A"):
        cases.append((text, None, NOW))
    rows = []
    for text, age, now in cases:
        row = {"secret": "k", "salt": TIMESTAMP_SALT, "signed": text, "max_age": age, "at": now}
        with mock_time(now):
            try:
                row["value"] = TimestampSigner(key="k", salt=TIMESTAMP_SALT).unsign(text, max_age=age)
            except Exception as error:  # noqa: BLE001 — Django lets several kinds through
                row["error"] = type(error).__name__
        rows.append(row)
    return rows


OBJECTS = [
    {},
    [],
    None,
    True,
    0,
    "",
    "text",
    {"a": 1},
    {"a": 1, "é": "x’"},
    {"a": "x" * 11},
    {"a": "x" * 12},
    {"a": "x" * 13},
    {"a": "x" * 200},
    {"a": {"b": [1, 2.5, None, True, "\U0001f600"]}},
    {f"k{i}": f"value {i}" for i in range(100)},
    [1.0, 1e16, 1e-7, -0.0, 10**30],
    '\x00\x1f\x7f\u0080\u2028"\\/',
    {"n": float("nan"), "i": float("inf"), "m": float("-inf")},
]


def objects():
    rows = []
    for thing in OBJECTS:
        text = signing.JSONSerializer().dumps(thing).decode("ascii")
        for compress in (False, True):
            with mock_time(NOW):
                signed = signing.dumps(thing, key=SECRET, salt="django.core.signing", compress=compress)
            rows.append(
                {
                    "secret": SECRET,
                    "salt": "django.core.signing",
                    "compress": compress,
                    "at": NOW,
                    "json": text,
                    "signed": signed,
                }
            )
    return rows


def objects_read():
    signer = TimestampSigner(key=SECRET, salt="django.core.signing")
    with mock_time(NOW):
        made = [signing.dumps({"a": "x" * n}, key=SECRET, compress=True) for n in (1, 200)]
        made += [
            signer.sign(payload)
            for payload in (
                "",
                ".",
                "e30",
                "e30=",
                "e3",
                "e",
                "%%%",
                "e30.",
                ".e30",
                "..",
                "bnVsbA",
                "W10",
                "e30g",
                "IHt9IA",
                "e31",
                "éé",
                ".eJyrrgUAAXUA-Q",
                ".eJyrrgUAAXUA-",
                ".eJyrrgUAAXUA-QAAAA",
                ".eJyrrgUAAXUA_Q",
                "eyJhIjoxLCJhIjoyfQ",
            )
        ]
    made += [
        made[0][:-1],
        made[0].replace(":", "!"),
        "",
        "garbage",
        "a:b:c",
        Signer(key=SECRET, salt="django.core.signing").sign("e30"),
    ]
    with mock_time(NOW):
        made.append(signing.dumps({}, key=SECRET, salt="another"))
    rows = []
    for text in made:
        for age, now in ((None, NOW), (10, NOW + 11)):
            row = {"secret": SECRET, "salt": "django.core.signing", "signed": text, "max_age": age, "at": now}
            with mock_time(now):
                try:
                    thing = signing.loads(text, key=SECRET, salt="django.core.signing", max_age=age)
                    row["json"] = json.dumps(thing, separators=(",", ":"))
                except Exception as error:  # noqa: BLE001 — base64, zlib and json raise their own
                    row["error"] = type(error).__name__
            rows.append(row)
    return rows


SECTIONS = {
    "salted_hmac": salted_hmacs,
    "sign": sign,
    "unsign": unsign,
    "timestamp_sign": timestamps,
    "timestamp_unsign": timestamps_read,
    "dumps": objects,
    "loads": objects_read,
}

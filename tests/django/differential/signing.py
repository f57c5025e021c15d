"""Signatures: plain, dated, and signed objects."""

import json
import zlib

from django.core import signing
from frozen import KEYS, at, hex_keys, some_age, some_now
from function import Function, single
from inputs import ALPHANUMERIC

SALTS = [
    "django.core.signing.Signer",
    "django.core.signing",
    "django.contrib.sessions.SessionStore",
    "django.contrib.sessions.backends.signed_cookies",
    "s",
    "é’😀",
    ":",
]


class Verbatim:
    """A serializer that shows the payload itself."""

    def dumps(self, text):
        return text.encode("latin-1")

    def loads(self, data):
        return data.decode("latin-1")


def keys_and_salt(inputs):
    salt = inputs.any_of(SALTS) if inputs.chance(0.8) else inputs.text()
    return {"keys": inputs.any_of(KEYS), "salt": salt}


def plain_signer(case):
    key, *fallbacks = case["keys"]
    return signing.Signer(key=key, fallback_keys=fallbacks, salt=case["salt"])


def dated_signer(case):
    key, *fallbacks = case["keys"]
    return signing.TimestampSigner(key=key, fallback_keys=fallbacks, salt=case["salt"])


def any_signer_of(inputs, case, kind):
    """One of the keys signs; sometimes another key or another salt."""
    key = inputs.any_of(case["keys"]) if inputs.chance(0.95) else "foreign"
    salt = case["salt"] if inputs.chance(0.97) else case["salt"] + "x"
    return kind(key=key, fallback_keys=[], salt=salt)


def asking(op, *names):
    """A question made of a case's fields."""

    def questions(case):
        return [{"op": op, "keys": hex_keys(case["keys"]), **{name: case[name] for name in ("salt", *names)}}]

    return questions


def outcome(function, *args, **kwargs):
    """What Django returns, or why it refuses. Text that its reader stumbles over is no more than malformed."""
    try:
        return function(*args, **kwargs)
    except signing.SignatureExpired:
        return {"error": "expired"}
    except signing.BadSignature:
        return {"error": "signature"}
    except (ValueError, IndexError, zlib.error, RecursionError):
        return {"error": "malformed"}


WORDS = {"mismatch": "signature", "no_separator": "signature", "no_timestamp": "malformed"}


def ours(case, answers):
    answer = single(case, answers)
    if isinstance(answer, dict) and "error" in answer:
        return {"error": WORDS.get(answer["error"], answer["error"])}
    return answer


def signed(inputs):
    return {**keys_and_salt(inputs), "value": inputs.text(40)}


def unsigned(inputs):
    case = keys_and_salt(inputs)
    if not case["salt"]:
        case["salt"] = "s"
    text = any_signer_of(inputs, case, signing.Signer).sign(inputs.text(40))
    return {**case, "signed": inputs.mixed(text, hostile=0.1, mutated=0.4)}


def dated(inputs):
    kind = inputs.random()
    now = -inputs.below(10**15) if kind < 0.02 else some_now(inputs)
    return {**keys_and_salt(inputs), "value": inputs.text(40), "now": now}


def sign_dated(case):
    at(case["now"])
    return dated_signer(case).sign(case["value"])


def date(inputs, then):
    """The text of a timestamp, seldom none of Django's."""
    if inputs.chance(0.85):
        return signing.b62_encode(then // 1_000_000)
    kind = inputs.below(4)
    if kind == 0:
        return signing.b62_encode(inputs.randrange(-(2**70), 2**70))
    if kind == 1:
        return "".join([inputs.any_of(ALPHANUMERIC) for _ in range(inputs.below(14))])
    if kind == 2:
        return inputs.any_of(["-", "", "0", "00", "-0", "--1", "_", "٣"])
    return inputs.hostile(8)


def undated(inputs):
    case = keys_and_salt(inputs)
    if not case["salt"]:
        case["salt"] = "s"
    then = some_now(inputs)
    dated = f"{inputs.text()}:{date(inputs, then)}" if inputs.chance(0.97) else inputs.text()
    text = any_signer_of(inputs, case, signing.Signer).sign(dated)
    now = then + inputs.any_of([0, 1, 999_999, 10_000_000, inputs.below(10**12), -inputs.below(10**9)])
    now = max(now, 0)
    return {
        **case,
        "signed": inputs.mixed(text, hostile=0.05, mutated=0.2),
        "max_age": some_age(inputs, now, then - then % 1_000_000),
        "now": now,
    }


def unsign_dated(case):
    at(case["now"])
    return outcome(dated_signer(case).unsign, case["signed"], max_age=case["max_age"])


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def dumped(inputs):
    value = inputs.object()
    if inputs.chance(0.3):
        value["long"] = inputs.any_of(["x", "ab ", inputs.word(8, 1)]) * inputs.below(60)
    return {**keys_and_salt(inputs), "json": compact(value), "compress": inputs.chance(0.5), "now": some_now(inputs)}


def dump(case):
    at(case["now"])
    text = dated_signer(case).sign_object(case["json"], serializer=Verbatim, compress=case["compress"])
    return parts_of(case, text)


def parts_of(case, text):
    """A compressed text is to be inflated and not compared; what signs it counts all the same."""
    if not text.startswith("."):
        return text
    payload = dated_signer(case).unsign_object(text, serializer=Verbatim)
    return {"inflated": payload, "date": text.split(":")[1]}


def ours_dumped(case, answers):
    return parts_of(case, single(case, answers))


def payload(inputs, data):
    """Base64 of bytes, compressed or not, sometimes damaged before it is signed."""
    compressed = inputs.chance(0.4)
    if compressed:
        data = zlib.compress(data, inputs.below(10))
        if inputs.chance(0.15):
            place = inputs.below(len(data))
            data = data[:place] + bytes([inputs.below(256)]) + data[place + inputs.below(3) :]
    text = signing.b64_encode(data).decode()
    if inputs.chance(0.15):
        text = inputs.mutated(text)
    return "." + text if compressed else text


def loaded(inputs):
    case = keys_and_salt(inputs)
    if not case["salt"]:
        case["salt"] = "s"
    then = some_now(inputs)
    now = max(0, then + inputs.any_of([0, 10_000_000, inputs.below(10**12)]))
    data = inputs.bytes_of(compact(inputs.object())) if inputs.chance(0.9) else inputs.randbytes(inputs.below(60))
    text = f"{payload(inputs, data)}:{signing.b62_encode(then // 1_000_000)}"
    text = any_signer_of(inputs, case, signing.Signer).sign(text)
    return {
        **case,
        "signed": inputs.mixed(text, hostile=0.05, mutated=0.15),
        "max_age": some_age(inputs, now, then - then % 1_000_000),
        "now": now,
    }


def load(case):
    at(case["now"])
    return outcome(dated_signer(case).unsign_object, case["signed"], serializer=Verbatim, max_age=case["max_age"])


FUNCTIONS = [
    Function("sign", signed, asking("sign", "value"), lambda case: plain_signer(case).sign(case["value"])),
    Function(
        "unsign",
        unsigned,
        asking("unsign", "signed"),
        lambda case: outcome(plain_signer(case).unsign, case["signed"]),
        ours,
    ),
    Function("sign with a date", dated, asking("sign_dated", "value", "now"), sign_dated),
    Function("unsign with a date", undated, asking("unsign_dated", "signed", "max_age", "now"), unsign_dated, ours),
    Function("dumps", dumped, asking("dumps", "json", "compress", "now"), dump, ours_dumped),
    Function("loads", loaded, asking("loads", "signed", "max_age", "now"), load, ours),
]

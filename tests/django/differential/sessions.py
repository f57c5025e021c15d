"""Sessions: text of rows, changes by name, keys, and sessions in the browser's own cookie."""

import json
import zlib

from django.conf import settings
from django.contrib.sessions.backends import base, signed_cookies
from django.core import signing
from frozen import KEYS, at, hex_keys, some_now
from function import Function, single
from inputs import NAMES
from signing import compact, payload

SALT = "django.contrib.sessions.SessionStore"
COOKIE_SALT = "django.contrib.sessions.backends.signed_cookies"


def json_text(inputs):
    """The text of a session: as Django writes it, as others might, damaged, or no object at all."""
    value = inputs.object() if inputs.chance(0.95) else inputs.value()
    kind = inputs.random()
    if kind < 0.5:
        return compact(value)
    if kind < 0.6:
        text = json.dumps(value, indent=inputs.below(3), separators=inputs.any_of([(" , ", " : "), (",\n", ":\t")]))
    elif kind < 0.7:
        # Raw UTF-8, which Django reads as Latin-1, and names that are there twice.
        text = json.dumps(value, ensure_ascii=False)
        text = f'{text[:-1]}{", " if value else ""}"a":1,"\\u0061":2}}' if text.endswith("}") else text
    elif kind < 0.98:
        text = inputs.mutated(compact(value))
    elif kind < 0.99:
        depth = inputs.any_of([10, 890, 899, 900, 901, 950])
        text = '{"a":' + "[" * depth + "]" * depth + "}"
    else:
        digits = inputs.any_of([4299, 4300, 4301])
        text = f'{{"a":{inputs.any_of(["", "-"])}{"7" * digits}{inputs.any_of(["", "", ".5", "e1"])}}}'
    return text


def stored(inputs):
    keys = inputs.any_of(KEYS)
    at(some_now(inputs))
    data = inputs.bytes_of(json_text(inputs))
    damaged = inputs.chance(0.1)
    text = payload(inputs, data) if damaged else plain_payload(inputs, data)
    key = inputs.any_of(keys) if inputs.chance(0.97) else "foreign"
    text = signing.TimestampSigner(key=key, salt=SALT).sign(text)
    return {"keys": keys, "text": inputs.mixed(text, hostile=0.03, mutated=0.07)}


def plain_payload(inputs, data):
    if inputs.chance(0.7):
        return signing.b64_encode(data).decode()
    return "." + signing.b64_encode(zlib.compress(data)).decode()


class Latin1:
    """Shows the text that is read as JSON."""

    def loads(self, data):
        return data.decode("latin-1")


class SessionStore(base.SessionBase):
    """Its name makes the salt."""


def decode(case):
    settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS = case["keys"]
    try:
        data = signing.loads(case["text"], salt=SessionStore().key_salt)
    except Exception:  # As `decode` does, which takes the session for empty then.
        return {"error": "unreadable"}
    if not isinstance(data, dict):
        # Django hands on whatever it is, and stumbles over it where a name is asked for.
        return {"error": "unreadable"}
    entries = [[lossy(name), compact(value)] for name, value in data.items()]
    return {"json": compact(data), "entries": entries}


def lossy(text):
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def ours_decoded(case, answers):
    answer = single(case, answers)
    if "error" in answer:
        return {"error": "unreadable"}
    data = json.loads(answer["json"])
    entries = []
    for (raw, name), (own, value) in zip(answer["entries"], data.items(), strict=True):
        # A name with a lone surrogate cannot be asked for, and is kept.
        same = lossy(own) == own
        entries.append([name, compact(json.loads(raw) if same else value)])
    return {"json": compact(data), "entries": entries}


def number_text(inputs):
    return repr(
        inputs.any_of([inputs.random() * float(f"1e{inputs.below(620) - 320}"), float(inputs.below(10**6)), -0.0])
    )


def change(inputs):
    name = inputs.name()
    kind = inputs.below(12)
    if kind < 3:
        return {"set": [name, compact(plain(inputs, 0))]}
    if kind == 3:
        return {"set_float": [name, number_text(inputs)]}
    if kind < 7:
        text = compact(inputs.value())
        return {"set_raw": [name, inputs.mutated(text) if inputs.chance(0.4) else text]}
    if kind < 10:
        return {"remove": name}
    if kind == 10 and inputs.chance(0.3):
        return "clear"
    return {"add": [name, inputs.any_of([1, -1, inputs.below(1000), 2**63 - 1, -(2**63)])]}


def plain(inputs, depth):
    """What JSON itself knows, without the numbers that only Python writes."""
    kind = inputs.below(7 if depth < 2 else 5)
    if kind == 0:
        return inputs.any_of([None, True, False])
    if kind == 1:
        return inputs.any_of([inputs.below(1000), -inputs.below(1000), 2**64 - 1, -(2**63), 0.5, 1e16, -0.0])
    if kind < 5:
        return inputs.text()
    if kind == 5:
        return [plain(inputs, depth + 1) for _ in range(inputs.below(4))]
    return {inputs.name(): plain(inputs, depth + 1) for _ in range(inputs.below(4))}


def changed(inputs):
    data = inputs.object()
    if inputs.chance(0.5):
        data[inputs.any_of(NAMES)] = inputs.below(1000) if inputs.chance(0.7) else inputs.number()
    # What makes and removes a name matters most when it does so twice.
    return {"json": compact(data), "changes": [change(inputs) for _ in range(inputs.below(6))]}


def carry_out(session, changes):
    """On a mapping, as a view would; whether each could be done."""
    made = []
    for one in changes:
        if one == "clear":
            session.clear()
            made.append(True)
            continue
        ((kind, arguments),) = one.items()
        if kind == "remove":
            made.append(arguments in session)
            session.pop(arguments, None)
            continue
        name, argument = arguments
        if kind == "add":
            value = session.get(name, 0)
            good = type(value) is int and -(2**63) <= value < 2**63 and -(2**63) <= value + argument < 2**63
            if good:
                session[name] = value + argument
        else:
            try:
                session[name] = json.loads(argument)
                good = True
            except (ValueError, RecursionError):
                good = False
        made.append(good)
    return made


def carried_out(case):
    data = json.loads(case["json"])
    made = carry_out(data, case["changes"])
    return {"json": compact(data), "made": made}


def ours_changed(case, answers):
    answer = single(case, answers)
    if answer["unreadable"]:
        return {"error": "unreadable"}
    # What a handler gives as raw text stays as it was given; everything else is Django's to the letter.
    raw = any("set_raw" in one for one in case["changes"])
    text = compact(json.loads(answer["json"])) if raw else answer["json"]
    return {"json": text, "made": answer["made"]}


def key(inputs):
    text = inputs.word(32, 32) if inputs.chance(0.4) else inputs.word(12, 5)
    return {"text": inputs.mixed(text, hostile=0.2, mutated=0.3)}


def in_cookie(inputs):
    settings.SECRET_KEY = inputs.any_of(keys := inputs.any_of(KEYS))
    settings.SECRET_KEY_FALLBACKS = []
    age = inputs.any_of([1_209_600, 1_209_600, 60, 0, 10**9])
    then = some_now(inputs)
    at(then)
    data = inputs.bytes_of(compact(inputs.object())) if inputs.chance(0.9) else inputs.bytes_of(json_text(inputs))
    text = signing.TimestampSigner(salt=COOKIE_SALT).sign(plain_payload(inputs, data))
    now = then + inputs.any_of([0, 1_000_000, 59_000_000, inputs.below(10**12), inputs.below(2 * 10**12)])
    changes = [change(inputs) for _ in range(inputs.below(3))]
    if inputs.chance(0.2):
        changes.append({"set_raw": ["_session_expiry", inputs.any_of(["0", "300", "null", "-5"])]})
    return {
        "keys": keys,
        "age": age,
        "at_browser_close": inputs.chance(0.3),
        "value": inputs.mixed(text, hostile=0.05, mutated=0.1),
        "changes": changes,
        "now": now,
    }


def visit(case):
    """What the middleware does with the cookie of a request, every request being saved."""
    settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS = case["keys"]
    settings.SESSION_COOKIE_AGE = case["age"]
    settings.SESSION_EXPIRE_AT_BROWSER_CLOSE = case["at_browser_close"]
    at(case["now"])
    session = signed_cookies.SessionStore(case["value"])
    data = session._session
    # A key that is too short is none, and a cookie that cannot be read asks for a new one.
    read = None if session.modified or session.session_key is None else compact(data)
    carry_out(data, case["changes"])
    changed = compact(data)
    if session.is_empty():
        return {"read": read, "changed": changed, "kept": "deleted" if case["value"] else "untouched"}
    return {"read": read, "changed": changed, "kept": changed, "max_age": lasts(session, data)}


def lasts(session, data):
    """Every form of expiry has its own function; here are the ones that whole numbers make."""
    if not asks_for_seconds(data):
        return "whatever"
    return None if session.get_expire_at_browser_close() else session.get_expiry_age()


def asks_for_seconds(data):
    value = data.get("_session_expiry")
    return value is None or type(value) is int and abs(value) < 10**9


def ours_visited(case, answers):
    answer = single(case, answers)
    if "error" in answer:
        return answer
    written = answer["written"]
    read = answer["read"] and compact(json.loads(answer["read"]))
    data = json.loads(answer["changed"])
    if not isinstance(written, dict):
        return {"read": read, "changed": compact(data), "kept": written}
    # Django itself reads what we wrote.
    settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS = case["keys"]
    at(case["now"])
    kept = compact(signing.loads(written["value"], salt=COOKIE_SALT, max_age=10))
    max_age = written["max_age"] if asks_for_seconds(data) else "whatever"
    return {"read": read, "changed": compact(data), "kept": kept, "max_age": max_age}


def with_keys(op):
    return lambda case: [{"op": op, **case, "keys": hex_keys(case.get("keys", KEYS[0]))}]


FUNCTIONS = [
    Function(
        "read a session's text",
        stored,
        lambda case: [{"op": "data_decode", "salt": SALT, "text": case["text"], "keys": hex_keys(case["keys"])}],
        decode,
        ours_decoded,
    ),
    Function("change a session", changed, with_keys("data_changed"), carried_out, ours_changed),
    Function(
        "session key",
        key,
        lambda case: [{"op": "key_parse", **case}],
        lambda case: bool(SessionStore()._validate_session_key(case["text"])),
        accepts=bool,
    ),
    Function(
        "session in a cookie",
        in_cookie,
        with_keys("data_in_cookie"),
        visit,
        ours_visited,
        accepts=lambda outcome: outcome.get("read") is not None,
    ),
]

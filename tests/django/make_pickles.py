#!/usr/bin/env python3
"""Writes crates/core/tests/vectors/pickles.json: sessions as this Python pickles them, and their JSON text.

Run it with any Python that runs Django. The rows are the same for all of them.
"""

import datetime
import decimal
import json
import pickle
import pickletools
import sys
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "crates/core/tests/vectors/pickles.json"

REPEATED = "a text that stands in many places"
SHARED = [1, 2]


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return {"deep": value}


# What JSON has, or what its writer turns into that.
SESSIONS = [
    {},
    {"a": 1},
    {"a": None, "b": True, "c": False},
    {"i": [0, 1, -1, 255, 256, 65535, 65536, -(2**31), 2**31 - 1, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 2**64]},
    {"long": [10**40, -(10**40), 10**620, -(10**700), 10**2000, 2**2039, 2**2040, -(2**2047)]},
    {"f": [1.0, 0.1, 1e16, 1e-07, -0.0, 1.5e300, 123456789.123456789, 5e-324, 1e22]},
    {"nan": float("nan"), "inf": float("inf"), "minus": float("-inf")},
    {"é": "x’", "n": "\U0001f600\x7f", "\x00": "\x00\x1f\b\f\n\r\t", '"': '\\"/', "\u2028": "\u2029"},
    {"lone": "\ud800", "low": "\udc00x", "mixed": "é\udfff\U0010ffff"},
    {"backslash": "\\u0041 \\\\u0041 \\U00000041 \\", "": ""},
    {"short": "x" * 255, "long": "x" * 256, "longer": "é" * 300},
    {"list": [], "map": {}, "both": [{}, [], [{}]], "tuple": (), "one": (1,), "two": (1, 2), "three": (1, 2, 3)},
    {"four": (1, 2, 3, 4), "nested": ((1, [2, (3,)]), {"a": (4,)})},
    {"keys": {1: "int", 1.5: "float", False: "bool", None: "none", "1": "text", 2**70: "long"}},
    {1: "a", "b": 2, None: 3, 1.5: 4, False: 5},
    {"repeated": [REPEATED] * 5, REPEATED: {REPEATED: REPEATED}, "shared": [SHARED, SHARED, (SHARED,)]},
    # Python puts no more than a thousand at once into a dict or a list.
    {f"k{i}": i for i in range(1001)},
    {"many": list(range(1001)), "rows": [{"id": i, "name": str(i)} for i in range(20)]},
    nested(10),
    nested(300),
    {
        "_auth_user_id": "7",
        "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
        "_auth_user_hash": "e6d20eab3ea1aea48b74701b4383bbffbfada630abe944aa560fb2c88d7a7727",
        "_session_expiry": 300,
    },
]

# What Python reads and no JSON holds.
OTHERS = [
    {"b": b"bytes"},
    {"b": bytearray(b"bytes")},
    {"s": {1, 2}},
    {"s": frozenset([1])},
    {"d": datetime.datetime(2023, 11, 14, 22, 13, 20)},
    {"d": decimal.Decimal("1.5")},
    {"c": 1j},
    {"function": len},
    {("a", 1): "a key that is a tuple"},
    {"keys": {(1,): 1}},
    {1: "one", "1": "the same name"},
    {"range": range(3)},
    [1],
    "text",
    1,
    None,
]


def rows():
    for session in [*SESSIONS, *OTHERS]:
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            text = None
            if any(session is known for known in SESSIONS):
                text = json.dumps(session, separators=(",", ":"))
            pickled = pickle.dumps(session, protocol)
            for made in {pickled, pickletools.optimize(pickled)} if len(pickled) < 5000 else {pickled}:
                yield {"protocol": protocol, "pickle": made.decode("latin-1"), "json": text}


def main():
    sys.set_int_max_str_digits(0)
    made = sorted(rows(), key=lambda row: (row["protocol"], row["json"] or "", row["pickle"]))
    text = ",\n ".join(json.dumps(row, sort_keys=True) for row in made)
    FILE.write_text(f"[\n {text}\n]\n")
    print(f"{FILE.name}: {len(made)} rows, {FILE.stat().st_size // 1024} kB", file=sys.stderr)


if __name__ == "__main__":
    main()

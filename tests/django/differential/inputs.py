"""Random inputs: what is valid, what is nearly so, and what is hostile."""

import random

# Each stands for a rule of some parser: separators, quotes, blanks of every kind, other scripts' digits, alphabets that
# look like another's, and what browsers drop.
SPECIAL = [
    *":;=,.\"'\\/?#@[]()<>{}|^`~!$%&*+-_ \t\n\r\0",
    *"\x01\x08\x0b\x0c\x1b\x1c\x1d\x1e\x1f\x7f\x80\x85\x9f\xa0\xad\xff",
    *"éß’€ÄÑıſK\u0130\u0300\u0378\u0660\u0661\u1680\u180e\u2000\u200a\u200b\u200e\u2028\u2029\u202a\u202f\u205f",
    *"\u2060\u2100\u2488\u3000\ufb00\ufeff\ufffd\uffff\uff0f\uff11\uff1a\uff20\uff21\ue000",
    *"\U0001f600\U0001d7d8\U000e0001\U0010ffff",
    *["//", "///", "\\\\", "::", "..", "%00", "%2F", "%0a", "==", '""', "; ", "--", "&&", "\\054", "\\u0061", "\r\n"],
    *["null", "NaN", "Infinity", "-0", "1e400", "true"],
]
ALPHANUMERIC = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
# Texts of one alphabet read in another.
SWAPS = [
    str.maketrans("-_", "+/"),
    str.maketrans("+/", "-_"),
    str.maketrans("abcxyzABCXYZ", "ABCXYZabcxyz"),
    str.maketrans("0123456789", "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19"),
    str.maketrans("\\/", "/\\"),
    str.maketrans("\"'", "'\""),
]


class Inputs(random.Random):
    """Python's generator, so that a seed gives the same cases again."""

    def below(self, number):
        return int(self.random() * number)

    def chance(self, share):
        return self.random() < share

    def any_of(self, things):
        return things[int(self.random() * len(things))]

    def word(self, most=12, least=0):
        return "".join([self.any_of(ALPHANUMERIC) for _ in range(least + self.below(most - least + 1))])

    def character(self):
        kind = self.random()
        if kind < 0.45:
            return self.any_of(SPECIAL)
        if kind < 0.85:
            return chr(0x20 + self.below(0x5F))
        if kind < 0.95:
            return chr(self.below(0x250))
        while True:
            # A lone surrogate is no text in Rust; bytes that stand for one are made where bytes are.
            code = self.below(0x110000)
            if not 0xD800 <= code < 0xE000:
                return chr(code)

    def hostile(self, most=24):
        return "".join([self.character() for _ in range(self.below(most + 1))])

    def text(self, most=16):
        """Mostly harmless text."""
        kind = self.random()
        if kind < 0.6:
            return self.word(most)
        if kind < 0.8:
            return "".join([chr(0x20 + self.below(0x5F)) for _ in range(self.below(most + 1))])
        return self.hostile(most)

    def mutated(self, text):
        """One to three slips in a text."""
        for _ in range(1 + self.below(3)):
            place = self.below(len(text) + 1)
            kind = self.below(9)
            if kind == 0:
                text = text[:place] + self.character() + text[place + 1 :]
            elif kind == 1:
                text = text[:place] + self.character() + text[place:]
            elif kind == 2:
                text = text[:place] + text[place + 1 + self.below(3) :]
            elif kind == 3:
                text = text[:place]
            elif kind == 4:
                text = text.translate(self.any_of(SWAPS))
            elif kind == 5:
                other = self.below(len(text) + 1)
                text = text[:place] + text[other:]
            elif kind == 6:
                text = text[:place] + text[place + 1 : place + 2] + text[place : place + 1] + text[place + 2 :]
            elif kind == 7:
                end = place + 1 + self.below(4)
                text = text[:end] + text[place:end] + text[end:]
            else:
                text = self.character() + text if self.chance(0.5) else text + self.character()
        return text

    def mixed(self, valid, hostile=0.15, mutated=0.35):
        """A valid text, one with slips, or none of the kind."""
        kind = self.random()
        if kind < hostile:
            return self.hostile()
        if kind < hostile + mutated:
            return self.mutated(valid)
        return valid

    def bytes_of(self, text):
        """The text's UTF-8, sometimes with bytes that are none."""
        data = text.encode()
        if self.chance(0.15):
            for _ in range(1 + self.below(3)):
                place = self.below(len(data) + 1)
                data = data[:place] + self.any_of(BROKEN) + data[place + self.below(2) :]
        return data

    # Values as Python's JSON writes them.

    def number(self):
        kind = self.below(9)
        if kind < 4:
            return self.below(1000) - 300
        if kind == 4:
            return self.randrange(-(2**63), 2**64)
        if kind == 5:
            return self.randrange(-(10**40), 10**40)
        if kind == 6:
            return self.any_of([0.0, -0.0, 0.1, 1e15, 1e16, 1e22, 1e-4, 1e-5, 5e-324, 1.7976931348623157e308, 1.5e300])
        if kind == 7:
            return self.random() * 10.0 ** (self.below(40) - 20)
        return self.any_of([float("nan"), float("inf"), -float("inf"), 2**63, -(2**63), 2**64, 10**15])

    def value(self, depth=0):
        kind = self.below(8 if depth < 3 else 5)
        if kind == 0:
            return self.any_of([None, True, False])
        if kind in (1, 2):
            return self.number()
        if kind in (3, 4):
            return self.text()
        if kind == 5:
            return [self.value(depth + 1) for _ in range(self.below(4))]
        return self.object(depth + 1)

    def name(self):
        return self.any_of(NAMES) if self.chance(0.6) else self.text(8)

    def object(self, depth=0):
        return {self.name(): self.value(depth) for _ in range(self.below(5))}


NAMES = ["a", "b", "cart", "_auth_user_id", "_auth_user_hash", "_session_expiry", "_csrftoken", "é", "/", "", "a b"]
# Bytes that are no UTF-8: lone continuations, overlong forms, surrogates, cut sequences, what was never assigned.
BROKEN = [
    b"\x80",
    b"\xbf",
    b"\xc0\xaf",
    b"\xc3",
    b"\xe2\x80",
    b"\xed\xa0\x80",
    b"\xed\xb0\x80",
    b"\xf0\x9f\x98",
    b"\xf4\x90\x80\x80",
    b"\xf8\x88",
    b"\xfe",
    b"\xff",
    b"\xe2\x80\x80",
]

"""Multipart forms that we do not read, because not everybody reads them in the same way.

The rules are written here once more, over the whole body and with regular expressions: a form that they find plain must
be read as Django reads it.
"""

import re
from urllib.parse import unquote_to_bytes

from multipart import FIELD

from .entry import Deviation, Expected

VALUE = rb'"(?P<quoted>(?:[^"]|(?<=\\)")*)(?<!\\)"|(?P<bare>[!#-:=?-\[\]-~]+)'
PARAMETER = re.compile(rb" *; *(?P<name>[A-Za-z0-9_*-]+)=(?:" + VALUE + rb")(?= *(?:;|$))")
HEADER = re.compile(rb"(?P<name>[A-Za-z0-9_-]+):(?P<value>[^\x00-\x1f\x7f]*)")
ENCODINGS = (b"7bit", b"8bit", b"binary")


class Odd(Exception):
    """Somebody might read it otherwise."""


class SecondToken(Exception):
    pass


class Cut(Exception):
    """The body ends within the token."""


def parameters(text):
    """Names in lower case and values, and whether these stand in quotes."""
    found, place = [], 0
    while text[place:].strip(b" "):
        match = PARAMETER.match(text, place)
        if not match:
            raise Odd
        quoted = match["quoted"] is not None
        found.append((match["name"].lower(), match["quoted"] if quoted else match["bare"], quoted))
        place = match.end()
    return found


def single(found, name):
    values = [(value, quoted) for known, value, quoted in found if known == name]
    if len(values) > 1:
        raise Odd
    return values[0] if values else None


def boundary(content_type):
    text = content_type.encode("latin-1")
    kind, rest = text[:19], text[19:]
    if kind != b"multipart/form-data" or len(text) > 1024 or re.search(rb"[^ -~]", rest):
        raise Odd
    found = parameters(rest)
    between = single(found, b"boundary")
    charsets = [value.lower() for name, value, _ in found if name == b"charset"]
    if any(b"*" in name for name, _, _ in found) or any(charset != b"utf-8" for charset in charsets):
        raise Odd
    if between is None or not re.fullmatch(rb"[A-Za-z0-9'()+_,\-./:=?]{1,200}", between[0]):
        raise Odd
    return between[0]


def keeps_a_name(filename):
    rest = re.split(r"[/\\]", filename)[-1]
    if "&" in rest:
        if "&#" in rest:
            return False
        rest = re.sub(r"&+[A-Za-z0-9]*", "", rest.split(";")[-1])
    return any(
        ("!" <= character <= "~" and character != ".") or (character > "\x7f" and character.isalnum())
        for character in rest
    )


def is_token(value):
    found = parameters(value[len("form-data") :])
    if any(b"*" in name and name != b"filename*" for name, _, _ in found):
        raise Odd
    name, file, extended = [single(found, name) for name in (b"name", b"filename", b"filename*")]
    if name is None:
        raise Odd
    empty = file is not None and file[0] == b"" and extended is None
    if file is not None and not empty and not keeps_a_name(file[0].decode()):
        raise Odd
    if extended is not None:
        match = re.fullmatch(rb"(?i:utf-8)''([^']*)", extended[0])
        try:
            named = match and not extended[1] and keeps_a_name(unquote_to_bytes(match[1]).decode())
        except UnicodeDecodeError:
            named = False
        if not named:
            raise Odd
    bare = re.sub(rb'[ \\"<>]', b"", name[0]) == FIELD.encode()
    if not bare:
        return False
    if name[0] != FIELD.encode() or file is not None or extended is not None:
        raise Odd
    return True


def is_token_part(headers):
    try:
        headers.decode()
    except UnicodeDecodeError:
        raise Odd from None
    first, *lines = headers.split(b"\r\n")
    kinds, encodings = [], []
    for line in lines:
        match = HEADER.fullmatch(line)
        if not match:
            raise Odd
        name, value = match["name"].lower(), match["value"].strip(b" ")
        if name == b"content-disposition":
            if value[:9].lower() != b"form-data":
                raise Odd
            kinds.append(is_token(value))
        elif name == b"content-transfer-encoding":
            encodings.append(value.lower())
        elif re.search(rb"\*[=0-9]", value):
            raise Odd
    if first or len(kinds) != 1 or len(encodings) > 1 or any(one not in ENCODINGS for one in encodings):
        raise Odd
    return kinds[0]


def token(case):
    """The token of a plain form, or what is odd about it."""
    between = b"--" + boundary(case["content_type"])
    body = case["body"].encode("latin-1")
    preamble, *parts = body.split(between)
    if not parts:
        raise Odd
    if preamble not in (b"", b"\r\n"):
        raise Odd
    found = None
    for place, part in enumerate(parts):
        last = place == len(parts) - 1
        if part.startswith(b"--"):
            if not last or part[2:].strip(b"\r\n") or len(part) > 6:
                raise Odd
            break
        if not part.startswith(b"\r\n") and (len(part) > 1 or not last):
            raise Odd
        end = part[:1024].find(b"\r\n\r\n")
        if end < 0:
            rest = between.join(parts[place:])
            if len(rest) >= 1024 or b"\r\n\r\n" in rest:
                raise Odd
            break
        ours = is_token_part(part[:end])
        content = part[end + 4 :]
        if ours and found is not None:
            raise SecondToken
        if last:
            if ours:
                raise Cut
            break
        if not content.endswith(b"\r\n"):
            raise Odd
        if ours:
            found = content[:-2]
    return found


def when(kind):
    def instead(case):
        try:
            token(case)
        except kind:
            return Expected(None)
        except Exception:  # It is odd in another way.
            return None
        return None

    return instead


FUNCTIONS = ("form token of a multipart body",)
DEVIATIONS = [
    Deviation(
        "a multipart form that is not plain", FUNCTIONS, "whoever reads it behind us may find another token", when(Odd)
    ),
    Deviation(
        "a second token in a form",
        FUNCTIONS,
        "Django takes the last, which is not the one that was checked",
        when(SecondToken),
    ),
    Deviation("a form that breaks off in its token", FUNCTIONS, "nobody knows whether the token is whole", when(Cut)),
]

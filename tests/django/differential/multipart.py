"""The CSRF token in a multipart body, whatever the pieces in which it comes."""

import io

from django.core.files.uploadhandler import FileUploadHandler
from django.core.handlers.wsgi import WSGIRequest
from function import Function
from inputs import ALPHANUMERIC

FIELD = "csrfmiddlewaretoken"


def text_of(value):
    """What can be a token, and one word for the rest: of long values only the beginning is kept."""
    if value is None:
        return None
    return value if value.isascii() and len(value) <= 64 else "no token"


def latin(text):
    """Its UTF-8, each byte a character: bodies are bytes, and JSON has none."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


BOUNDARIES = [
    "XX",
    "a",
    "aab",
    "-",
    "----WebKitFormBoundary7MA4YWxkTrZu0gW",
    "---------------------------974767299852498929531610575",
    "----=_Part_1_2.3",
    "9431149156168",
]


def boundary(inputs):
    return inputs.any_of(BOUNDARIES) if inputs.chance(0.9) else inputs.any_of(ALPHANUMERIC) * (1 + inputs.below(250))


def content_type(inputs, between):
    kind = inputs.random()
    if kind < 0.7:
        return f"multipart/form-data; boundary={between}"
    if kind < 0.78:
        return f'multipart/form-data;boundary="{between}"'
    if kind < 0.84:
        return f"multipart/form-data; charset={inputs.any_of(['utf-8', 'UTF-8'])}; Boundary={between}"
    if kind < 0.92:
        return inputs.any_of(ODD_TYPES).replace("XX", between)
    return latin(inputs.mutated(f"multipart/form-data; boundary={between}"))


ODD_TYPES = [
    "multipart/form-data",
    "Multipart/Form-Data; boundary=XX",
    "multipart/form-data; boundary=XX; boundary=YY",
    "multipart/form-data; boundary=YY; boundary=XX",
    "multipart/form-data; boundary*=UTF-8''XX",
    "multipart/form-data; boundary*0=X; boundary*1=X",
    "multipart/form-data; boundary=<XX>",
    'multipart/form-data; boundary=\\"XX\\"',
    'multipart/form-data; x=";"; boundary=XX',
    'multipart/form-data; x="\\";boundary=YY"; boundary=XX',
    'multipart/form-data; x="\\\\"; boundary=XX',
    "multipart/form-data; boundary=XX; charset=utf-16",
    "multipart/form-data; boundary=XX; charset=latin-1",
    "multipart/form-data; boundary=XX; charset=none",
    "multipart/form-data; boundary = XX",
    "multipart/form-data; boundary=XX;",
    "multipart/form-data boundary=XX",
    "multipart/mixed; boundary=XX",
    "application/x-www-form-urlencoded",
]
NAMES = ["a", "file", "next", "csrf", "csrfmiddlewaretoken2", "имя", "a b", "a;b=c", 'a\\"b', "a\\\\", "", "files[]"]
FILENAMES = [
    "b.txt",
    "фото.jpg",
    "C:\\dir\\b.txt",
    "a;b.txt",
    'a\\"b\\".txt',
    "b%22.txt",
    "Tom & Jerry.txt",
    "R&B.mp3",
    "&copy.txt",
    "a&#47;",
    "a&sol;",
    "&amp;",
    "&nbsp",
    ".",
    "..",
    "/",
    "b/",
    "b\\.",
    " ",
    "\u200b",
    "\u0378",
    "...",
]
ODD_DISPOSITIONS = [
    f'form-data; name=" {FIELD}"',
    f'form-data; name="{FIELD} "',
    f'form-data; name="\\{FIELD}"',
    f'form-data; name="<{FIELD}>"',
    f"form-data; name=<{FIELD}>",
    f"form-data; name='{FIELD}'",
    f"form-data; name*=UTF-8''{FIELD}",
    f"form-data; name*0=csrf; name*1={FIELD[4:]}",
    f"form-data; name=a; name={FIELD}",
    f"form-data; name={FIELD}; name=a",
    f'form-data; name="a\\\\"; name="{FIELD}"',
    f'form-data; filename="a\\\\"; name="{FIELD}"',
    f'form-data; filename="a\\"; name="{FIELD}"',
    f"form-data; name={FIELD}; filename=",
    f'form-data; name={FIELD}; filename=""',
    f"form-data; name={FIELD}; filename=a",
    f"form-data; name={FIELD}; filename*=UTF-8''a",
    f"form-data; name={FIELD}; filename*=UTF-8''",
    f"form-data; name={FIELD}; x*=none''a",
    f"form-data; name={FIELD}; x*=a; x*0=b",
    f"form-data; name = {FIELD}",
    f"form-data; name\t= {FIELD}",
    f"form-data;name={FIELD};",
    f"form-data; NAME={FIELD}",
    f'form-data; name="{FIELD}"x',
    f'form-data; name={FIELD}"',
    f"attachment; name={FIELD}",
    f"name={FIELD}",
    f"; name={FIELD}",
    f'form-data\r\n ; name="{FIELD}"',
    f"form-data; name={FIELD}\r\nContent-Disposition: form-data; name=a",
    f"form-data; name=a\r\nContent-Disposition: form-data; name={FIELD}",
    f"form-data; name=a\r\nContent-Disposition : form-data; name={FIELD}",
    f"form-data; name=a\ncontent-disposition: form-data; name={FIELD}",
    'form-data; filename="a.txt"',
    "form-data",
    "",
]
EXTRA = [
    "",
    "",
    "",
    "\r\nContent-Type: text/plain",
    "\r\nContent-Type: application/octet-stream",
    "\r\nContent-Type: */*",
    "\r\nContent-Type: text/plain; charset=utf-16",
    "\r\nContent-Type: text/plain; charset*=x''y",
    "\r\nContent-Transfer-Encoding: binary",
    "\r\nContent-Transfer-Encoding: base64",
    "\r\nContent-Transfer-Encoding: 8BIT",
    "\r\nContent-Transfer-Encoding: quoted-printable",
    "\r\nContent-Length: 12",
    "\r\nX",
    "\r\nX: y;z",
    "\r\nX: " + "y" * 900,
    "\r\nX: " + "y" * 1000,
]


def disposition(inputs):
    kind = inputs.random()
    if kind < 0.1:
        return inputs.any_of(ODD_DISPOSITIONS) if inputs.chance(0.3) else f"form-data; name={FIELD}"
    name = inputs.any_of(NAMES) if inputs.chance(0.8) else inputs.text()
    text = f'form-data; name="{name}"'
    if kind < 0.5:
        return text
    names = FILENAMES if inputs.chance(0.3) else FILENAMES[:8]
    file = inputs.any_of(names) if inputs.chance(0.9) else inputs.text()
    if kind < 0.85:
        return f'{text}; filename="{file}"'
    if kind < 0.9:
        return f'{text}; filename=""'
    return f"{text}; filename=\"b\"; filename*=UTF-8''{inputs.any_of(['b.txt', '%D1%84', '%2E', '', '%2Fa'])}"


def content(inputs, between):
    kind = inputs.random()
    if kind < 0.4:
        return inputs.text()
    if kind < 0.5:
        return "x" * inputs.below(5000)
    # What looks like the end of a part.
    near = ["\r\n", "--", "\r", "\n", "-", between[:-1], between[0], "\r\n--", "\r\n--" + between[:-1], "a", "\r\n\r\n"]
    return "".join([inputs.any_of(near) for _ in range(inputs.below(30))])


def token_part(inputs):
    """As a browser writes it, or the value of somebody else."""
    value = "".join([inputs.any_of(ALPHANUMERIC) for _ in range(inputs.any_of([32, 64]))])
    if inputs.chance(0.1):
        value = inputs.mixed(value)
    extra = inputs.any_of(EXTRA) if inputs.chance(0.06) else ""
    return f'Content-Disposition: form-data; name="{FIELD}"{extra}\r\n\r\n{value}'


def other_part(inputs, between, odd):
    extra = inputs.any_of(EXTRA if inputs.chance(odd) else EXTRA[:7])
    what = disposition(inputs) if inputs.chance(odd) else f'form-data; name="{inputs.any_of(NAMES[:7])}"'
    return f"Content-Disposition: {what}{extra}\r\n\r\n{content(inputs, between)}"


def form(inputs):
    between = boundary(inputs)
    odd = inputs.any_of([0.05, 0.05, 0.5])
    parts = [other_part(inputs, between, odd) for _ in range(inputs.below(4))]
    for _ in range(inputs.any_of([0, 1, 1, 1, 1, 1, 1, 1, 2])):
        parts.insert(inputs.below(len(parts) + 1), token_part(inputs))
    lines = [f"--{between}\r\n{part}\r\n" for part in parts]
    text = latin("".join(lines) + f"--{between}--" + inputs.any_of(["\r\n", "\r\n", "", "\r\n\r\n"]))
    if inputs.chance(0.04):
        text = latin(inputs.any_of(["\r\n", "x\r\n", " ", parts[0] + "\r\n" if parts else ""])) + text
    if inputs.chance(0.04):
        text += latin(inputs.any_of(["x", "\r\n\r\n", lines[0] if lines else "", "\n" * 6]))
    if inputs.chance(0.15):
        text = latin_only(inputs.mutated(text))
    if inputs.chance(0.03):
        text = text.replace("\r\n", "\n", inputs.any_of([1, -1]))
    cuts = sorted([inputs.below(len(text) + 1) for _ in range(inputs.below(12))])
    if inputs.chance(0.1):
        cuts = list(range(len(text)))
    return {
        "content_type": content_type(inputs, between),
        "body": text,
        "cuts": cuts,
        # Django's own is the first; with smaller ones its parser has to put more together.
        "chunk": inputs.any_of([65536, 65536, 4096, 1024, 300]),
    }


def latin_only(text):
    return "".join([character if character < "\u0100" else latin(character) for character in text])


def read(case):
    body = case["body"].encode("latin-1")
    FileUploadHandler.chunk_size = case["chunk"]
    request = WSGIRequest(
        {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/",
            "CONTENT_TYPE": case["content_type"],
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
    )
    try:
        return text_of(request.POST.get(FIELD))
    finally:
        request.close()


def ask(case):
    return [{"op": "csrf_multipart", **{name: case[name] for name in ("content_type", "body", "cuts")}}]


def ours(case, answers):
    (answer,) = answers
    # Whatever is wrong with the form, it has no token.
    return text_of(answer.get("answer"))


FUNCTIONS = [
    Function(
        "form token of a multipart body",
        form,
        ask,
        read,
        ours,
        accepts=lambda outcome: isinstance(outcome, str) and outcome.isalnum(),
    )
]

"""Password hashes: made, verified, outdated, malformed."""

from django.contrib.auth.hashers import (
    MD5PasswordHasher,
    PBKDF2PasswordHasher,
    PBKDF2SHA1PasswordHasher,
    check_password,
    is_password_usable,
    must_update_salt,
)

SALT = "seasalt1234567890abcdef"
DEFAULT_SALT = "abcdefghijklmnopqrstuv"
PREFERRED_ITERATIONS = 3


class Quick(PBKDF2PasswordHasher):
    """The default hasher with a cost at which a table of vectors takes no time."""

    iterations = PREFERRED_ITERATIONS


class QuickSha1(PBKDF2SHA1PasswordHasher):
    iterations = PREFERRED_ITERATIONS


PASSWORDS = [
    b"l\xc3\xa8tmein",
    b"",
    b" ",
    b"a",
    b"with space ",
    b"\x00",
    b"a\x00b",
    b"\xff\xfe",
    b"x" * 63,
    b"x" * 64,
    b"x" * 65,
    b"x" * 128,
    b"x" * 4096,
    "密码\U0001f600".encode(),
]


def made():
    rows = []
    for password in PASSWORDS:
        for salt, iterations in ((SALT, 1), (DEFAULT_SALT, 2), ("s", 3), ("é", 1), ("x" * 200, 1)):
            row = {"password_hex": password.hex(), "salt": salt, "iterations": iterations}
            try:
                row["encoded"] = PBKDF2PasswordHasher().encode(password, salt, iterations)
            except Exception as error:  # noqa: BLE001
                row["error"] = type(error).__name__
            rows.append(row)
    rows.append(
        {
            "password_hex": PASSWORDS[0].hex(),
            "salt": SALT,
            "iterations": 10_000,
            "encoded": PBKDF2PasswordHasher().encode(PASSWORDS[0], SALT, 10_000),
        }
    )
    for salt in ("", "a$b", "$"):
        row = {"password_hex": PASSWORDS[0].hex(), "salt": salt, "iterations": 1}
        try:
            row["encoded"] = PBKDF2PasswordHasher().encode(PASSWORDS[0], salt, 1)
        except Exception as error:  # noqa: BLE001
            row["error"] = type(error).__name__
        rows.append(row)
    return rows


def verified():
    """`check_password` with PBKDF2 at three rounds preferred: whether it is right, and whether the hash was renewed."""

    def encode(iterations, salt=DEFAULT_SALT, password="secret"):
        return PBKDF2PasswordHasher().encode(password, salt, iterations)

    good = encode(3)
    digest = good.rsplit("$", 1)[1]
    sha1 = PBKDF2SHA1PasswordHasher().encode("secret", DEFAULT_SALT, 3)
    one = encode(1).rsplit("$", 1)[1]
    encodings = [
        good,
        encode(1),
        encode(2),
        encode(4),
        encode(3, "short"),
        encode(3, "a" * 21),
        encode(3, "a" * 22),
        encode(3, "a" * 23),
        encode(3, "é" * 22),
        encode(2, "short"),
        sha1,
        PBKDF2SHA1PasswordHasher().encode("secret", DEFAULT_SALT, 7),
        MD5PasswordHasher().encode("secret", DEFAULT_SALT),
        "",
        "!",
        "!" + "a" * 40,
        "!" + good,
        "$",
        "$$",
        "$$$",
        "garbage",
        "pbkdf2_sha256",
        "pbkdf2_sha256$",
        "pbkdf2_sha256$$$",
        "pbkdf2_sha256$3",
        "pbkdf2_sha256$3$" + DEFAULT_SALT,
        f"pbkdf2_sha256$3${DEFAULT_SALT}$",
        f"pbkdf2_sha256${DEFAULT_SALT}$3${digest}",
        f"pbkdf2_sha256$x${DEFAULT_SALT}${digest}",
        f"pbkdf2_sha256$-3${DEFAULT_SALT}${digest}",
        f"pbkdf2_sha256$+3${DEFAULT_SALT}${digest}",
        f"pbkdf2_sha256$03${DEFAULT_SALT}${digest}",
        f"pbkdf2_sha256$ 3${DEFAULT_SALT}${digest}",
        f"pbkdf2_sha256$3 ${DEFAULT_SALT}${digest}",
        f"pbkdf2_sha256$3.0${DEFAULT_SALT}${digest}",
        f"pbkdf2_sha256$1_0${DEFAULT_SALT}${digest}",
        f"pbkdf2_sha256$٣${DEFAULT_SALT}${digest}",
        f"pbkdf2_sha256$0${DEFAULT_SALT}${digest}",
        f"pbkdf2_sha256$00${DEFAULT_SALT}${digest}",
        f"pbkdf2_sha256$0${DEFAULT_SALT}${one}",
        f"pbkdf2_sha256$${DEFAULT_SALT}${digest}",
        f"pbkdf2_sha256$3$${digest}",
        f"pbkdf2_sha256$010${DEFAULT_SALT}${encode(10).rsplit('$', 1)[1]}",
        good + "$",
        good + "$x",
        good[:-1],
        good + "=",
        good + " ",
        good + "\n",
        " " + good,
        good.replace("=", ""),
        good[:-2] + "A=",
        good.upper(),
        good.replace("pbkdf2_sha256", "PBKDF2_SHA256"),
        good.replace("pbkdf2_sha256", "pbkdf2_sha512"),
        f"pbkdf2_sha256$3${DEFAULT_SALT}$é",
        f"pbkdf2_sha256$3${DEFAULT_SALT}$" + "A" * 1000,
        sha1.replace("pbkdf2_sha1", "pbkdf2_sha256"),
        good.replace("pbkdf2_sha256", "pbkdf2_sha1"),
        "5ebe2294ecd0e0f08eab7690d2a6ee69",
        "md5$$5ebe2294ecd0e0f08eab7690d2a6ee69",
        "sha1$$e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4",
        "sha1$salt$x",
        "crypt$$x",
        "unknown$1$2$3",
        "bcrypt$",
        "é$a$b",
        "\x00$a$b",
        good.replace("$", "\x00"),
        "secret",
        "plain text",
    ]
    rows = []
    for encoded in encodings:
        for password in ("secret", "wrong", "", "secret\x00"):
            if password in ("", "secret\x00") and encoded not in (good, "", "!", "garbage"):
                continue
            renewed = []
            row = {"preferred_iterations": PREFERRED_ITERATIONS, "password": password, "encoded": encoded}
            try:
                row["correct"] = check_password(password, encoded, renewed.append)
                row["renewed"] = bool(renewed)
            except Exception as error:  # noqa: BLE001 — malformed text raises whatever it meets
                row["error"] = type(error).__name__
            rows.append(row)
    return rows


def usable():
    return [
        {"encoded": encoded, "usable": is_password_usable(encoded)}
        for encoded in (None, "", "!", "!x", "x", "unknown$x", " !")
    ]


def weak_salts():
    return [
        {"salt": salt, "weak": must_update_salt(salt, 128)}
        for salt in ("", "a", "a" * 21, "a" * 22, "a" * 23, "é" * 21, "é" * 22)
    ]


def defaults():
    return [{"iterations": PBKDF2PasswordHasher.iterations, "salt_length": len(PBKDF2PasswordHasher().salt())}]


SECTIONS = {
    "password_make": made,
    "password_verify": verified,
    "password_usable": usable,
    "password_weak_salt": weak_salts,
    "password_defaults": defaults,
}

"""Password hashes: made, verified, outdated, damaged."""

from django.contrib.auth import hashers
from function import Function

ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class Bounded(hashers.PBKDF2PasswordHasher):
    """Django's, but a row that asks for millions of rounds does not stop this run."""

    def encode(self, password, salt, iterations=None):
        return super().encode(password, salt, iterations if iterations is None else min(iterations, MOST))


# Beyond the rounds of any case; what a damaged row asks for is bounded on both sides.
MOST = 100_000
PREFERRED = Bounded()
BY_ALGORITHM = {
    False: {"pbkdf2_sha256": PREFERRED},
    True: {"pbkdf2_sha256": PREFERRED, "md5": hashers.MD5PasswordHasher()},
}


def password(inputs):
    kind = inputs.random()
    if kind < 0.6:
        return inputs.text(20).encode()
    if kind < 0.7:
        return inputs.randbytes(inputs.below(20))
    return b"x" * inputs.any_of([0, 55, 63, 64, 65, 127, 128, 200])


def salt(inputs):
    kind = inputs.random()
    if kind < 0.6:
        return inputs.word(22, 22)
    if kind < 0.9:
        return inputs.word(30, 1)
    return inputs.hostile(25).replace("$", "") or "s"


def made(inputs):
    text = inputs.any_of(["", "$", "a$b"]) if inputs.chance(0.05) else salt(inputs)
    return {"password": password(inputs).hex(), "salt": text, "iterations": 1 + inputs.below(12)}


def make(case):
    try:
        return PREFERRED.encode(bytes.fromhex(case["password"]), case["salt"], case["iterations"])
    except ValueError:
        return {"error": "salt"}


def checked(inputs):
    preferred = 1 + inputs.below(6)
    secret = password(inputs)
    rounds = preferred if inputs.chance(0.5) else 1 + inputs.below(10)
    kind = inputs.random()
    if kind < 0.85:
        encoded = PREFERRED.encode(secret, salt(inputs), rounds)
    elif kind < 0.95:
        encoded = hashers.MD5PasswordHasher().encode(secret, salt(inputs))
    else:
        encoded = inputs.any_of(OTHERS)
    if inputs.chance(0.06):
        # Other spellings of the rounds.
        encoded = encoded.replace(f"${rounds}$", f"${inputs.any_of(ROUNDS).replace('3', str(rounds))}$", 1)
    given = secret if inputs.chance(0.85) else password(inputs)
    return {
        "password": given.hex(),
        "encoded": inputs.mixed(encoded, hostile=0.03, mutated=0.25),
        "iterations": preferred,
        "accepts_md5": inputs.chance(0.5),
    }


def hashers_of(case):
    """The list that the judge is asked with: PBKDF2 is preferred, salted MD5 may verify."""
    pbkdf2 = {"hasher": "pbkdf2_sha256", "options": {"iterations": case["iterations"]}}
    return [pbkdf2, {"hasher": "md5"}] if case.get("accepts_md5") else [pbkdf2]


def question(op, case, **more):
    asked = {name: case[name] for name in ("password", "salt", "encoded") if name in case}
    return [{"op": op, **asked, "hashers": hashers_of(case), **more}]


ROUNDS = ["03", "+3", "-3", " 3", "3 ", "3_0", "\u0663", "\uff13", "0", "", "3.0", "99999999999999999999", "4294967297"]
OTHERS = [
    "",
    "!",
    "!abcdef",
    "plain",
    "5f4dcc3b5aa765d61d8327deb882cf99",
    "md5$$5f4dcc3b5aa765d61d8327deb882cf99",
    "sha1$salt$x",
    "pbkdf2_sha1$3$salt$x",
    "argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdA$aGFzaA",
    "bcrypt_sha256$$2b$12$x",
    "scrypt$16384$salt$8$5$x",
    "pbkdf2_sha256",
    "pbkdf2_sha256$",
    "pbkdf2_sha256$$$",
    "pbkdf2_sha256$3$salt",
    "md5$",
    "md5$salt",
]


def check(case):
    PREFERRED.iterations = case["iterations"]
    by_algorithm = BY_ALGORITHM[case["accepts_md5"]]
    hashers.get_hashers = lambda: [PREFERRED]
    hashers.get_hashers_by_algorithm = lambda: by_algorithm
    correct, outdated = hashers.verify_password(bytes.fromhex(case["password"]), case["encoded"])
    return ("outdated" if outdated else "correct") if correct else "wrong"


def column(inputs):
    text = (
        inputs.any_of(OTHERS) if inputs.chance(0.5) else "!" + inputs.word(40) if inputs.chance(0.5) else inputs.text()
    )
    return {"encoded": inputs.mixed(text)}


FUNCTIONS = [
    Function("make a hash", made, lambda case: question("password_make", case), make, full=300_000, quick=5_000),
    Function(
        "verify a password",
        checked,
        lambda case: question("password_verify", case, most=MOST),
        check,
        accepts=lambda outcome: outcome in ("correct", "outdated"),
        full=300_000,
        quick=5_000,
    ),
    Function(
        "usable password",
        column,
        lambda case: [{"op": "password_usable", **case}],
        lambda case: hashers.is_password_usable(case["encoded"]),
        accepts=bool,
    ),
]

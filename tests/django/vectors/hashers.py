"""Every hasher of this release: hashes made, verified, outdated, damaged."""

import re

from django.contrib.auth import hashers

SALT = "seasalt1234567890abcdef"
EXACT = "abcdefghijklmnopqrstuv"
BCRYPT_SALT = "abcdefghijklmnopqrstuu"

# By class, at costs at which a table of vectors takes no time.
COSTS = {
    "PBKDF2PasswordHasher": {"iterations": 3},
    "PBKDF2SHA1PasswordHasher": {"iterations": 3},
    "Argon2PasswordHasher": {"time_cost": 2, "memory_cost": 16, "parallelism": 2},
    "BCryptSHA256PasswordHasher": {"rounds": 5},
    "BCryptPasswordHasher": {"rounds": 5},
    "ScryptPasswordHasher": {"work_factor": 8, "block_size": 2, "parallelism": 2},
    "MD5PasswordHasher": {},
    "SHA1PasswordHasher": {},
    "UnsaltedMD5PasswordHasher": {},
    "UnsaltedSHA1PasswordHasher": {},
}
# What a hash of the same algorithm may cost otherwise.
OTHER_COSTS = {
    "PBKDF2PasswordHasher": [{"iterations": 2}, {"iterations": 4}],
    "PBKDF2SHA1PasswordHasher": [{"iterations": 2}, {"iterations": 4}],
    "Argon2PasswordHasher": [{"time_cost": 1}, {"memory_cost": 24}, {"parallelism": 1}],
    "BCryptSHA256PasswordHasher": [{"rounds": 4}, {"rounds": 6}],
    "BCryptPasswordHasher": [{"rounds": 4}, {"rounds": 6}],
    "ScryptPasswordHasher": [{"work_factor": 16}, {"block_size": 1}, {"parallelism": 1}],
}
PASSWORDS = ["l\xe8tmein", "", " ", "a", "x" * 64, "x" * 71, "x" * 72, "x" * 73, "x" * 500, "密码\U0001f600", "a\x00b"]


def names():
    """Django dropped some."""
    return [name for name in COSTS if hasattr(hashers, name)]


def hasher(name, **costs):
    return type(name, (getattr(hashers, name),), {**COSTS[name], **costs})()


def salts(name):
    if name.startswith("Unsalted"):
        return [""]
    if name.startswith("BCrypt"):
        return [BCRYPT_SALT, "......................"]
    return [SALT, EXACT, "short678", "é" * 10]


def encode(made_by, password, salt):
    if "bcrypt" in made_by.algorithm:
        salt = f"$2b${made_by.rounds:02}${salt}".encode()
    return made_by.encode(password, salt)


def attempt(row, field, make):
    try:
        row[field] = make()
    except Exception as error:  # noqa: BLE001
        row["error"] = type(error).__name__
    return row


def made():
    rows = []
    for name in names():
        for salt in salts(name):
            for password in PASSWORDS:
                for costs in [{}, *OTHER_COSTS.get(name, [])] if password in PASSWORDS[:2] else [{}]:
                    by = hasher(name, **costs)
                    row = {"hasher": name, "options": {**COSTS[name], **costs}, "password": password, "salt": salt}
                    rows.append(attempt(row, "encoded", lambda by=by, p=password, s=salt: encode(by, p, s)))
        if "Unsalted" not in name and "BCrypt" not in name and "Argon2" not in name:
            for salt in ("", "$", "a$b"):
                row = {"hasher": name, "options": COSTS[name], "password": "secret", "salt": salt}
                rows.append(attempt(row, "encoded", lambda n=name, s=salt: hasher(n).encode("secret", s)))
    # At its own cost.
    for name in OTHER_COSTS:
        salt = salts(name)[0]
        row = {"hasher": name, "options": {}, "password": "l\xe8tmein", "salt": salt}
        rows.append({**row, "encoded": encode(getattr(hashers, name)(), "l\xe8tmein", salt)})
    return rows


def damaged(good):
    """The text with slips."""
    parts = good.split("$")
    yield from (good[:-1], good + "$", good + "A", good + "=", good + " ", " " + good, good.upper(), good.lower())
    yield from ("!" + good, good.replace("$", "", 1), good.replace("$", "$$", 1), "$".join(parts[:-1]))
    for place in range(len(parts)):
        yield "$".join(parts[:place] + parts[place + 1 :])
        yield "$".join([*parts[:place], "", *parts[place + 1 :]])
        yield "$".join([*parts[:place], "x", *parts[place + 1 :]])
    for number in re.finditer(r"(?<=[$=])\d+(?=[,$])", good):
        for other in ("0" + number[0], "+" + number[0], "0", "-1", " " + number[0], number[0] + "_0", "٣"):
            yield good[: number.start()] + other + good[number.end() :]


def argon2_forms():
    """What older libraries wrote."""
    from argon2 import low_level

    for kind in (low_level.Type.D, low_level.Type.I, low_level.Type.ID):
        for version in (16, 19):
            for length in (16, 32, 64):
                for salt in (SALT, "saltsalt"):
                    text = low_level.hash_secret(b"secret", salt.encode(), 2, 16, 2, length, kind, version).decode()
                    yield "argon2" + text
                    yield "argon2" + text.replace(f"$v={version}", "")
    text = "argon2" + low_level.hash_secret(b"secret", SALT.encode(), 2, 16, 2, 32, low_level.Type.ID).decode()
    yield text.replace("m=16,t=2,p=2", "t=2,m=16,p=2")
    yield text.replace("m=16,t=2,p=2", "m=16,t=2,p=2,data=x")
    yield text.replace("v=19", "v=20")
    yield text.replace("argon2id", "argon2x")
    yield text.replace("m=16,", "m=15,")


def bcrypt_forms():
    import bcrypt
    import hashlib

    hashed = hashlib.sha256(b"secret").hexdigest().encode()
    for version in ("2a", "2b", "2x", "2y"):
        salt = f"${version}$05${BCRYPT_SALT}".encode()
        yield "bcrypt$" + bcrypt.hashpw(b"secret", salt).decode()
        yield "bcrypt_sha256$" + bcrypt.hashpw(hashed, salt).decode()
    text = "bcrypt$" + bcrypt.hashpw(b"secret", f"$2b$05${BCRYPT_SALT}".encode()).decode()
    yield text.replace("$05$", "$5$")
    yield text.replace("$05$", "$005$")
    yield text.replace("$2b$", "$2$")
    yield text.replace("$2b$", "$2c$")
    yield text.replace(BCRYPT_SALT, BCRYPT_SALT[:-1] + "v")


def verified():
    """By all hashers at `COSTS`, one of them preferred."""
    rows = []

    def row(preferred, encoded, password="secret"):
        first = hasher(preferred)
        all_of_them = [first, *(hasher(name) for name in names() if name != preferred)]
        hashers.get_hashers = lambda: all_of_them
        hashers.get_hashers_by_algorithm = lambda: {one.algorithm: one for one in all_of_them}
        renewed = []
        row = {"preferred": preferred, "password": password, "encoded": encoded}
        attempt(row, "correct", lambda: hashers.check_password(password, encoded, renewed.append))
        row["renewed"] = bool(renewed)
        rows.append(row)

    other = {"Argon2PasswordHasher": "PBKDF2PasswordHasher"}
    for name in names():
        for salt in salts(name):
            for costs in [{}, *OTHER_COSTS.get(name, [])]:
                good = encode(hasher(name, **costs), "secret", salt)
                row(name, good)
                row(name, good, "wrong")
        good = encode(hasher(name), "secret", salts(name)[0])
        row(other.get(name, "Argon2PasswordHasher"), good)
        row(other.get(name, "Argon2PasswordHasher"), good, "wrong")
        for text in damaged(good):
            row(name, text)
    for text in argon2_forms():
        row("Argon2PasswordHasher", text)
    for text in bcrypt_forms():
        row("BCryptPasswordHasher", text)
        row("BCryptSHA256PasswordHasher", text)
    for text in (
        "md5$$5ebe2294ecd0e0f08eab7690d2a6ee69",
        "5ebe2294ecd0e0f08eab7690d2a6ee69",
        "5EBE2294ECD0E0F08EAB7690D2A6EE69",
        "md5$$5ebe2294ecd0e0f08eab7690d2a6ee6",
        "sha1$$e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4",
        "sha1$$E5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4",
        "e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4",
        "é" * 32,
    ):
        row("MD5PasswordHasher", text)
        if "UnsaltedMD5PasswordHasher" in names():
            row("UnsaltedMD5PasswordHasher", text)
            row("UnsaltedSHA1PasswordHasher", text)
    for password in ("x" * 72, "x" * 73, "a\x00b", "a\x00a", "a"):
        for name in ("BCryptPasswordHasher", "BCryptSHA256PasswordHasher"):
            for own in ("x" * 72, "a", "a\x00b"):
                row(name, encode(hasher(name), own, BCRYPT_SALT), password)
    return rows


def in_peace(make):
    """`check_password` looks for the hashers in its module; others need them as they were."""

    def section():
        before = hashers.get_hashers, hashers.get_hashers_by_algorithm
        try:
            return make()
        finally:
            hashers.get_hashers, hashers.get_hashers_by_algorithm = before

    return section


SECTIONS = {"hasher_make": made, "hasher_verify": in_peace(verified)}

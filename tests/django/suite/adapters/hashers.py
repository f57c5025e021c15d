"""`django.contrib.auth.hashers`: what is kept of a password, and whether a password is the one."""

from unittest import mock

from django.contrib.auth import hashers
from django.utils.encoding import force_bytes, force_str

from .compare import same
from .pipe import Fault, ask

# The attributes of Django's hashers that are our options.
OPTIONS = {
    "pbkdf2_sha256": ["iterations"],
    "pbkdf2_sha1": ["iterations"],
    "argon2": ["time_cost", "memory_cost", "parallelism"],
    "bcrypt_sha256": ["rounds"],
    "bcrypt": ["rounds"],
    "scrypt": ["work_factor", "block_size", "parallelism"],
    "md5": [],
    "sha1": [],
    "unsalted_md5": [],
    "unsalted_sha1": [],
}
CLASSES = {
    name: getattr(hashers, name)
    for name in (
        "PBKDF2PasswordHasher",
        "PBKDF2SHA1PasswordHasher",
        "Argon2PasswordHasher",
        "BCryptSHA256PasswordHasher",
        "BCryptPasswordHasher",
        "ScryptPasswordHasher",
        "MD5PasswordHasher",
        "SHA1PasswordHasher",
        "UnsaltedMD5PasswordHasher",
        "UnsaltedSHA1PasswordHasher",
    )
    if hasattr(hashers, name)
}
DJANGO_S = {cls.algorithm: cls for cls in CLASSES.values()}


def is_mocked(*functions):
    return any(isinstance(function, mock.NonCallableMock) for function in functions)


def is_django_s(hasher):
    """Not a site's hasher with a rule of its own, nor one that a test has taken apart; other costs are fine."""
    django = DJANGO_S.get(hasher.algorithm)
    return (
        django is not None
        and isinstance(hasher, django)
        and not any(name in vars(hasher) for name in ("encode", "verify", "must_update", "harden_runtime"))
        and hasher.salt_entropy == django.salt_entropy
    )


def can_be_asked(hasher, password, salt):
    """Whether this is a rule of Django's, and not a mistake of its caller."""
    django = DJANGO_S.get(hasher.algorithm)
    same_digest = getattr(hasher, "digest", None) == getattr(django, "digest", None)
    return django is not None and same_digest and isinstance(password, (str, bytes)) and salt is not None


def listed(hasher, **costs):
    options = {name: costs.get(name, getattr(hasher, name)) for name in OPTIONS[hasher.algorithm]}
    return {"hasher": hasher.algorithm, "options": options}


def asked_hash(hasher, password, salt, costs):
    """What we make of it; the word of the fault where that is nothing."""
    salt = force_str(salt)
    if hasher.algorithm in ("bcrypt", "bcrypt_sha256"):
        # Django's salt has the cost in it, and may have a hash behind it.
        _, version, rounds, rest = salt.split("$", 3)
        assert version == "2b", version
        salt, costs = rest[:22], {"rounds": int(rounds)}
    try:
        return ask(
            "password_make",
            password=force_bytes(password).hex(),
            salt=salt,
            hashers=[listed(hasher, **costs)],
        )
    except Fault as fault:
        return {"fault": fault.kind}


def install():
    def replace_encode(cls):
        django_encode = cls.encode

        def encode(self, password, salt, *given, **named):
            if not can_be_asked(self, password, salt):
                return django_encode(self, password, salt, *given, **named)
            costs = dict(zip(OPTIONS[self.algorithm], given)) | named
            costs = {OPTIONS["scrypt"]["nrp".index(name)] if name in "nrp" else name: n for name, n in costs.items()}
            costs = {name: cost for name, cost in costs.items() if cost}
            ours = asked_hash(self, password, salt, costs)
            try:
                django = django_encode(self, password, salt, *given, **named)
            except (ValueError, AssertionError):
                # Its message is Django's own; ours is that there is no hash.
                same("no hash", ours, {"fault": "salt"}, {"fault": "password"})
                raise
            same("encode", ours, django)
            return ours

        cls.encode = encode

    # Those that inherit it have it replaced where it stands.
    for cls in CLASSES.values():
        if "encode" in vars(cls):
            replace_encode(cls)

    django_verify = hashers.verify_password if hasattr(hashers, "verify_password") else None

    def verify_password(password, encoded, preferred="default"):
        correct, must_update = django_verify(password, encoded, preferred)
        return verdict(password, encoded, preferred, correct, must_update)

    def verdict(password, encoded, preferred, correct, must_update):
        """Ours, where the site's hashers are Django's."""
        if not isinstance(password, (str, bytes)) or is_mocked(hashers.identify_hasher, hashers.make_password):
            return correct, must_update
        preferred = hashers.get_hasher(preferred)
        known = [preferred, *hashers.get_hashers()]
        if not all(map(is_django_s, known)):
            return correct, must_update
        ours = ask(
            "password_verify",
            password=force_bytes(password).hex(),
            encoded=encoded,
            # Of two with one algorithm Django takes the last, but for the preferred one.
            hashers=[listed(preferred), *[listed(hasher) for hasher in reversed(known[1:])]],
        )
        django = ("outdated" if must_update else "correct") if correct else "wrong"
        same("verify_password", ours, django)
        # Whether a wrong password's hash is outdated is of no use to anybody, and ours does not say.
        return ours != "wrong", (ours == "outdated" if ours != "wrong" else must_update)

    django_check = hashers.check_password

    def check_password_of_4_2(password, encoded, setter=None, preferred="default"):
        """Its own has no function that tells whether a hash is outdated: its setter is called if it is."""
        outdated = []
        correct = django_check(password, encoded, outdated.append, preferred)
        correct, must_update = verdict(password, encoded, preferred, correct, bool(outdated))
        if setter and correct and must_update:
            setter(password)
        return correct

    if django_verify:
        hashers.verify_password = verify_password
    else:
        hashers.check_password = check_password_of_4_2

    django_make = hashers.make_password

    def make_password(password, salt=None, hasher="default"):
        if password is not None:
            return django_make(password, salt, hasher)
        ours, django = ask("password_unusable"), django_make(None)
        same("unusable password", (ours[0], len(ours), ours[1:].isalnum()), (django[0], len(django), True))
        return ours

    hashers.make_password = make_password

    django_usable = hashers.is_password_usable

    def is_password_usable(encoded):
        if not isinstance(encoded, str):
            return django_usable(encoded)
        ours = ask("password_usable", encoded=encoded)
        same("is_password_usable", ours, django_usable(encoded))
        return ours

    hashers.is_password_usable = is_password_usable

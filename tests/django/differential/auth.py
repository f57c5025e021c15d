"""Whose a session is, what ties it to a password, and names as they are typed."""

import datetime
import json
import unicodedata
from types import SimpleNamespace

from django.conf import settings
from django.contrib import auth as django_auth
from django.contrib.auth.forms import UsernameField
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ValidationError
from frozen import KEYS, hex_keys, moment
from function import Function, single
from signing import compact

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


class Backend:
    """Finds the one user of the case, as `ModelBackend` does."""

    user = None

    def get_user(self, user_id):
        return self.user if user_id == self.user.pk and self.user.is_active else None


def column(inputs):
    """What the password column may hold."""
    kind = inputs.random()
    if kind < 0.6:
        return f"pbkdf2_sha256$1500000${inputs.word(22, 22)}${inputs.word(44, 44)}"
    return "!" + inputs.word(40) if kind < 0.8 else inputs.text(40)


def hash_of(password, key):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = key, []
    return User(password=password).get_session_auth_hash()


def hashed(inputs):
    return {"keys": inputs.any_of(KEYS), "password": column(inputs)}


def question_about_hash(case):
    user = {"id": "7", "password": case["password"], "is_active": True}
    return [{"op": "auth_hash", "keys": hex_keys(case["keys"]), "user": user}]


def owned(inputs):
    keys = inputs.any_of(KEYS)
    user = {"id": "7", "password": column(inputs), "is_active": inputs.chance(0.9)}
    kind = inputs.random()
    key = inputs.any_of(keys) if kind < 0.9 else "foreign"
    session_hash = hash_of(user["password"] if inputs.chance(0.93) else column(inputs), key)
    data = {
        "_auth_user_id": "7"
        if inputs.chance(0.9)
        else inputs.any_of(["8", "", "07", " 7", "x", "7.0", 7, 8, None, [7], "٧"]),
        "_auth_user_backend": MODEL_BACKEND if inputs.chance(0.93) else inputs.any_of(["", "other.Backend", None, 1]),
        "_auth_user_hash": inputs.mutated(session_hash) if inputs.chance(0.1) else session_hash,
        "cart": 1,
    }
    if inputs.chance(0.05):
        data["_auth_user_hash"] = inputs.any_of([None, "", 1, ["x"], session_hash.upper()])
    for name in ("_auth_user_id", "_auth_user_backend", "_auth_user_hash"):
        if inputs.chance(0.03):
            del data[name]
    return {"keys": keys, "json": compact(data), "user": user}


class Session(SessionBase):
    """A session that no store keeps; it notes what Django would do to its record."""

    renewed = False

    def cycle_key(self):
        self.renewed = True

    def flush(self):
        self.clear()

    def clear(self):
        self._session_cache = {}


def owner(case):
    settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS = case["keys"]
    settings.AUTHENTICATION_BACKENDS = [MODEL_BACKEND]
    columns = case["user"]
    Backend.user = User(id=int(columns["id"]), password=columns["password"], is_active=columns["is_active"])
    session = Session()
    session._session_cache = json.loads(case["json"])
    found = django_auth.get_user(SimpleNamespace(session=session))
    return {
        "owner": not isinstance(found, AnonymousUser),
        "renewed": session.renewed,
        "json": compact(session._session_cache),
    }


def ours_owned(case, answers):
    answer = single(case, answers)
    return {name: answer[name] for name in ("owner", "renewed", "json")}


def instead_of_the_database(path):
    assert path == MODEL_BACKEND, path
    return Backend()


django_auth.load_backend = instead_of_the_database

FIELD = UsernameField(max_length=150)


def typed(inputs):
    text = inputs.text(20)
    if inputs.chance(0.05):
        text = inputs.any_of("aé½ﬀ") * (145 + inputs.below(10))
    blanks = [" ", "\t", "\n", "\u3000", "\x1c", "\x1f", "\x85", "\u200b"]
    if inputs.chance(0.2):
        text = inputs.any_of(blanks) + text + inputs.any_of(blanks)
    text = inputs.mutated(text) if inputs.chance(0.2) else text
    # What Python's Unicode does not know yet it cannot normalise.
    return {"typed": "".join([letter for letter in text if unicodedata.category(letter) != "Cn"])}


def normalized(case):
    try:
        name = FIELD.to_python(case["typed"])
        # A NUL is all that this validator looks for.
        FIELD.run_validators(name) if "\0" in name else None
    except ValidationError:
        return None
    return name


RESET_TIMEOUT = 259_200


def wall(micros):
    return datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=micros)


def reset_user(case):
    login = case["last_login"]
    login = None if login is None else moment(login)
    return User(pk=7, password=case["user"]["password"], last_login=login, email=case["email"])


def generator(case):
    """With the case's keys and clock. Its zone is UTC: `make_vectors.py` asks about others."""
    settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS = case["keys"]
    settings.PASSWORD_RESET_TIMEOUT = case["timeout"]
    tokens = PasswordResetTokenGenerator()
    tokens._now = lambda: wall(case["now"])
    return tokens


def reset(inputs):
    made = 1_000_000_000_000_000 + inputs.below(3_000_000_000_000_000)
    return {
        "keys": inputs.any_of(KEYS),
        "user": {"id": "7", "password": column(inputs), "is_active": True},
        "email": inputs.any_of(["", "a@b.co", inputs.text(20)]),
        "last_login": None if inputs.chance(0.2) else made - inputs.below(900_000_000_000_000),
        "timeout": inputs.any_of([0, 60, 3600, RESET_TIMEOUT]),
        "zone": "UTC",
        "uses_tz": True,
        "now": made,
    }


def reset_with_token(inputs):
    case = reset(inputs)
    token = generator({**case, "keys": [inputs.any_of(case["keys"])]}).make_token(reset_user(case))
    case["now"] += inputs.any_of([0, 0, 0, 1_000_000, 59_999_999, 60_999_999, 61_000_000, -5_000_000, 3_600_000_000])
    if inputs.chance(0.1):
        changed = inputs.any_of(["email", "last_login", "password"])
        if changed == "email":
            case["email"] += "x"
        elif changed == "last_login":
            case["last_login"] = case["now"]
        else:
            case["user"]["password"] = column(inputs)
    if inputs.chance(0.3):
        token = inputs.mutated(token)
    elif inputs.chance(0.05):
        token = inputs.any_of(["", "-", token.upper(), "0" + token, "z" * 13 + token[6:], "z" * 14 + token[6:]])
    return {**case, "token": token}


def reset_question(op):
    return lambda case: [{"op": op, **case, "keys": hex_keys(case["keys"])}]


FUNCTIONS = [
    Function(
        "make a reset token", reset, reset_question("reset_make"), lambda case: generator(case).make_token(reset_user(case))
    ),
    Function(
        "check a reset token",
        reset_with_token,
        reset_question("reset_check"),
        lambda case: generator(case).check_token(reset_user(case), case["token"]),
        accepts=lambda outcome: outcome,
    ),
    Function("hash of a session", hashed, question_about_hash, lambda case: hash_of(case["password"], case["keys"][0])),
    Function(
        "owner of a session",
        owned,
        lambda case: [{"op": "data_owner", **case, "keys": hex_keys(case["keys"]), "backends": [MODEL_BACKEND]}],
        owner,
        ours_owned,
        accepts=lambda outcome: outcome["owner"],
    ),
    Function(
        "name as typed",
        typed,
        lambda case: [{"op": "username_normalize", **case}],
        normalized,
        accepts=lambda outcome: outcome is not None,
    ),
]

"""Password validators: messages, codes and help texts."""

import sys

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import (
    get_password_validators,
    password_validators_help_texts,
    validate_password,
)
from django.core.exceptions import ValidationError

MODULE = "django.contrib.auth.password_validation."
SIMILAR, LENGTH, COMMON, NUMERIC = (
    MODULE + name
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
)
ALL = [{"NAME": SIMILAR}, {"NAME": LENGTH, "OPTIONS": {"min_length": 12}}, {"NAME": COMMON}, {"NAME": NUMERIC}]
SETTINGS = [
    [],
    ALL,
    [{"NAME": LENGTH}],
    [{"NAME": LENGTH, "OPTIONS": {"min_length": 1}}],
    [{"NAME": LENGTH, "OPTIONS": {"min_length": 0}}],
    [{"NAME": LENGTH, "OPTIONS": {"min_length": 2}}, {"NAME": LENGTH, "OPTIONS": {"min_length": 9}}],
    [{"NAME": SIMILAR, "OPTIONS": {"max_similarity": 0.1}}],
    [{"NAME": SIMILAR, "OPTIONS": {"max_similarity": 1.0}}],
    [{"NAME": SIMILAR, "OPTIONS": {"max_similarity": 0.5, "user_attributes": ["email", "first_name", "nickname"]}}],
    [{"NAME": SIMILAR, "OPTIONS": {"user_attributes": []}}],
    [{"NAME": NUMERIC}, {"NAME": COMMON}],
]
USERS = [
    None,
    {"username": "ann.miller", "first_name": "Ann", "last_name": "Müller-Lüdenscheidt", "email": "ann@garden-shop.example"},
    {"username": "İstanbul", "first_name": "ΣΊΣΥΦΟΣ", "last_name": "", "email": "--@--"},
    {"username": "x", "first_name": "日本 語", "last_name": "a\u0301b²_", "email": "a" * 40 + "@b.c"},
]
PASSWORDS = [
    "",
    "a",
    "ab",
    "éé",
    "12345678",
    "123456789012",
    "²³¹",
    "١٢٣",
    "⓪①",
    "1½",
    "password",
    " PassWord ",
    "\x1fpassword\x1c",
    "\u200bpassword",
    "qwertyuiop",
    "ann.miller",
    "rellim.nna",
    "ANNMILLER",
    "miller1",
    "a garden-shop of my own",
    "garden_shop",
    "müllerlüdenscheidt",
    "mullerludenscheidt",
    "istanbul",
    "i̇stanbul",
    "σίσυφος",
    "σίσυφοσ",
    "日本",
    "語",
    "ab²_",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "x",
    "xy",
    "xyzxyzxyzxyz",
    "correct horse battery staple",
    "a coat for every peg",
    "@" * 12,
    "--@--",
    "x" * 300,
    "\U0001f600" * 12,
]


def validated():
    """A setting is named by its place among the rows of `password_help`."""
    rows = []
    for number, setting in enumerate(SETTINGS):
        validators = get_password_validators(setting)
        compares = any(validator["NAME"] == SIMILAR for validator in setting)
        for user in USERS if compares else USERS[:1]:
            for password in PASSWORDS:
                row = {"setting": number, "password": password, "user": user, "problems": []}
                try:
                    validate_password(password, user and User(**user), validators)
                except ValidationError as error:
                    row["problems"] = [
                        f"{one.code}: {message}" for one in error.error_list for message in ValidationError(one).messages
                    ]
                rows.append(row)
    return rows


def helped():
    return [
        {"setting": setting, "texts": password_validators_help_texts(get_password_validators(setting))}
        for setting in SETTINGS
    ]


def digits():
    """Every run of characters that are digits to Python."""
    runs = []
    for number in range(sys.maxunicode + 1):
        if not chr(number).isdigit():
            continue
        if runs and runs[-1]["last"] == number - 1:
            runs[-1]["last"] = number
        else:
            runs.append({"first": number, "last": number})
    return runs


SECTIONS = {"password_validate": validated, "password_help": helped, "password_digits": digits}

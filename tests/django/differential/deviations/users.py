"""Passwords and users that deviate."""

import json
import re

from .entry import Deviation, Expected


def damaged_hash(case):
    """Django raises on some text that is no hash."""
    parts = case["encoded"].split("$")
    if parts[0] == "md5" and case["accepts_md5"]:
        return Expected("wrong") if len(parts) < 3 or parts[1] == "" or "$" in parts[1] else None
    if parts[0] != "pbkdf2_sha256":
        return None
    fine = len(parts) > 3 and parts[2] and re.fullmatch("[1-9][0-9]*", parts[1]) and int(parts[1]) <= case["most"]
    return None if fine else Expected("wrong")


def id_that_is_no_number(case):
    data = json.loads(case["json"])
    user_id = data.get("_auth_user_id")
    if "_auth_user_id" not in data or isinstance(user_id, int) or re.fullmatch("0|[1-9][0-9]*", str(user_id)):
        return None
    return Expected({"owner": False, "renewed": False, "json": case["json"]})


DEVIATIONS = [
    Deviation(
        "a damaged hash",
        ("verify a password",),
        "text that is no hash verifies no password; Django raises on some of it",
        damaged_hash,
    ),
    Deviation(
        "an id that is no number",
        ("owner of a session",),
        "ids are compared as text",
        id_that_is_no_number,
    ),
]

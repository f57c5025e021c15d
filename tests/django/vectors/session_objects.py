"""Session objects: what each of their methods answers, leaves and counts as a change."""

import datetime
import json

from django.contrib.sessions.backends.db import SessionStore

from . import NOW
from .clock import stopped_at

BEFORE = [
    {},
    {"a": 1, "b": [2, {"c": None}], "testcookie": "worked"},
    {"a": None, "testcookie": "other", "_session_expiry": 60},
    {"_session_expiry": 0, "é": "ü"},
    {"_session_expiry": "2023-11-14T23:13:20+00:00"},
]

OPERATIONS = [
    [["get", "a"], ["get", "x"]],
    [["set", "a", 1]],
    [["set", "x", {"y": [1.5, "é", None, True]}], ["get", "x"]],
    [["del", "a"], ["get", "a"]],
    [["contains", "a"], ["has_key", "x"]],
    [["pop", "a"], ["contains", "a"]],
    [["pop", "x"]],
    [["pop", "a"], ["set", "a", 3], ["keys"]],
    [["setdefault", "a", 9]],
    [["setdefault", "x", [9]], ["get", "x"]],
    [["update", {}]],
    [["update", {"a": 2, "x": 3}], ["items"]],
    [["update", {"é": 1}], ["del", "é"], ["update", {"é": 2}], ["items"]],
    [["clear"], ["keys"], ["is_empty"]],
    [["clear"], ["set", "b", 1], ["setdefault", "a", 2], ["items"]],
    [["keys"], ["values"], ["items"]],
    [["modify"]],
    [["is_empty"]],
    [["set_test_cookie"], ["test_cookie_worked"], ["delete_test_cookie"], ["test_cookie_worked"]],
    [["test_cookie_worked"]],
    [["delete_test_cookie"]],
    [["get_expiry_age"], ["get_expiry_date"], ["get_expire_at_browser_close"]],
]


def answer(session, name, *arguments):
    match name:
        case "set":
            session[arguments[0]] = arguments[1]
            return None
        case "del" | "delete_test_cookie":
            try:
                if name == "del":
                    del session[arguments[0]]
                else:
                    session.delete_test_cookie()
            except KeyError:
                return "KeyError"
            return ""
        case "contains":
            return arguments[0] in session
        case "pop":
            return session.pop(arguments[0], None)
        case "modify":
            session.modified = True
            return None
        case "keys" | "values" | "items":
            return list(getattr(session, name)())
        case "get_expiry_date":
            date = session.get_expiry_date()
            date = datetime.datetime.fromisoformat(date) if isinstance(date, str) else date
            return date.astimezone(datetime.UTC).isoformat()
        case _:
            return getattr(session, name)(*arguments)


def operations():
    rows = []
    for before in BEFORE:
        for asked in OPERATIONS:
            session = SessionStore("abcdefgh")
            session._session_cache = json.loads(json.dumps(before))
            with stopped_at(NOW):
                answers = [answer(session, *operation) for operation in asked]
            rows.append(
                {
                    "before": json.dumps(before, separators=(",", ":")),
                    "operations": asked,
                    "answers": answers,
                    "after": json.dumps(session._session, separators=(",", ":")),
                    "modified": session.modified,
                }
            )
    return rows


SECTIONS = {"session_operations": operations}

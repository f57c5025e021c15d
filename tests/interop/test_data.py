"""What one program keeps in a session, the other carries on unharmed."""

import json
import re
import sqlite3
import subprocess

import pytest

from servers import DJANGO_PYTHON, SECRET_KEY

# Each is the text of a JSON value, as Django writes it.
VALUES = {
    "null": "null",
    "bools": "[true, false]",
    "integers": "[0, -1, 9007199254740993, 18446744073709551616, 123456789012345678901234567890]",
    "an integer of 4,000 digits": "9" * 4000,
    "floats": "[0.1, -0.0, 1e+16, 1e-07, 5e-324, 1.7976931348623157e+308]",
    "no numbers": "[NaN, Infinity, -Infinity]",
    "text": '"\\u00e9\\u2019 \\ud83d\\ude00 \\u0000 \\u007f \\" \\\\ / \\b\\f\\n\\r\\t"',
    "lone surrogates": '["\\ud800", "\\udc00x", "\\ude00\\ud83d"]',
    "empty": '["", [], {}]',
    "order": '{"z": 1, "a": 2, "m": {"y": 1, "b": 2}}',
    "deep": "[" * 800 + "]" * 800,
    "large": json.dumps([f"value {number}" for number in range(3000)]),
}


def stored_text(pair, key: str) -> str:
    """The JSON text in the session's row, as Django's own code reads it."""
    connection = sqlite3.connect(pair.place.database)
    (row,) = connection.execute("SELECT session_data FROM django_session WHERE session_key = ?", (key,)).fetchone()
    connection.close()
    program = """
import sys
from django.conf import settings
settings.configure(SECRET_KEY=sys.argv[1])
from django.core import signing
class Raw:
    def loads(self, data):
        return data.decode("latin-1")
sys.stdout.write(signing.loads(sys.stdin.read(), salt="django.contrib.sessions.SessionStore", serializer=Raw))
"""
    command = [DJANGO_PYTHON, "-c", program, SECRET_KEY]
    return subprocess.run(command, input=row, capture_output=True, text=True, check=True).stdout


def compact(text: str) -> str:
    """Django writes no space outside of strings."""
    return re.sub(r'("(?:[^"\\]|\\.)*")|\s+', lambda match: match.group(1) or "", text)


@pytest.mark.parametrize("name", VALUES)
def test_a_value_written_there_survives_a_login_here(pair, client, username, name):
    pair.there.person(username)
    text = VALUES[name]
    client.post_json(f"{pair.there.url}/put", f'{{"before": 1, "value": {text}, "after": [2]}}')
    anonymous = client.cookies["sessionid"]
    kept = f'"before":1,"value":{compact(text)},"after":[2]'
    assert stored_text(pair, anonymous) == "{" + kept + "}"

    assert pair.here.login(client, username).status == 302
    key = client.cookies["sessionid"]
    assert key != anonymous
    written = stored_text(pair, key)
    assert written.startswith("{" + kept + ",") or written.endswith("," + kept + "}") or f",{kept}," in written
    seen = pair.there.whoami(client)
    assert seen["user"] == username
    assert compact(json.dumps(seen["data"]["value"])) == compact(text)


def test_what_is_written_there_after_a_login_here_is_still_there_at_the_next(pair, client, username):
    pair.there.person(username)
    pair.here.login(client, username)
    client.post_json(f"{pair.there.url}/put", {"cart": [1, 2, 3]})
    assert pair.here.knows(client)
    pair.here.login(client, username)
    assert pair.there.whoami(client)["data"]["cart"] == [1, 2, 3]


def test_another_user_s_login_takes_no_data_over(pair, client, username):
    pair.there.person(username)
    pair.there.person(username + "b")
    pair.here.login(client, username)
    client.post_json(f"{pair.there.url}/put", {"private": "yes"})
    held = client.copy()
    assert pair.here.login(client, username + "b").status == 302
    seen = pair.there.whoami(client)
    assert seen["user"] == username + "b"
    assert "private" not in seen["data"]
    assert pair.there.whoami(held)["user"] is None


def test_a_session_that_expires_at_the_browser_s_close_stays_one(pair, client, username):
    pair.there.person(username)
    client.post_json(f"{pair.there.url}/put", {"_session_expiry": 0})
    answer = pair.here.login(client, username)
    (cookie,) = [header for header in answer.headers.get_all("Set-Cookie") if header.startswith("sessionid=")]
    assert "Max-Age" not in cookie
    assert "expires" not in cookie
    assert pair.there.whoami(client)["data"]["_session_expiry"] == 0


def test_a_page_that_only_reads_writes_nothing(pair, client, username):
    pair.there.person(username)
    pair.there.login(client, username)
    before = pair.place.dump()
    for page in ("/", "/home/", "/login/"):
        client.get(pair.here.url + page)
    assert pair.place.dump() == before


def test_pages_without_a_login_make_no_session(pair, client):
    # S12, CVE-2015-5143, CVE-2015-5963, CVE-2015-5964.
    count = "SELECT count(*) FROM django_session"
    before = sqlite3.connect(pair.place.database).execute(count).fetchone()
    for page in ("/", "/home/", "/login/", "/nowhere"):
        client.get(pair.here.url + page)
    assert "sessionid" not in client.cookies
    assert sqlite3.connect(pair.place.database).execute(count).fetchone() == before


@pytest.mark.parametrize("text", ["garbage", "e30:1r31eq:I_lzTiPndLeCNM1aHTOTlBIASx97zx-I-h5XZ0FtLXg", ""])
def test_a_record_that_cannot_be_read_is_nobody_s_and_is_left_alone(pair, client, username, text):
    # E15.
    pair.there.person(username)
    pair.there.login(client, username)
    key = client.cookies["sessionid"]
    connection = sqlite3.connect(pair.place.database)
    with connection:
        connection.execute("UPDATE django_session SET session_data = ? WHERE session_key = ?", (text, key))
    assert not pair.here.knows(client)
    assert connection.execute("SELECT session_data FROM django_session WHERE session_key = ?", (key,)).fetchone() == (
        text,
    )

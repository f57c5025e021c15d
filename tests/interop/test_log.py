"""The log, whatever strangers send."""

import re
import socket
import sqlite3
import time
from urllib.parse import quote, urlsplit

import pytest

from client import Client
from servers import PASSWORD, made_by_cloakroom

FORGED = "2026-01-01T00:00:00.000000Z  INFO forged: signed in"
HOSTILE = [
    f"a\n{FORGED}",
    f"a\r\n{FORGED}",
    f"a\r{FORGED}\x1b[2J\x1b]0;title\x07",
    f"\x85{FORGED}\u2028{FORGED}\u2029\u202e\x9b2J\x7f\x00",
    "x" * 10_000,
]
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z +(TRACE|DEBUG|INFO|WARN|ERROR) ")


@pytest.fixture
def place(tmp_path):
    place = made_by_cloakroom(tmp_path)
    yield place
    place.stop()


def raw(url: str, head: bytes) -> bytes:
    """Sends bytes that no client library would; what came back before the server closed."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(head)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while more := connection.recv(65536):
            answer += more
    return answer


@pytest.mark.parametrize("level", ["info", "trace"])
def test_what_strangers_send_forges_no_line(place, level):
    # H4, CVE-2025-48432.
    command = ["createsuperuser", "--noinput", "--username", "ada", "--email", "a@example.com"]
    assert place.cloakroom_command(*command, DJANGO_SUPERUSER_PASSWORD=PASSWORD).returncode == 0
    with sqlite3.connect(place.database) as database:
        # A user whom another program let have such a name.
        database.execute("UPDATE auth_user SET username = ?", (HOSTILE[0],))
    database.close()
    environ = {"CLOAKROOM_LOG": level, "CLOAKROOM_LOGIN_FAILURE_SECONDS": "0"}
    server = place.start_cloakroom(**environ, CLOAKROOM_LOGIN_THROTTLE="false")
    assert server.login(Client(), HOSTILE[0]).status == 302
    sent = 0
    for text in HOSTILE:
        server.login(Client(), text, "wrong")
        # What a client library takes, percent-encoded, and what goes over the wire as it is.
        client = Client()
        client.get(f"{server.url}/{quote(text)[:9000]}/?{quote(text)[:9000]}")
        client.post(f"{server.url}/login/?next={quote(text)[:9000]}", csrfmiddlewaretoken=text)
        octets = text.encode()
        for head in (
            b"GET /" + octets + b" HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: " + octets + b"\r\nConnection: close\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: " + octets + b"\r\nConnection: close\r\n\r\n",
            b"POST /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: " + octets + b"\r\nReferer: " + octets
            + b"\r\nCookie: csrftoken=" + octets + b"; sessionid=" + octets + b"\r\nX-Forwarded-For: " + octets
            + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            octets + b" / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        ):  # fmt: skip
            raw(server.url, head)
            sent += 1
    deadline = time.monotonic() + 10
    while server.process.log.read_bytes().count(b"request refused") < len(HOSTILE):
        assert time.monotonic() < deadline, "refusals are logged"
        time.sleep(0.02)
    time.sleep(0.2)
    lines = server.process.log.read_bytes().decode().split("\n")
    assert lines.pop() == ""
    events = [line for line in lines if LINE.match(line)]
    others = set(lines) - set(events)
    # What the start says is no event.
    assert all(re.match(r"Cloakroom listens at http://127\.0\.0\.1:\d+/", line) for line in others), others
    # Why something was refused is told in our own words.
    assert not [line for line in events if "forged" in line or "xxxx" in line]
    for line in events:
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", line), line[:200]
        assert len(line) <= 4001
    assert sent == 25 and sum("request refused" in line for line in events) >= len(HOSTILE)

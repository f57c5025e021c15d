"""Many who sign in at the same time: a server with users of every kind, and clients that send forms and time the answers."""

import asyncio
import multiprocessing
import os
import random
import sqlite3
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

sys.path[:0] = [str(Path(__file__).parents[1])]

from client import Client  # noqa: E402 — found by the line above
from servers import PASSWORD, Place, made_by_cloakroom  # noqa: E402

# The options of Django's hashers, which the server's settings repeat.
CHEAP = {
    "pbkdf2_sha256": {"iterations": 1000},
    "pbkdf2_sha1": {"iterations": 1000},
    "argon2": {"memory_cost": 256, "time_cost": 1, "parallelism": 1},
    "bcrypt_sha256": {"rounds": 4},
    "scrypt": {"work_factor": 256, "block_size": 8, "parallelism": 1},
}
CLASSES = {
    "pbkdf2_sha256": "PBKDF2PasswordHasher",
    "pbkdf2_sha1": "PBKDF2SHA1PasswordHasher",
    "argon2": "Argon2PasswordHasher",
    "bcrypt_sha256": "BCryptSHA256PasswordHasher",
    "scrypt": "ScryptPasswordHasher",
}


def made_by_django(algorithm: str, options: dict[str, int], password: str = PASSWORD) -> str:
    """What a Django with these options keeps of the password."""
    from django.conf import settings
    from django.contrib.auth import hashers

    if not settings.configured:
        settings.configure()
    hasher = getattr(hashers, CLASSES[algorithm])()
    for name, value in options.items():
        setattr(hasher, name, value)
    return hasher.encode(password, hasher.salt())


def site(folder: Path, users: dict[str, tuple[str, bool]]) -> Place:
    """A database of our own, with these users: what is kept of the password, and whether they are active."""
    place = made_by_cloakroom(folder)
    row = (
        "INSERT INTO auth_user (username, password, is_active, is_superuser, is_staff, first_name, last_name, email,"
        " date_joined) VALUES (?, ?, ?, 0, 0, '', '', '', '2026-01-01 00:00:00')"
    )
    with sqlite3.connect(place.database) as database:
        database.executemany(row, [(name, hash, active) for name, (hash, active) in users.items()])
    database.close()
    return place


class Form:
    """What the page's form sends, under one CSRF token that all share."""

    def __init__(self, url: str):
        client = Client()
        self.token = client.get(f"{url}/login/").csrf_token()
        self.cookies = dict(client.cookies)

    def request(self, username: str, password: str, length: int = 0, cookies=None, **headers: str) -> bytes:
        """The bytes of a request, filled up to a length so that the size of a password changes nothing."""
        fields = {"csrfmiddlewaretoken": self.token, "username": username, "password": password, "next": ""}
        body = urlencode(fields)
        body += "&filling=" + "x" * max(0, length - len(body))
        cookie = "; ".join(f"{name}={value}" for name, value in {**self.cookies, **(cookies or {})}.items())
        head = ["POST /login/ HTTP/1.1", "Host: 127.0.0.1", f"Cookie: {cookie}", f"Content-Length: {len(body)}"]
        head += ["Content-Type: application/x-www-form-urlencoded"]
        head += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return "\r\n".join([*head, "", body]).encode()


class Connection:
    """One connection that is kept."""

    def __init__(self, port: int):
        self.port, self.streams = port, None

    async def ask(self, request: bytes) -> tuple[int, float]:
        """The status, and the seconds until the first byte of the answer; 0 for a connection that was cut."""
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        began = time.perf_counter()
        try:
            writer.write(request)
            first = await reader.readuntil(b"\r\n")
            took = time.perf_counter() - began
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            _, _, length = head.partition(b"content-length:")
            if length:
                await reader.readexactly(int(length.split(b"\r\n", 1)[0]))
            if b"connection: close" in head or not length:
                self.close()
            return int(first.split()[1]), took
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return 0, time.perf_counter() - began

    def close(self) -> None:
        if self.streams is not None:
            self.streams[1].close()
        self.streams = None


def read_request(cookies: dict[str, str]) -> bytes:
    """A page that only those see who are signed in."""
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return f"GET /home/ HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode()


async def read(port: int, request: bytes, rate: float, seconds: float, connections: int = 4) -> list[float]:
    """Reads sessions at a rate, or as fast as can be (0); what each took from the moment at which it was due."""
    took, began = [], time.perf_counter()
    numbers = iter(range(10**9))

    async def reader() -> None:
        connection = Connection(port)
        while True:
            due = began + next(numbers) / rate if rate else time.perf_counter()
            if due > began + seconds or time.perf_counter() > began + seconds:
                return connection.close()
            await asyncio.sleep(max(0, due - time.perf_counter()))
            status, _ = await connection.ask(request)
            assert status == 200, f"a session was answered with {status}"
            took.append(time.perf_counter() - due)

    await asyncio.gather(*(reader() for _ in range(connections)))
    return took


def _reading(results, port: int, request: bytes, rate: float, seconds: float) -> None:
    results.put(asyncio.run(read(port, request, rate, seconds)))


class Readers:
    """Session reads in a process of their own."""

    def __init__(self, port: int, request: bytes, rate: float, seconds: float):
        context = multiprocessing.get_context("spawn")
        self.results = context.Queue()
        self.process = context.Process(target=_reading, args=(self.results, port, request, rate, seconds))
        self.process.start()

    def took(self) -> list[float]:
        took = self.results.get()
        self.process.join()
        return took

    def stop(self) -> None:
        self.process.terminate()
        self.process.join()


def percentile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def resident(pid: int) -> tuple[int, int]:
    """Kilobytes in memory, now and at most so far."""
    text = Path(f"/proc/{pid}/status").read_text()
    lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return int(lines["VmRSS"].split()[0]), int(lines["VmHWM"].split()[0])


def hashing(pid: int) -> int:
    """How many of the server's threads for passwords run at this moment."""
    running = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            name, rest = (task / "stat").read_text().rsplit(")", 1)
            running += name.endswith("(passwords") and rest.split()[0] == "R"
        except OSError:
            continue  # The thread has ended meanwhile.
    return running


def address(source: random.Random) -> str:
    return f"198.{source.randrange(18, 20)}.{source.randrange(256)}.{source.randrange(1, 255)}"


def processors() -> int:
    return len(os.sched_getaffinity(0))

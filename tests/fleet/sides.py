"""Both sides of the fleet as processes on one database, and a browser that goes from one to the other."""

import base64
import hashlib
import json
import os
import re
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

from client import Answer, Client
from databases import connect, server
from servers import DJANGO_PYTHON, ROOT, Place, Process, environment, free_port

FLEET = os.environ.get("CLOAKROOM_FLEET", str(ROOT / "target/debug/examples/fleet"))
SITE = str(Path(__file__).with_name("site.py"))
ITERATIONS = 1000
NEW_KEY = "another secret of the tests longer than thirty-two bytes"
PASSWORD = "correct horse battery staple"
# What both sides have: Django's session engine, and the server of the database or of the cache.
ENGINES = {
    "db": ("db", None),
    "postgres": ("db", "postgres"),
    "mysql": ("db", "mysql"),
    "cache": ("cache", "redis"),
    "django_redis": ("cache", "redis"),
    "cached_db": ("cached_db", "redis"),
    "file": ("file", None),
    "signed_cookies": ("signed_cookies", None),
    "revocable_cookies": ("signed_cookies", None),
}


class Side:
    """One of the two, at `url`."""

    def __init__(self, name: str, url: str, process: Process):
        self.name = name
        self.url = url
        self.process = process

    def __repr__(self) -> str:
        return self.name


class Fleet(Place):
    """One database of Django's, and both sides on it."""

    def __init__(self, folder: Path, engine: str = "db"):
        super().__init__(folder)
        self.engine, kind = ENGINES[engine]
        self.cache_backend = "django_redis.cache.RedisCache" if engine == "django_redis" else ""
        self.people = 0
        self.url = f"sqlite:{self.database}"
        self.cache = ""
        if kind == "redis":
            self.cache = server(kind).url
        elif kind:
            self.url = server(kind).database()
        self.sessions = {
            "db": {},
            "cache": {"CLOAKROOM_SESSIONS": self.cache},
            "cached_db": {"CLOAKROOM_SESSIONS": "cached", "CLOAKROOM_CACHE_URL": self.cache},
            "file": {"CLOAKROOM_SESSIONS": f"file:{folder}"},
            "signed_cookies": {"CLOAKROOM_SESSIONS": "cookie:"},
        }[self.engine]
        if engine == "revocable_cookies":
            self.sessions = {**self.sessions, "CLOAKROOM_SESSION_REVOCATIONS": "database"}

    def migrate(self) -> None:
        command = [DJANGO_PYTHON, SITE, str(self.database), "migrate"]
        migrating = self.start(command, environment(SITE_DATABASE=self.url))
        assert migrating.process.wait(timeout=120) == 0, migrating.log.read_text()

    def rust(self, fallbacks: tuple[str, ...] = (), **environ: str) -> Side:
        port = free_port()
        environ = {"CLOAKROOM_PBKDF2_ITERATIONS": str(ITERATIONS), **self.sessions, **environ}
        environ = environment(DATABASE_URL=self.url, SECRET_KEY_FALLBACKS=json.dumps(fallbacks), **environ)
        process = self.start([FLEET, str(port)], environ)
        process.await_port(port)
        return Side("rust", f"http://127.0.0.1:{port}", process)

    def django_settings(self) -> dict[str, str]:
        """What its site is told about this fleet."""
        return {
            "PBKDF2_ITERATIONS": str(ITERATIONS),
            "SITE_ENGINE": self.engine,
            "SITE_DATABASE": self.url,
            "SITE_CACHE": self.cache,
            "SITE_CACHE_BACKEND": self.cache_backend,
        }

    def django(self, fallbacks: tuple[str, ...] = (), **environ: str) -> Side:
        environ = {**self.django_settings(), **environ}
        environ = environment(SECRET_KEY_FALLBACKS=json.dumps(fallbacks), **environ)
        process = self.start([DJANGO_PYTHON, SITE, str(self.database), "serve"], environ)
        line = process.process.stdout.readline().strip()
        assert line.isdigit(), f"the Django site did not start:\n{process.log.read_text()}"
        process.await_port(int(line))
        return Side("django", f"http://127.0.0.1:{line}", process)

    # The database

    def sql(self, statement: str, *values) -> list[tuple]:
        if self.url.startswith("sqlite:"):
            connection = sqlite3.connect(self.database, timeout=10)
        else:
            connection, statement = connect(self.url), statement.replace("?", "%s")
        cursor = connection.cursor()
        try:
            cursor.execute(statement, values)
            connection.commit()
            return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()

    def person(self, encoded: str | None = None, **columns) -> str:
        """A new user with the tests' password; their name."""
        self.people += 1
        row = {
            "username": f"person{self.people}",
            "password": pbkdf2(PASSWORD) if encoded is None else encoded,
            "is_superuser": False,
            "first_name": "",
            "last_name": "",
            "email": "",
            "is_staff": False,
            "is_active": True,
            "date_joined": "2024-02-29 12:00:00",
            **columns,
        }
        self.sql(f"INSERT INTO auth_user ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", *row.values())
        return row["username"]

    def column(self, username: str, name: str):
        ((value,),) = self.sql(f"SELECT {name} FROM auth_user WHERE username = ?", username)
        return value

    def row(self, key: str) -> tuple[str, datetime] | None:
        """A session's text and its end."""
        rows = self.sql("SELECT session_data, expire_date FROM django_session WHERE session_key = ?", key)
        if not rows:
            return None
        ((text, end),) = rows
        return text, moment(end)


def moment(column: str | datetime) -> datetime:
    """A date as a database keeps it: SQLite as text, MySQL without a zone."""
    if isinstance(column, str):
        column = datetime.fromisoformat(column)
    return column if column.tzinfo else column.replace(tzinfo=UTC)


def pbkdf2(password: str, iterations: int = ITERATIONS) -> str:
    salt = "aSaltOfTwentyTwoLetter"
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), iterations)
    return f"pbkdf2_sha256${iterations}${salt}${base64.b64encode(digest).decode()}"


def md5(password: str, salt: str = "seasalt") -> str:
    return f"md5${salt}${hashlib.md5((salt + password).encode()).hexdigest()}"


class Visitor(Client):
    """A browser that speaks the contract; forms are sent as a page's own script sends them."""

    def ask(self, side: Side, path: str, headers: dict[str, str] | None = None, **query) -> Answer:
        target = f"{side.url}{path}" + (f"?{urlencode(query)}" if query else "")
        return self.get(target, **(headers or {}))

    def tell(self, side: Side, path: str, data=None, **form: str) -> Answer:
        """Sends JSON, or a form; with the token in the header."""
        return self.telling(side, path, data, **form)()

    def telling(self, side: Side, path: str, data=None, **form: str) -> Callable[[], Answer]:
        """The same; what is returned waits for the answer."""
        if "csrftoken" not in self.cookies:
            self.ask(side, "/csrf")
        headers = {"X-CSRFToken": self.cookies["csrftoken"], "Origin": side.url}
        if data is not None:
            headers["Content-Type"] = "application/json"
            body = data if isinstance(data, str) else json.dumps(data)
        else:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(form)
        return self.begin("POST", f"{side.url}{path}", body.encode(), headers)

    def login(self, side: Side, username: str, password: str = PASSWORD) -> Answer:
        return self.tell(side, "/login", username=username, password=password)

    def whoami(self, side: Side) -> dict:
        answer = self.ask(side, "/whoami")
        assert answer.status == 200, answer.body
        return answer.json()

    def user(self, side: Side) -> str | None:
        return self.whoami(side)["user"]

    def data(self, side: Side) -> dict:
        return self.whoami(side)["data"]

    def copy(self) -> "Visitor":
        other = Visitor()
        other.cookies = dict(self.cookies)
        return other


def cookies_set(answer: Answer) -> list[str]:
    """The response's Set-Cookie lines with values and dates replaced: all the rest is to be equal."""
    lines = answer.headers.get_all("Set-Cookie") or []
    return [re.sub("expires=[^;]+", "expires=DATE", re.sub('=(""|"|)[^;]*', r"=\1…", line, count=1)) for line in lines]

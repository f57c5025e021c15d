"""Throwaway servers of PostgreSQL, MariaDB and Redis, one of each kind for a whole run."""

import functools
import os
import subprocess
from urllib.parse import unquote, urlsplit

from servers import ROOT

SERVER = os.environ.get("CLOAKROOM_TEST_SERVER", str(ROOT / "target/debug/examples/server"))


class Server:
    """Runs `crates/testing/examples/server.rs`, which ends when this process does."""

    def __init__(self, kind: str):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([SERVER, kind], stdin=pipe, stdout=pipe, text=True)
        self.url = self.read()

    def database(self) -> str:
        """A new, empty database's URL."""
        return self.tell("database")

    def tell(self, what: str) -> str:
        """`kill`, `start`, `freeze` or `thaw`; done when this returns."""
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        return self.read()

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=60)

    def read(self) -> str:
        line = self.process.stdout.readline().strip()
        assert line, "the server did not start; what it said stands above"
        return line


@functools.cache
def server(kind: str) -> Server:
    """`postgres`, `mysql` or `redis`."""
    return Server(kind)


def connect(url: str):
    """The database at a URL, by the driver that Django uses for it."""
    parts = urlsplit(url)
    place = {"host": parts.hostname, "port": parts.port, "user": unquote(parts.username or "")}
    name = parts.path.lstrip("/")
    if parts.scheme == "postgres":
        import psycopg

        return psycopg.connect(**place, dbname=name)
    import pymysql

    return pymysql.connect(**place, password=unquote(parts.password or ""), database=name)

"""The classroom (`examples/classroom`), as a newcomer starts it."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers import ROOT, Place, environment, free_port

CLASSROOM = ROOT / "target/debug/classroom"
DJANGO = ROOT / "examples/classroom/django/classroom.py"


class Classroom:
    """A classroom that is open."""

    def __init__(self, place: Place):
        self.database = place.folder / "classroom.sqlite3"
        port = free_port()
        command = [str(CLASSROOM), "--listen", f"127.0.0.1:{port}", "--database", str(self.database)]
        self.process = place.start(command, environment())
        self.process.await_port(port)
        # The name that a newcomer types; `127.0.0.1` is another site.
        self.url = f"http://localhost:{port}"

    def rows(self, statement: str, *values) -> list[tuple]:
        connection = sqlite3.connect(self.database)
        try:
            return connection.execute(statement, values).fetchall()
        finally:
            connection.close()

    def django(self, code: str) -> str:
        """What this code prints in a Django shell on the same database."""
        environ = {**os.environ, "CLASSROOM": str(self.database)}
        command = [sys.executable, str(DJANGO), "shell", "--no-imports", "-c", code]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="session")
def classroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Classroom]:
    place = Place(Path(tmp_path_factory.mktemp("classroom")))
    try:
        yield Classroom(place)
    finally:
        place.stop()

"""Starts the server under test and a Django site, each as a process of its own, and stops what it started."""

import functools
import os
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from client import Answer, Client

ROOT = Path(__file__).resolve().parents[1]
CLOAKROOM = os.environ.get("CLOAKROOM_BIN", str(ROOT / "target/debug/cloakroom"))
DJANGO_PYTHON = os.environ.get("DJANGO_PYTHON", sys.executable)
SITE = str(ROOT / "tests/django/site.py")
SECRET_KEY = "a secret of the tests longer than thirty-two bytes"
USERNAME = "ada"
PASSWORD = "correct horse battery staple"
SECONDS_TO_START = 30
# Apps that the server does not know.
FOREIGN_APPS = "django.contrib.messages,django.contrib.admin"


def environment(**more: str) -> dict[str, str]:
    """The caller's own settings must not reach the programs under test."""
    unwanted = ("CLOAKROOM_", "DJANGO_", "SECRET_KEY", "DATABASE_URL", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return {**kept, "SECRET_KEY": SECRET_KEY, "CLOAKROOM_DJANGO_VERSION": django_version(), **more}


@functools.cache
def django_version() -> str:
    """The Django that runs beside the server, which is to write what that one reads."""
    command = [DJANGO_PYTHON, "-m", "django", "--version"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Process:
    """A server that listens at `url` until it is stopped."""

    def __init__(self, command: list[str], folder: Path, log: Path, environ: dict[str, str]):
        self.log = log
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log.open("wb"),
            text=True,
        )

    def await_port(self, port: int) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"ended with status {self.process.returncode}:\n{self.log.read_text()}")
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        self.stop()
        raise AssertionError(f"did not listen within {SECONDS_TO_START} s:\n{self.log.read_text()}")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def kill(self) -> None:
        """Ends it as a crash does, at whatever it is about."""
        self.process.kill()
        self.process.wait()


class Place:
    """One database, and what runs on it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.database = folder / "site.db"
        self.processes: list[Process] = []
        self.started = 0

    # Commands

    def cloakroom_command(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        environ = environment(**{"DATABASE_URL": f"sqlite:{self.database}", **environ})
        return subprocess.run(
            [CLOAKROOM, *arguments],
            cwd=self.folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def django_command(self, command: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [DJANGO_PYTHON, SITE, str(self.database), command],
            cwd=self.folder,
            env=environment(**environ),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def dump(self) -> list[str]:
        """Everything that the database holds."""
        connection = sqlite3.connect(self.database)
        try:
            return list(connection.iterdump())
        finally:
            connection.close()

    # Servers

    def start_cloakroom(self, **environ: str) -> "Cloakroom":
        port = free_port()
        process = self.start(
            [CLOAKROOM, "serve", "--listen", f"127.0.0.1:{port}"],
            environment(**{"DATABASE_URL": f"sqlite:{self.database}", **environ}),
        )
        process.await_port(port)
        return Cloakroom(f"http://127.0.0.1:{port}", process)

    def start_django(self, **environ: str) -> "Django":
        process = self.start([DJANGO_PYTHON, SITE, str(self.database), "serve"], environment(**environ))
        line = process.process.stdout.readline().strip()
        assert line.isdigit(), f"the Django site did not start:\n{process.log.read_text()}"
        process.await_port(int(line))
        return Django(f"http://127.0.0.1:{line}", process)

    def start(self, command: list[str], environ: dict[str, str]) -> Process:
        self.started += 1
        process = Process(command, self.folder, self.folder / f"{self.started}-{Path(command[0]).name}.log", environ)
        self.processes.append(process)
        return process

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.stop()


class Site:
    def __init__(self, url: str, process: Process):
        self.url = url
        self.process = process

    def login(self, client: Client, username: str, password: str = PASSWORD, **more: str) -> Answer:
        """Fetches the form and sends it, as a browser does."""
        token = client.get(f"{self.url}/login/").csrf_token()
        fields = {"csrfmiddlewaretoken": token, "username": username, "password": password, **more}
        return client.post(f"{self.url}/login/", **fields)


class Cloakroom(Site):
    def knows(self, client: Client) -> bool:
        answer = client.get(f"{self.url}/home/")
        assert answer.status in (200, 302), answer.body
        return answer.status == 200

    def logout(self, client: Client) -> Answer:
        token = client.get(f"{self.url}/home/").csrf_token()
        return client.post(f"{self.url}/logout/", csrfmiddlewaretoken=token)


class Django(Site):
    def whoami(self, client: Client) -> dict:
        return client.get(f"{self.url}/whoami").json()

    def person(self, username: str, password: str | None = PASSWORD, **fields) -> dict:
        answer = Client().post_json(f"{self.url}/people", {"username": username, "password": password, **fields})
        return answer.json()

    def logout(self, client: Client) -> Answer:
        token = client.get(f"{self.url}/csrf").json()["token"]
        return client.post(f"{self.url}/logout/", csrfmiddlewaretoken=token)


def made_by_django(folder: Path) -> Place:
    """A Django shop's database: an app of its own is recorded, so the server's profile is `shared`."""
    place = Place(folder)
    migrated = place.django_command("migrate", SITE_APPS=FOREIGN_APPS)
    assert migrated.returncode == 0, migrated.stderr
    return place


def made_by_cloakroom(folder: Path) -> Place:
    """A database of the server's own: its profile is `strict`."""
    place = Place(folder)
    migrated = place.cloakroom_command("migrate")
    assert migrated.returncode == 0, migrated.stderr
    return place

"""Databases with servers on them."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from client import Client
from servers import Place

FOREIGN_APPS = "django.contrib.messages,django.contrib.admin"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A folder with no database yet."""
    place = Place(tmp_path)
    yield place
    place.stop()


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


@pytest.fixture(scope="session", params=[made_by_django, made_by_cloakroom], ids=lambda make: make.__name__)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The server and a Django site on one database, for all tests that leave both running."""
    place = request.param(tmp_path_factory.mktemp(request.param.__name__))
    try:
        profile = "shared" if request.param is made_by_django else "strict"
        yield SimpleNamespace(place=place, here=place.start_cloakroom(), there=place.start_django(), profile=profile)
    finally:
        place.stop()


@pytest.fixture
def client() -> Client:
    return Client()


numbers = itertools.count(1)


@pytest.fixture
def username() -> str:
    """A name that no other test uses."""
    return f"person{next(numbers)}"

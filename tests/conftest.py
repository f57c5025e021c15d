"""Databases with servers on them."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from client import Client
from servers import Place, made_by_cloakroom, made_by_django


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A folder with no database yet."""
    place = Place(tmp_path)
    yield place
    place.stop()


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

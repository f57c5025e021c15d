"""Fleets: both sides running, and one browser."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from sides import ENGINES, Fleet, Visitor


@pytest.fixture(scope="session", params=list(ENGINES))
def everywhere(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Both sides, for each engine that both have."""
    yield from running(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Both sides with sessions in the database."""
    yield from running(tmp_path_factory.mktemp("stored"), "db")


def running(folder: Path, engine: str) -> Iterator[SimpleNamespace]:
    fleet = Fleet(folder, engine)
    try:
        fleet.migrate()
        yield SimpleNamespace(fleet=fleet, rust=fleet.rust(), django=fleet.django())
    finally:
        fleet.stop()


@pytest.fixture(params=["rust to django", "django to rust"])
def direction(request: pytest.FixtureRequest) -> str:
    return request.param


def turned(running: SimpleNamespace, direction: str) -> SimpleNamespace:
    sides = [running.rust, running.django]
    here, there = sides if direction == "rust to django" else reversed(sides)
    return SimpleNamespace(**vars(running), here=here, there=there)


@pytest.fixture
def pair(everywhere: SimpleNamespace, direction: str) -> SimpleNamespace:
    """`here` does something that `there` is to see; every engine, both directions."""
    return turned(everywhere, direction)


@pytest.fixture
def db_pair(stored: SimpleNamespace, direction: str) -> SimpleNamespace:
    """The same with sessions in the database only."""
    return turned(stored, direction)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Fleet]:
    """A database with no side running yet."""
    fleet = Fleet(tmp_path)
    fleet.migrate()
    yield fleet
    fleet.stop()


@pytest.fixture(params=list(ENGINES))
def any_empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fleet]:
    """The same for each engine."""
    fleet = Fleet(tmp_path, request.param)
    fleet.migrate()
    yield fleet
    fleet.stop()


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()

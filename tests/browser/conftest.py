"""A Chromium of its own for each test that asks, and a server with one user."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver

from chromium import start_chromium
from servers import PASSWORD, USERNAME, Cloakroom, made_by_cloakroom


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloakroom]:
    place = made_by_cloakroom(tmp_path_factory.mktemp("browser"))
    arguments = ["--noinput", "--username", USERNAME, "--email", "ada@example.com"]
    made = place.cloakroom_command("createsuperuser", *arguments, DJANGO_SUPERUSER_PASSWORD=PASSWORD)
    assert made.returncode == 0, made.stderr
    try:
        letters = place.folder / "letters"
        letters.mkdir()
        server = place.start_cloakroom(CLOAKROOM_EMAIL_FILE_PATH=str(letters), CLOAKROOM_LOGIN_FAILURE_SECONDS="0.2")
        server.letters = letters
        server.place = place
        yield server
    finally:
        place.stop()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    driver = start_chromium(tmp_path / "profile")
    yield driver
    # What a page's own policy forbids is complained about here.
    complaints = [
        entry["message"] for entry in driver.get_log("browser") if "Content Security Policy" in entry["message"]
    ]
    driver.quit()
    assert not complaints


@pytest.fixture
def browser_without_javascript(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    driver = start_chromium(tmp_path / "profile", javascript=False)
    yield driver
    driver.quit()

"""A forgotten password: a link that one program makes works in the other."""

import re
import time
from pathlib import Path

import pytest

from client import Client
from servers import Place, Site, made_by_django

ZONE = "Asia/Kathmandu"
NEW = "violet envelope marches"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory):
    """The server and a Django site in a zone that is hours and minutes from UTC, on one database."""
    place = made_by_django(tmp_path_factory.mktemp("reset"))
    letters = place.folder / "letters"
    letters.mkdir()
    try:
        here = place.start_cloakroom(
            CLOAKROOM_EMAIL_FILE_PATH=str(letters),
            CLOAKROOM_TIME_ZONE=ZONE,
            CLOAKROOM_PUBLIC_ORIGIN="http://127.0.0.1:1",
        )
        there = place.start_django(SITE_LETTERS=str(letters), SITE_TIME_ZONE=ZONE)
        yield place, here, there, letters
    finally:
        place.stop()


def ask(site: Site, letters: Path, email: str) -> str:
    """Asks for a letter; the path of the link in it."""
    before = set(letters.iterdir())
    client = Client()
    token = client.get(f"{site.url}/password_reset/").csrf_token()
    answer = client.post(f"{site.url}/password_reset/", csrfmiddlewaretoken=token, email=email)
    assert (answer.status, answer.location) == (302, "/password_reset/done/")
    deadline = time.monotonic() + 10
    while not (new := set(letters.iterdir()) - before):
        assert time.monotonic() < deadline, "no letter was written"
        time.sleep(0.02)
    # Mail breaks long lines and writes = as =3D.
    text = new.pop().read_text().replace("=\n", "").replace("=3D", "=")
    return re.search(r"https?://[^/]+(/reset/[^/]+/[^/\s]+/)", text).group(1)


def set_password(site: Site, link: str, password: str) -> bool:
    """Follows the link in a browser of its own, and sends the form. False if the link is no longer good."""
    client = Client()
    answer = client.get(f"{site.url}{link}")
    if answer.status == 200:
        assert "<form" not in answer.body
        return False
    assert answer.status == 302 and answer.location.endswith("/set-password/")
    form = f"{site.url}{answer.location}"
    token = client.get(form).csrf_token()
    answer = client.post(form, csrfmiddlewaretoken=token, new_password1=password, new_password2=password)
    assert (answer.status, answer.location) == (302, "/reset/done/"), answer.body
    return True


@pytest.mark.parametrize("way", ["made here and used there", "made there and used here"])
def test_a_link_of_one_program_sets_the_password_in_the_other(programs, username: str, way: str):
    _, here, there, letters = programs
    email = f"{username}@example.org"
    there.person(username, email=email)
    made, used = (here, there) if way.startswith("made here") else (there, here)
    browser = Client()
    assert here.login(browser, username).status == 302
    link = ask(made, letters, email)
    assert set_password(used, link, NEW)
    assert not here.knows(browser), "every session ends"
    for site in (here, there):
        assert not set_password(site, link, NEW), "once"
        assert site.login(Client(), username, NEW).status == 302


def test_a_link_ends_with_a_login_in_the_other_program(programs, username: str):
    _, here, there, letters = programs
    email = f"{username}@example.org"
    there.person(username, email=email)
    link = ask(there, letters, email)
    # Its time is kept to the second.
    assert here.login(Client(), username).status == 302
    assert not set_password(there, link, NEW) and not set_password(here, link, NEW)


def test_an_address_without_an_account_gets_the_same_answer(programs):
    _, here, _, letters = programs
    client = Client()
    token = client.get(f"{here.url}/password_reset/").csrf_token()
    before = set(letters.iterdir())
    answer = client.post(f"{here.url}/password_reset/", csrfmiddlewaretoken=token, email="nobody@example.org")
    assert (answer.status, answer.location) == (302, "/password_reset/done/")
    time.sleep(0.3)
    assert set(letters.iterdir()) == before

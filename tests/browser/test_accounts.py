"""One's account, a changed and a forgotten password, and that every page lets everybody in."""

import re
import time

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from looking import look
from servers import PASSWORD, Cloakroom
from test_pages import fill_in, leave, resize, text

NEW = "violet envelope marches"


@pytest.fixture
def person(server, username) -> str:
    """A user of this test's own, with a mailbox."""
    arguments = ["--noinput", "--username", username, "--email", f"{username}@example.com"]
    made = server.place.cloakroom_command("createsuperuser", *arguments, DJANGO_SUPERUSER_PASSWORD=PASSWORD)
    assert made.returncode == 0, made.stderr
    return username


def sign_in(browser: webdriver.Chrome, server: Cloakroom, username: str, password: str = PASSWORD) -> bool:
    browser.get(f"{server.url}/login/")
    fill_in(browser, password, username)
    return browser.current_url == f"{server.url}/home/"


def send(browser: webdriver.Chrome, **fields: str) -> None:
    """Types into the page's form and presses its button."""
    for name, value in fields.items():
        field = browser.find_element(By.NAME, name)
        field.clear()
        field.send_keys(value)
    button = browser.find_element(By.CSS_SELECTOR, "main form button")
    leave(browser, button.click)


def follow(browser: webdriver.Chrome, words: str) -> None:
    leave(browser, browser.find_element(By.LINK_TEXT, words).click)


def letter(server: Cloakroom, username: str) -> str:
    """The newest letter to this user, once there is one."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for path in sorted(server.letters.iterdir(), reverse=True):
            found = path.read_text().replace("=\n", "").replace("=3D", "=")
            if f"{username}@example.com" in found and "/reset/" in found:
                return found
        time.sleep(0.02)
    raise AssertionError("no letter")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(browser, server, person, scheme):
    resize(browser, 1200, scheme)
    for name, path in (
        ("index", "/"),
        ("login", "/login/"),
        ("forgotten", "/password_reset/"),
        ("sent", "/password_reset/done/"),
        ("gone", "/reset/MQ/a-b/"),
        ("set", "/reset/done/"),
        ("not-found", "/nowhere/"),
    ):
        browser.get(server.url + path)
        look(browser, f"{name}-{scheme}")
    browser.get(f"{server.url}/password_reset/")
    # Browsers would not send it.
    browser.execute_script("document.querySelector('main form').noValidate = true")
    send(browser, email="nobody")
    look(browser, f"forgotten-error-{scheme}")
    sign_in(browser, server, person, "wrong")
    look(browser, f"login-refused-{scheme}")
    assert sign_in(browser, server, person)
    for name, path in (
        ("home", "/home/"),
        ("account", "/account/"),
        ("logout", "/logout/"),
        ("change", "/password_change/"),
        ("changed", "/password_change/done/"),
    ):
        browser.get(server.url + path)
        look(browser, f"{name}-{scheme}")
    browser.get(f"{server.url}/password_change/")
    send(browser, old_password="wrong", new_password1="short", new_password2="other")
    look(browser, f"change-error-{scheme}")


def test_a_password_is_changed_and_the_other_browser_is_out(browser, server, person, tmp_path):
    assert sign_in(browser, server, person)
    follow(browser, "Your account")
    assert f"{person}@example.com" in text(browser)
    follow(browser, "Change your password")
    send(browser, old_password="wrong", new_password1=NEW, new_password2=NEW)
    assert "Your old password was entered incorrectly" in text(browser)
    assert browser.switch_to.active_element.get_attribute("name") == "old_password"
    send(browser, old_password=PASSWORD, new_password1="password", new_password2="password")
    assert "too short" in text(browser) and "too common" in text(browser)
    send(browser, old_password=PASSWORD, new_password1=NEW, new_password2=NEW)
    assert browser.current_url == f"{server.url}/password_change/done/"
    follow(browser, "Your account")
    assert person in text(browser), "this browser stays"
    browser.delete_all_cookies()
    assert not sign_in(browser, server, person)
    assert sign_in(browser, server, person, NEW)


def test_a_forgotten_password_is_set_by_a_letter(browser, server, person):
    browser.get(f"{server.url}/login/")
    follow(browser, "Forgotten your password?")
    send(browser, email=f"{person}@EXAMPLE.com")
    assert "Look into your mail" in text(browser)
    link = re.search(re.escape(server.url) + r"/reset/\S+", letter(server, person)).group()
    browser.get(link)
    assert browser.current_url.endswith("/set-password/"), "the address has no token any more"
    send(browser, new_password1=NEW, new_password2="another one")
    assert "didn’t match" in text(browser)
    send(browser, new_password1=NEW, new_password2=NEW)
    assert "Your new password is set" in text(browser)
    follow(browser, "Log in")
    fill_in(browser, NEW, person)
    assert browser.current_url == f"{server.url}/home/"
    browser.get(link)
    assert "This link is no longer good" in text(browser)


def test_too_many_failures_are_told_with_the_time(browser, server, person):
    for _ in range(10):
        assert not sign_in(browser, server, person, "wrong")
    sign_in(browser, server, person)
    assert "Too many attempts to log in have failed" in text(browser)
    assert re.search(r"try again in \d+ seconds, at \d\d:\d\d:\d\d UTC", text(browser)), text(browser)
    look(browser, "throttled")


def test_a_browser_that_keeps_no_session_cookie_is_told_so(browser, server, person):
    browser.get(f"{server.url}/login/?next=/home/")
    assert "did not send the cookie" not in text(browser)
    # As a browser does that keeps none: the page that the login leads to leads back here.
    leave(browser, lambda: browser.execute_script("location.href = '/home/'"))
    assert browser.current_url == f"{server.url}/login/?next=/home/"
    assert "did not send the cookie" in text(browser)
    look(browser, "cookie-lost")


def test_another_browser_is_seen_and_logged_out(browser, server, person, client):
    assert server.login(client, person).status == 302
    assert sign_in(browser, server, person)
    follow(browser, "Your account")
    places = browser.find_elements(By.CSS_SELECTOR, ".places li")
    assert len(places) == 2
    here = next(place for place in places if "(this browser)" in place.text)
    assert "Chrome on Linux" in here.text
    look(browser, "places")
    leave(browser, browser.find_element(By.CSS_SELECTOR, ".places button").click)
    assert len(browser.find_elements(By.CSS_SELECTOR, ".places li")) == 1
    assert not server.knows(client), "dead at its next request"
    leave(browser, browser.find_element(By.XPATH, "//button[text()='Log out everywhere']").click)
    browser.get(f"{server.url}/home/")
    assert browser.current_url.startswith(f"{server.url}/login/")

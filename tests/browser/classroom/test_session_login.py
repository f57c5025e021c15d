"""The lesson with a login that is made by hand."""

from urllib.parse import quote

import pytest

from clicks import PASSWORD, in_django, log_in, look_in_light_and_dark, press
from test_pages import fill_in, text


def test_a_login_leads_back_with_the_query_and_a_logout_to_the_login_page(browser_without_javascript, classroom):
    browser = browser_without_javascript
    browser.get(f"{classroom.url}/index/")
    assert "Good morning, visitor" in text(browser)
    browser.get(f"{classroom.url}/homework/?week=3")
    assert browser.current_url == f"{classroom.url}/session-login/?next=/homework/%3Fweek%3D3"
    fill_in(browser, "wrong", "ann")
    assert "This is not the name and the password of a pupil" in text(browser)
    assert browser.title.startswith("Error:")
    before = browser.get_cookie("sessionid")
    log_in(browser, "ann")
    assert browser.current_url == f"{classroom.url}/homework/?week=3"
    assert "ann does. For week 3" in text(browser)
    assert browser.get_cookie("sessionid") != before
    browser.get(f"{classroom.url}/index/")
    assert "Good morning, ann" in text(browser)

    key = browser.get_cookie("sessionid")["value"]
    press(browser, "Log out")
    assert browser.current_url == f"{classroom.url}/session-login/"
    assert not classroom.rows("SELECT 1 FROM django_session WHERE session_key = ?", key)
    browser.get(f"{classroom.url}/index/")
    assert "Good morning, visitor" in text(browser)


@pytest.mark.parametrize(
    "elsewhere",
    [
        "",
        "https://evil.example/",
        "//evil.example/",
        r"/\evil.example/",
        "javascript:alert(1)",
        "/logout/",
        "/session-logout/",
        "/homework/../session-logout/?week=3",
    ],
)
def test_no_login_leads_to_another_host_or_to_a_logout(browser_without_javascript, classroom, elsewhere):
    browser = browser_without_javascript
    browser.get(f"{classroom.url}/session-login/?next={quote(elsewhere)}")
    log_in(browser, "ben")
    assert browser.current_url == f"{classroom.url}/index/"
    assert "Good morning, ben" in text(browser)


def test_django_greets_the_same_user(browser, classroom):
    browser.get(f"{classroom.url}/session-login/")
    log_in(browser, "cleo")
    assert in_django(classroom, browser, "/index/", "session['user'], 'Good morning, <strong>cleo</strong>' in page") == (
        "cleo True"
    )
    assert in_django(classroom, browser, "/homework/?week=3", "'For week 3' in page") == "True"


def test_the_same_form_in_django_leads_to_the_same_places(classroom):
    for asked, expected in (
        ("/homework/?week=3", "/homework/?week=3"),
        ("https://evil.example/", "/index/"),
        ("/session-logout/", "/index/"),
    ):
        form = {"username": "ann", "password": PASSWORD, "next": asked}
        code = f"from django.test import Client; print(Client().post('/session-login/', {form!r}).url)"
        assert classroom.django(code) == expected


def test_everybody_can_read_it(browser, classroom):
    look_in_light_and_dark(browser, f"{classroom.url}/session-login/?next=/homework/", "session-login")
    fill_in(browser, "wrong", "ann")
    log_in(browser, "ann")
    look_in_light_and_dark(browser, f"{classroom.url}/homework/?week=3", "homework")
    look_in_light_and_dark(browser, f"{classroom.url}/index/", "index")

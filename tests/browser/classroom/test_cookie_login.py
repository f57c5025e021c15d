"""The lesson in which a signed cookie alone says who one is."""

import re

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from client import Client
from clicks import look_in_light_and_dark, press
from test_cookies import fill, table
from test_pages import text

LOGIN = "/cookie-login/"
CLASSES = "/cookie-login/class_list/"
PASSWORD = "chalk on a blackboard"


def log_in(browser: webdriver.Chrome, password: str = PASSWORD) -> None:
    fill(browser, username="ann", password=password)
    press(browser, "Log in")


def test_a_guarded_page_is_reached_and_left(browser_without_javascript, classroom):
    browser, url = browser_without_javascript, classroom.url
    browser.get(f"{url}{CLASSES}?room=1.07")
    assert browser.current_url == f"{url}{LOGIN}?next={CLASSES}%3Froom%3D1.07"
    log_in(browser, "wrong")
    assert browser.find_element(By.CSS_SELECTOR, "[role=alert]").text == "The name or the password is wrong."
    log_in(browser)
    assert browser.current_url == f"{url}{CLASSES}?room=1.07", "path and query, over a try that failed"
    assert table(browser, "Classes") == [["Drawing", "1.07"]]
    cookie = browser.get_cookie("pupil")
    # Over plain http on this machine it is not `Secure`: some browsers would not keep it.
    expected = {"httpOnly": True, "secure": False, "sameSite": "Lax", "path": "/"}
    assert expected.items() <= cookie.items(), cookie
    assert browser.get_cookie("sessionid") is None, "the cookie alone"
    browser.get(f"{url}{CLASSES}")
    assert len(table(browser, "Classes")) == classroom.rows("SELECT count(*) FROM classroom_class")[0][0]
    press(browser, "Log out")
    assert browser.current_url == f"{url}{LOGIN}"
    assert browser.get_cookie("pupil") is None
    browser.get(f"{url}{CLASSES}")
    assert browser.current_url.startswith(f"{url}{LOGIN}?next=")


@pytest.mark.parametrize(
    "next",
    [
        "",
        "/cookie-login/logout/",
        "/logout/",
        "/session-logout/?next=/",
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "///evil.example",
        "javascript:alert(1)",
    ],
)
def test_the_login_leads_to_the_class_list_and_never_elsewhere(browser, classroom, next):
    browser.get(f"{classroom.url}{LOGIN}?next={next}")
    log_in(browser)
    assert browser.current_url == f"{classroom.url}{CLASSES}"


def test_a_copy_of_the_cookie_outlives_the_logout_and_a_forged_one_opens_nothing(browser, classroom):
    browser.get(f"{classroom.url}{LOGIN}")
    log_in(browser)
    client = Client()
    client.cookies["pupil"] = browser.get_cookie("pupil")["value"]
    press(browser, "Log out")
    answer = client.get(f"{classroom.url}{CLASSES}")
    assert (answer.status, "you are ann" in answer.body) == (200, True), "as the page says"
    signed = client.cookies["pupil"]
    for forged in (signed.replace("ann", "ben"), signed[:-1], "ann", ""):
        client.cookies["pupil"] = forged
        assert client.get(f"{classroom.url}{CLASSES}").location == f"{LOGIN}?next={CLASSES}", forged


def test_django_believes_the_same_cookie(classroom):
    client = Client()
    token = client.get(f"{classroom.url}{LOGIN}").csrf_token()
    fields = {"csrfmiddlewaretoken": token, "username": "cleo", "password": PASSWORD}
    answer = client.post(f"{classroom.url}{LOGIN}", **fields)
    assert (answer.status, answer.location) == (302, CLASSES)
    asked = (
        "from django.test import Client; c = Client(); c.cookies['pupil'] = %r\n"
        "print(c.get('/cookie-login/class_list/').content.decode())"
    )
    page = classroom.django(asked % client.cookies["pupil"])
    assert "you are cleo" in page and page.count("<td>1.07</td>") == 1
    # And back: what a Django signs opens our page.
    signing = (
        "from django.http import HttpResponse; r = HttpResponse()\n"
        "r.set_signed_cookie('pupil', 'ben', salt='cookie-login'); print(r.cookies['pupil'].value)"
    )
    client.cookies["pupil"] = classroom.django(signing)
    assert "you are ben" in client.get(f"{classroom.url}{CLASSES}").body


def test_where_django_leads_is_where_we_lead(classroom):
    code = (
        "from django.test import Client; c = Client(); fields = {'username': 'ann', 'password': %r, 'next': %r}\n"
        "print(c.post('/cookie-login/', fields)['Location'])"
    )
    for next in ("", "/cookie-login/logout/", "https://evil.example/", "/cookie-login/class_list/?room=1.07"):
        client = Client()
        token = client.get(f"{classroom.url}{LOGIN}").csrf_token()
        fields = {"csrfmiddlewaretoken": token, "username": "ann", "password": PASSWORD, "next": next}
        answer = client.post(f"{classroom.url}{LOGIN}", **fields)
        assert answer.location == classroom.django(code % (PASSWORD, next)), next


def test_everybody_can_read_it(browser, classroom):
    look_in_light_and_dark(browser, f"{classroom.url}{LOGIN}", "cookie-login")
    log_in(browser)
    look_in_light_and_dark(browser, f"{classroom.url}{CLASSES}", "cookie-login-class-list")
    assert re.search("does a new password", text(browser))

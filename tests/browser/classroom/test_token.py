"""The lesson with tokens."""

import base64
import json

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from client import Client
from clicks import look_in_light_and_dark, press
from test_cookies import fill, tick
from test_pages import fill_in, text

PASSWORD = "chalk on a blackboard"
GOOD = "The library says: this token speaks for ann."
BAD = "The library says: this token speaks for nobody."


def rows(browser: webdriver.Chrome) -> dict[str, str]:
    found = browser.find_elements(By.CSS_SELECTOR, "tbody tr:has(th)")
    return {row.find_element(By.TAG_NAME, "th").text: row.find_element(By.TAG_NAME, "td").text for row in found}


def get_a_token(browser: webdriver.Chrome, url: str) -> None:
    browser.get(f"{url}/login/?next=/token/")
    fill_in(browser, PASSWORD, "ann")
    assert browser.current_url == f"{url}/token/"
    press(browser, "Make one for ann")
    assert GOOD in text(browser)


def test_a_token_is_signed_cut_off_and_compared(browser_without_javascript, classroom):
    browser = browser_without_javascript
    browser.get(f"{classroom.url}/token/")
    fill(browser, message="Ben owes € 5. <b>")
    press(browser, "Sign and send")
    assert "The same: the site said “Ben owes € 5. <b>”." in text(browser)
    before = rows(browser)
    assert before["Cut off: the signature"] == before["Computed again"]
    token = browser.find_element(By.NAME, "token").get_attribute("value")
    payload, signature = token.split(".")
    assert base64.urlsafe_b64decode(payload + "==").decode() == "Ben owes € 5. <b>"
    forged = base64.urlsafe_b64encode("Ben owes € 0".encode()).decode().rstrip("=")
    fill(browser, token=f"{forged}.{signature}")
    press(browser, "Change it")
    assert "Not the same: nobody with the key said “Ben owes € 0”." in text(browser)
    after = rows(browser)
    assert after["Cut off: the signature"] == signature != after["Computed again"]
    for broken in ("", "no dot", f"{payload}.", f"{payload}.{signature}=", f"{payload}.{signature[:-1]}"):
        fill(browser, token=broken)
        press(browser, "Change it")
        assert "Not the same" in text(browser), broken
    fill(browser, token=token)
    press(browser, "Change it")
    assert "The same: the site said" in text(browser)


@pytest.mark.parametrize("way", ["payload", "none", "key"])
def test_a_changed_jwt_speaks_for_nobody(browser_without_javascript, classroom, way):
    browser = browser_without_javascript
    get_a_token(browser, classroom.url)
    assert json.loads(rows(browser)["Header"])["alg"] == "HS256"
    claims = json.loads(rows(browser)["Claims"])
    assert claims["token_type"] == "access"
    fill(browser, payload=json.dumps(claims | {"user_id": "2"}))
    tick(browser, "way", way)
    press(browser, "Put it into the cookie")
    assert BAD in text(browser)
    assert json.loads(rows(browser)["Claims"])["user_id"] == "2", "everybody can write it"
    assert json.loads(rows(browser)["Header"])["alg"] == ("none" if way == "none" else "HS256")
    press(browser, "Make one for ann")
    assert GOOD in text(browser)


def test_who_is_not_logged_in_gets_no_jwt(classroom):
    client = Client()
    token = client.get(f"{classroom.url}/token/").csrf_token()
    answer = client.post(f"{classroom.url}/token/jwt/", csrfmiddlewaretoken=token)
    assert answer.location == "/login/?next=/token/"
    assert "jwt" not in client.cookies


def test_whatever_a_browser_sends_is_a_page(classroom):
    client = Client()
    for cookie in ("", ".", "..", "a.b.c", "=.=.=", "é.é.é", "x" * 4000, "." * 4000):
        client.cookies |= {"note": cookie, "jwt": cookie}
        answer = client.get(f"{classroom.url}/token/")
        assert answer.status == 200, cookie
        token = answer.csrf_token()
        answer = client.post(f"{classroom.url}/token/forge/", csrfmiddlewaretoken=token, payload=cookie, way="key")
        assert answer.status == 302, cookie


def test_whatever_is_typed_is_a_token_that_is_refused(classroom):
    client = Client()
    token = client.get(f"{classroom.url}/token/").csrf_token()
    for typed in ("", "a.b", "€\r\n;", '"' * 9000, ";" * 9000):
        answer = client.post(f"{classroom.url}/token/change/", csrfmiddlewaretoken=token, token=typed)
        assert answer.status == 302, typed[:9]
        assert "Not the same" in client.get(f"{classroom.url}/token/").body, typed[:9]
    answer = client.post(f"{classroom.url}/token/send/", csrfmiddlewaretoken=token, message="€" * 3000)
    assert answer.status == 302
    assert f"the site said “{'€' * 200}”" in client.get(f"{classroom.url}/token/").body


def test_django_reads_our_tokens(browser, classroom):
    get_a_token(browser, classroom.url)
    press(browser, "Sign and send")
    cookies = {name: browser.get_cookie(name)["value"] for name in ("note", "jwt")}
    asked = (
        "from django.test import Client; c = Client()\n"
        "for name, value in %r.items(): c.cookies[name] = value\n"
        "print(c.get('/token/').content.decode())"
    )
    page = classroom.django(asked % cookies)
    assert GOOD in page and "The same: the site said “Ann has paid for the trip”." in page
    header, payload, signature = cookies["jwt"].split(".")
    cookies["jwt"] = f"{header}.{payload}.{signature[::-1]}"
    assert BAD in classroom.django(asked % cookies)


def test_everybody_can_read_it(browser, classroom):
    look_in_light_and_dark(browser, f"{classroom.url}/token/", "token-empty")
    get_a_token(browser, classroom.url)
    press(browser, "Sign and send")
    look_in_light_and_dark(browser, f"{classroom.url}/token/", "token")

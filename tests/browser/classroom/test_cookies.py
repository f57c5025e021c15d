"""The lesson with plain cookies."""

import re

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from chromium import start_chromium
from client import Client
from clicks import look_in_light_and_dark, press
from test_pages import leave, text

REFUSED = {
    "large": "browsers drop cookies of more than 4096 bytes",
    "long": "browsers keep no cookie for more than 400 days",
    "host": "only with Secure, the path / and no domain",
    "none": "browsers take SameSite=None only with Secure",
}


def table(browser: webdriver.Chrome, caption: str) -> list[list[str]]:
    rows = browser.find_elements(By.XPATH, f"//table[caption='{caption}']/tbody/tr")
    return [[cell.text for cell in row.find_elements(By.TAG_NAME, "td")] for row in rows]


def sent(browser: webdriver.Chrome) -> dict[str, str]:
    return {row[0]: row[-1] for row in table(browser, "What the browser sent")}


def fill(browser: webdriver.Chrome, **fields: str) -> None:
    for name, value in fields.items():
        field = browser.find_element(By.NAME, name)
        field.clear()
        field.send_keys(value)


def tick(browser: webdriver.Chrome, name: str, value: str = "") -> None:
    of_value = f"[value='{value}']" if value else ""
    browser.find_element(By.CSS_SELECTOR, f"input[name='{name}']{of_value}").click()


def test_a_cookie_comes_back_whichever_answer_has_set_it(browser_without_javascript, classroom):
    browser = browser_without_javascript
    for answer in ("redirect", "template", "page"):
        browser.get(f"{classroom.url}/cookies/")
        fill(browser, name=f"by-{answer}", value="green")
        tick(browser, "answer", answer)
        press(browser, "Set")
        if answer == "template":
            assert f"by-{answer}" not in sent(browser), "it is on its way"
            [[line]] = table(browser, "What this answer sets")
            assert re.fullmatch(
                r"by-template=green; expires=[\w, :]+ GMT; Max-Age=3600; Path=/; SameSite=Lax", line
            ), line
            browser.get(f"{classroom.url}/cookies/")
        if answer == "page":
            assert browser.find_element(By.TAG_NAME, "h1").text == "A plain page"
            leave(browser, browser.find_element(By.TAG_NAME, "a").click)
        assert browser.current_url == f"{classroom.url}/cookies/"
        assert sent(browser)[f"by-{answer}"] == "green"
        assert table(browser, "What this answer sets") == [["No cookie of this lesson."]]


def test_every_attribute_reaches_the_browser(browser, classroom):
    browser.get(f"{classroom.url}/cookies/?example=below")
    fill(browser, name="all", max_age="")
    # A date is typed in an order that depends on the browser's language.
    browser.execute_script("arguments[0].value = '2027-01-02T03:04'", browser.find_element(By.NAME, "expires"))
    Select(browser.find_element(By.NAME, "same_site")).select_by_visible_text("Strict")
    tick(browser, "secure")
    tick(browser, "partitioned")
    tick(browser, "answer", "template")
    press(browser, "Set")
    [[line]] = table(browser, "What this answer sets")
    assert re.fullmatch(
        r"all=green; expires=Sat, 02 Jan 2027 03:04:\d\d GMT; HttpOnly; Max-Age=\d+; Partitioned; Path=/cookies/; "
        r"SameSite=Strict; Secure",
        line,
    ), line
    browser.get(f"{classroom.url}/cookies/")
    assert sent(browser)["all"] == "green"
    cookie = browser.get_cookie("all")
    expected = {"httpOnly": True, "secure": True, "sameSite": "Strict", "path": "/cookies/"}
    assert expected.items() <= cookie.items(), cookie
    assert "all=" not in browser.execute_script("return document.cookie")
    browser.get(f"{classroom.url}/")
    assert browser.get_cookie("all") is None, "sent nowhere else"


def test_a_cookie_is_deleted_where_it_was_set_and_nowhere_else(browser_without_javascript, classroom):
    browser = browser_without_javascript
    browser.get(f"{classroom.url}/cookies/?example=below")
    press(browser, "Set")
    assert sent(browser)["colour"] == "green"
    browser.get(f"{classroom.url}/cookies/")
    press(browser, "Delete")
    assert sent(browser)["colour"] == "green", "this was the path /"
    browser.get(f"{classroom.url}/cookies/?example=below")
    press(browser, "Delete")
    assert "colour" not in sent(browser)


@pytest.mark.parametrize("example", REFUSED)
def test_what_browsers_would_drop_is_told(browser, classroom, example):
    browser.get(f"{classroom.url}/cookies/?example={example}")
    press(browser, "Set")
    assert REFUSED[example] in browser.find_element(By.CSS_SELECTOR, "[role=alert]").text
    assert browser.title.startswith("Error:")
    assert not {"colour", "__Host-colour"} & sent(browser).keys()
    assert table(browser, "What this answer sets") == [["No cookie of this lesson."]]


def test_what_is_no_cookie_is_told_on_the_page(classroom):
    client = Client()
    token = client.get(f"{classroom.url}/cookies/").csrf_token()
    ordinary = {"csrfmiddlewaretoken": token, "name": "a", "value": "b", "path": "/"}
    for fields, words in (
        ({"name": ""}, "name is empty"),
        ({"name": "a b"}, "name is empty or has a character"),
        ({"name": "path"}, "named as an attribute"),
        ({"value": "€"}, "code point above 255"),
        ({"value": "a\r\nSet-Cookie: b=c"}, "control character"),
        ({"path": "/; Domain=example.org"}, "semicolon"),
        ({"domain": "münchen.example"}, "not ASCII"),
        ({"max_age": "soon"}, "whole number of seconds"),
        ({"max_age": "9" * 40}, "whole number of seconds"),
        ({"max_age": "9" * 18}, "400 days"),
        ({"max_age": "60", "expires": "2030-01-01T00:00"}, "fill in one of them"),
        ({"expires": "tomorrow"}, "a date and a time"),
        ({"expires": "9999-12-31T23:59"}, "400 days"),
        ({"same_site": "Perhaps"}, "SameSite must be"),
        ({"partitioned": "on"}, "Partitioned only with Secure"),
        ({"path": "/" + "x" * 2000}, "more than 1024 bytes"),
    ):
        answer = client.post(f"{classroom.url}/cookies/set/", **(ordinary | fields))
        assert (answer.status, words in answer.body) == (200, True), fields
        lines = answer.headers.get_all("Set-Cookie")
        assert [line.split("=")[0] for line in lines] == ["csrftoken"], fields
    answer = client.post_with(f"{classroom.url}/cookies/set/", {"X-CSRFToken": token}, name="<b>", value="1")
    assert answer.status == 200 and "<b>&" not in answer.body and 'value="<b>"' not in answer.body


def test_a_long_value_is_shortened_because_it_may_be_a_key(browser, classroom):
    browser.get(f"{classroom.url}/cookies/")
    browser.get(f"{classroom.url}/cookies/")
    token = browser.get_cookie("csrftoken")["value"]
    assert sent(browser)["csrftoken"] == f"{token[:6]}… (32 characters)"
    assert token not in browser.page_source


def test_a_browser_that_keeps_cookies_is_told_from_one_that_does_not(browser, classroom, tmp_path):
    browser.get(f"{classroom.url}/cookies/")
    leave(browser, browser.find_element(By.LINK_TEXT, "Set the test’s cookie").click)
    assert browser.current_url == f"{classroom.url}/cookies/tested/"
    assert "This browser keeps cookies" in text(browser)
    other = start_chromium(tmp_path / "without-cookies", cookies=False)
    try:
        other.get(f"{classroom.url}/cookies/")
        leave(other, other.find_element(By.LINK_TEXT, "Set the test’s cookie").click)
        assert "does not keep this site’s cookies" in other.find_element(By.CSS_SELECTOR, "[role=alert]").text
        assert sent(other) == {"No cookie.": "No cookie."}
        press(other, "Set")
        assert "The browser sent no cookie csrftoken" in text(other), "as the page has said"
    finally:
        other.quit()


def test_django_reads_the_same_cookies(classroom):
    """Its page is made of the same template."""
    header = r'theme="dark\054 blue"; lang=de; lang=en; =x; __Host-a=1'
    client = Client()
    ours = client.get(f"{classroom.url}/cookies/", Cookie=header).body
    asked = "from django.test import Client; print(Client().get('/cookies/', headers={'cookie': %r}).content.decode())"
    theirs = classroom.django(asked % header)
    rows = re.compile(r"<caption>What the browser sent</caption>.*?</table>", re.DOTALL)
    assert rows.search(ours).group() == rows.search(theirs).group()
    assert "<code>dark, blue</code>" in ours and "<code>en</code>" in ours


def test_everybody_can_read_it(browser, classroom):
    look_in_light_and_dark(browser, f"{classroom.url}/cookies/", "cookies")
    look_in_light_and_dark(browser, f"{classroom.url}/cookies/tested/", "cookies-tested")

"""The lesson with a shopping cart."""

from selenium.webdriver.common.by import By

from clicks import in_django, log_in, log_out, look_in_light_and_dark, press
from client import Client
from test_pages import text


def cart(browser) -> dict[str, int]:
    """How many of each good there are, if any."""
    rows = browser.find_elements(By.CSS_SELECTOR, "tbody tr")
    numbers = {
        row.find_element(By.TAG_NAME, "th").text: int(row.find_elements(By.TAG_NAME, "td")[1].text) for row in rows
    }
    return {good: number for good, number in numbers.items() if number}


def total(browser) -> str:
    return browser.find_element(By.CSS_SELECTOR, "tfoot td").text


def test_a_cart_is_the_same_after_the_login(browser_without_javascript, classroom):
    browser = browser_without_javascript
    browser.get(f"{classroom.url}/cart/")
    assert (cart(browser), total(browser)) == ({}, "0.00 €")
    press(browser, "Put in", "//tr[th='Globe']")
    press(browser, "Put in", "//tr[th='Chalk']")
    press(browser, "Put in", "//tr[th='Chalk']")
    assert (cart(browser), total(browser)) == ({"Chalk": 2, "Globe": 1}, "81.90 €")
    before = browser.get_cookie("sessionid")["value"]
    browser.find_element(By.LINK_TEXT, "log in").click()
    log_in(browser, "ann")
    assert browser.current_url == f"{classroom.url}/cart/"
    assert "It is still the same, Ann" in text(browser)
    assert (cart(browser), total(browser)) == ({"Chalk": 2, "Globe": 1}, "81.90 €")
    assert browser.get_cookie("sessionid")["value"] != before
    press(browser, "Take out", "//tr[th='Chalk']")
    assert (cart(browser), total(browser)) == ({"Globe": 1}, "79.50 €")
    log_out(browser)
    browser.get(f"{classroom.url}/cart/")
    assert cart(browser) == {}


def test_two_tabs_that_fill_the_cart_at_once_lose_nothing(browser, classroom):
    browser.get(f"{classroom.url}/cart/")
    press(browser, "Put in", "//tr[th='Satchel']")
    tab = Client()
    tab.cookies = {cookie["name"]: cookie["value"] for cookie in browser.get_cookies()}
    token = tab.get(f"{classroom.url}/cart/").csrf_token()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": classroom.url}
    goods = [1, 2] * 8
    answers = [
        tab.begin("POST", f"{classroom.url}/cart/put/", f"good={good}&csrfmiddlewaretoken={token}".encode(), headers)
        for good in goods
    ]
    assert {end().location for end in answers} == {"/cart/"}
    browser.refresh()
    assert cart(browser) == {"Chalk": 8, "Exercise book": 8, "Satchel": 1}


def test_what_the_shop_has_not_is_refused_with_a_word(browser, classroom):
    browser.get(f"{classroom.url}/cart/")
    for other in ("5", "-1", "0", "globe", "", "99999999999999999999"):
        # As somebody would who changes the page.
        browser.execute_script("document.querySelector('[name=good]').value = arguments[0]", other)
        press(browser, "Put in", "//tr[th='Chalk']")
        assert "Nothing was put in" in browser.find_element(By.CSS_SELECTOR, "[role=alert]").text, other
        assert cart(browser) == {}
    browser.get(f"{classroom.url}/cart/")
    for _ in range(20):
        press(browser, "Put in", "//tr[th='Chalk']")
    assert not browser.find_elements(By.CSS_SELECTOR, "[role=alert]")
    press(browser, "Put in", "//tr[th='Chalk']")
    assert browser.find_elements(By.CSS_SELECTOR, "[role=alert]")
    assert cart(browser) == {"Chalk": 20}


def test_django_shows_the_same_cart(browser, classroom):
    browser.get(f"{classroom.url}/cart/")
    press(browser, "Put in", "//tr[th='Satchel']")
    press(browser, "Put in", "//tr[th='Satchel']")
    assert in_django(classroom, browser, "/cart/", "dict(session), '98.00 €' in page") == "{'cart_3': 2} True"


def test_everybody_can_read_it(browser, classroom):
    browser.get(f"{classroom.url}/cart/")
    press(browser, "Put in", "//tr[th='Globe']")
    look_in_light_and_dark(browser, f"{classroom.url}/cart/?refused", "cart")

"""The lesson with a game's score."""

from selenium.webdriver.common.by import By

from clicks import in_django, look_in_light_and_dark, press
from client import Client


def score(browser) -> str:
    return browser.find_element(By.CSS_SELECTOR, ".figure output").text


def test_every_hit_counts_until_one_begins_again(browser_without_javascript, classroom):
    browser = browser_without_javascript
    browser.get(f"{classroom.url}/scores/")
    assert score(browser) == "0"
    press(browser, "Hit")
    press(browser, "Hit")
    assert score(browser) == "20"
    press(browser, "Begin again")
    assert score(browser) == "0"


def test_hits_at_the_same_time_are_all_counted_and_django_sees_them(browser, classroom):
    browser.get(f"{classroom.url}/scores/")
    press(browser, "Hit")
    tab = Client()
    tab.cookies = {cookie["name"]: cookie["value"] for cookie in browser.get_cookies()}
    token = tab.get(f"{classroom.url}/scores/").csrf_token()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": classroom.url}
    body = f"csrfmiddlewaretoken={token}".encode()
    hits = [tab.begin("POST", f"{classroom.url}/scores/hit/", body, headers) for _ in range(12)]
    assert {end().status for end in hits} == {302}
    browser.refresh()
    assert score(browser) == "130"
    assert in_django(classroom, browser, "/scores/", "session['score'], '<output>130</output>' in page") == "130 True"


def test_everybody_can_read_it(browser, classroom):
    look_in_light_and_dark(browser, f"{classroom.url}/scores/", "scores")

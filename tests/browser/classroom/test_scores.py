"""The lesson with a game's score."""

from selenium.webdriver.common.by import By

from clicks import look_in_light_and_dark, press


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


def test_everybody_can_read_it(browser, classroom):
    look_in_light_and_dark(browser, f"{classroom.url}/scores/", "scores")

"""The lesson with what a site can record."""

import time
import urllib.request

import pytest
from selenium.webdriver.common.by import By

from clicks import look_in_light_and_dark, press
from servers import Place
from test_pages import fill_in, text

PASSWORD = "chalk on a blackboard"


def facts(browser) -> dict[str, str]:
    """What the page says of its visitor."""
    terms = browser.find_elements(By.CSS_SELECTOR, ".facts dt")
    values = browser.find_elements(By.CSS_SELECTOR, ".facts dd")
    return {term.text: value.text for term, value in zip(terms, values, strict=True)}


def once_written(browser, classroom, done) -> dict[str, str]:
    """The page's facts, when the task has written what they are to say."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        browser.get(f"{classroom.url}/tracking/")
        if done(facts(browser)):
            return facts(browser)
        time.sleep(0.1)
    raise AssertionError(f"not written: {text(browser)}")


def kept(classroom) -> list[tuple]:
    """Nothing of it changes any more: everything that was seen is written."""
    deadline = time.monotonic() + 10
    before = None
    while time.monotonic() < deadline:
        now = classroom.rows("SELECT * FROM classroom_count ORDER BY visitor, hour, kind, page")
        if now == before:
            return now
        before = now
        time.sleep(1.2)
    raise AssertionError("somebody is still visiting")


def column(browser, index: int) -> list[int]:
    """The numbers of the table of hours."""
    cells = browser.find_elements(By.CSS_SELECTOR, f".scroll tbody tr > :nth-child({index})")
    return [int(cell.get_attribute("textContent")) for cell in cells]


def columns_of(browser, chart: str, name: str) -> int:
    return len(browser.find_elements(By.CSS_SELECTOR, f"#{chart} rect.{name} > title"))


def test_visits_and_logins_are_counted_shown_and_downloaded(browser_without_javascript, classroom):
    browser = browser_without_javascript
    for path in ("/scores/", "/scores/?secret=query", "/", "/nowhere/", "/login/?next=/"):
        browser.get(classroom.url + path)
    cookie = browser.get_cookie("visitor")
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", "/")
    fill_in(browser, "wrong", "cleo")
    fill_in(browser, PASSWORD, "cleo")
    said = once_written(browser, classroom, lambda facts: facts.get("Logins") == "1, and 1 that failed")
    assert int(said["Visits"]) >= 4, said
    assert said["Number"].startswith(cookie["value"][:8])

    # The charts say what the table says.
    hours = browser.find_elements(By.CSS_SELECTOR, ".scroll tbody th")
    assert len(hours) == 24
    for chart, name, index in (("visits", "visits", 3), ("logins", "sign_ins", 4), ("logins", "failures", 5)):
        assert columns_of(browser, chart, name) == sum(count > 0 for count in column(browser, index)) > 0, name

    request = urllib.request.Request(f"{classroom.url}/tracking/export/", headers={"Cookie": f"visitor={cookie['value']}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        csv = answer.read().decode()
        assert answer.headers["Content-Disposition"] == 'attachment; filename="my-visits.csv"'
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    header, *lines = csv.splitlines()
    assert header == "hour_utc,kind,page,times"
    counted = {}
    for line in lines:
        _, kind, page, times = line.split(",")
        counted[kind, page] = counted.get((kind, page), 0) + int(times)
    assert counted["visit", "/scores/"] == 2
    assert (counted["sign-in", ""], counted["failure", ""]) == (1, 1)
    assert "secret" not in csv and "nowhere" not in csv

    # Django counts the same rows.
    number = cookie["value"].split(":")[0]
    shown = classroom.django(f"from lessons.tracking import csv_of; print(csv_of('{number}'))")
    assert shown.splitlines()[: len(lines)] == csv.splitlines()[: len(lines)]


def test_a_visitor_is_forgotten(browser_without_javascript, classroom):
    browser = browser_without_javascript
    browser.get(f"{classroom.url}/scores/")
    once_written(browser, classroom, lambda facts: facts.get("Visits", "0") != "0")
    number = browser.get_cookie("visitor")["value"].split(":")[0]
    rows = "SELECT id FROM classroom_visitor WHERE id = ?1 UNION ALL SELECT visitor FROM classroom_count WHERE visitor = ?1"
    assert classroom.rows(rows, number)
    press(browser, "Forget me")
    assert browser.find_element(By.TAG_NAME, "h1").text == "You are forgotten"
    assert browser.get_cookie("visitor") is None
    assert classroom.rows(rows, number) == []
    browser.get(f"{classroom.url}/tracking/")
    assert browser.get_cookie("visitor")["value"].split(":")[0] != number
    assert classroom.rows(rows, number) == []


@pytest.mark.parametrize("header", ["Sec-GPC", "DNT"])
def test_nothing_is_recorded_of_who_asks_not_to_be_tracked(browser, classroom, header):
    before = kept(classroom)
    visitors = classroom.rows("SELECT count(*) FROM classroom_visitor")
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {header: "1"}})
    for path in ("/scores/", "/login/"):
        browser.get(classroom.url + path)
    fill_in(browser, "wrong", "cleo")
    fill_in(browser, PASSWORD, "cleo")
    browser.get(f"{classroom.url}/tracking/")
    assert "it asks not to be tracked" in text(browser)
    assert browser.get_cookie("visitor") is None
    assert facts(browser) == {}
    assert kept(classroom) == before
    assert classroom.rows("SELECT count(*) FROM classroom_visitor") == visitors


def test_what_was_seen_last_is_written_when_the_classroom_closes(classroom, tmp_path):
    place = Place(tmp_path)
    try:
        for visits in (1, 2):
            opened = type(classroom)(place)
            urllib.request.urlopen(f"{opened.url}/scores/", timeout=10).close()
            opened.process.stop()
            assert opened.process.process.returncode == 0
            assert opened.rows("SELECT sum(times) FROM classroom_count WHERE page = '/scores/'") == [(visits,)]
    finally:
        place.stop()


def test_everybody_can_read_it(browser, classroom):
    browser.get(f"{classroom.url}/login/")
    fill_in(browser, PASSWORD, "ben")
    once_written(browser, classroom, lambda facts: facts.get("Logins", "0").startswith("1"))
    look_in_light_and_dark(browser, f"{classroom.url}/tracking/", "tracking")
    look_in_light_and_dark(browser, f"{classroom.url}/tracking/forgotten/", "forgotten")

"""The lesson with the session itself."""

import re

import pytest
from selenium.webdriver.common.by import By

from chromium import start_chromium
from clicks import in_django, look_in_light_and_dark, press
from test_pages import text


def content(browser) -> dict[str, str]:
    """What the first table says is in the session."""
    rows = browser.find_elements(By.CSS_SELECTOR, "table[aria-labelledby='content'] tbody tr")
    return {row.find_element(By.TAG_NAME, "th").text: row.find_element(By.TAG_NAME, "td").text for row in rows}


def own_key(browser) -> str:
    """The beginning of the key in the row that is this browser's."""
    [row] = browser.find_elements(By.XPATH, "//tr[contains(., 'this browser’s')]")
    return row.find_element(By.TAG_NAME, "code").text


def cookie(browser) -> str:
    return browser.get_cookie("sessionid")["value"]


def test_what_is_in_a_session_is_seen_kept_and_deleted(browser_without_javascript, classroom):
    browser = browser_without_javascript
    browser.get(f"{classroom.url}/session/")
    assert content(browser) == {"visits": "1"}
    assert own_key(browser) == cookie(browser)[:4] + "…", "at the first visit"
    press(browser, "yellow")
    assert content(browser) == {"visits": "2", "chalk": '"yellow"'}
    press(browser, "Delete", "//tr[th='chalk']")
    assert content(browser) == {"visits": "3"}


def test_a_cycle_keeps_the_content_and_a_flush_nothing(browser_without_javascript, classroom):
    browser = browser_without_javascript
    browser.get(f"{classroom.url}/session/")
    press(browser, "blue")
    keys = [cookie(browser)]
    press(browser, "Cycle the key")
    assert content(browser) == {"visits": "3", "chalk": '"blue"'}
    keys.append(cookie(browser))
    press(browser, "Flush everything")
    assert content(browser) == {"visits": "1"}
    keys.append(cookie(browser))
    assert len(set(keys)) == 3
    alive = "SELECT session_key FROM django_session WHERE session_key IN (?, ?, ?)"
    assert classroom.rows(alive, *keys) == [(keys[2],)]


@pytest.mark.parametrize(
    ("takes", "age", "with_browser", "kept"),
    [
        ("a number", 300, False, "300"),
        ("a length of time", 3600, False, '"20'),
        ("a moment", 86_400, False, '"20'),
        # Visitors' sessions live for a day.
        ("zero", 86_400, True, "0"),
        ("nothing", 86_400, False, None),
    ],
)
def test_a_session_ends_as_each_form_of_expiry_says(
    browser_without_javascript, classroom, takes, age, with_browser, kept
):
    browser = browser_without_javascript
    browser.get(f"{classroom.url}/session/")
    press(browser, "Set", f"//tr[th='{'a number' if kept is None else 'nothing'}']")
    press(browser, "Set", f"//tr[th='{takes}']")
    shown = int(re.search(r"In (\d+) seconds", text(browser)).group(1))
    assert age - 30 <= shown <= age
    assert ("when it closes" in text(browser)) == with_browser
    assert ("expiry" not in browser.get_cookie("sessionid")) == with_browser
    expiry = content(browser).get("_session_expiry")
    assert expiry == kept or expiry.startswith(kept), expiry
    seen = in_django(classroom, browser, "/scores/", "session.get_expiry_age(), session.get_expire_at_browser_close()")
    django_age, django_with_browser = seen.split()
    # Django has no shorter life for visitors.
    expected = 1_209_600 if takes in ("zero", "nothing") else age
    assert expected - 60 <= int(django_age) <= expected
    assert django_with_browser == str(with_browser)


def test_each_browser_has_a_record_of_its_own(browser, classroom, tmp_path):
    second = start_chromium(tmp_path / "second")
    try:
        for one in (browser, second, browser):
            one.get(f"{classroom.url}/session/")
        assert content(browser) == {"visits": "2"}
        assert content(second) == {"visits": "1"}
        assert own_key(browser) != own_key(second)
        other = f"//tr[contains(., '{own_key(second)}')]"
        assert "another’s" in browser.find_element(By.XPATH, other).text
    finally:
        second.quit()


def test_a_name_that_the_library_keeps_is_not_deleted(browser, classroom):
    browser.get(f"{classroom.url}/session/")
    press(browser, "Set", "//tr[th='a number']")
    # As somebody would who changes the page.
    browser.execute_script("document.querySelector('[value=visits]').value = '_session_expiry'")
    press(browser, "Delete", "//tr[th='visits']")
    assert content(browser) == {"visits": "3", "_session_expiry": "300"}


def test_django_sees_the_same_content_and_goes_on_counting(browser, classroom):
    browser.get(f"{classroom.url}/session/")
    press(browser, "yellow")
    assert in_django(classroom, browser, "/session/", "dict(session)") == "{'visits': 3, 'chalk': 'yellow'}"
    browser.get(f"{classroom.url}/session/")
    assert content(browser) == {"visits": "4", "chalk": '"yellow"'}


def test_everybody_can_read_it(browser, classroom):
    browser.get(f"{classroom.url}/session/")
    press(browser, "yellow")
    press(browser, "Set", "//tr[th='zero']")
    look_in_light_and_dark(browser, f"{classroom.url}/session/", "session")

"""The lesson with preferences."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from chromium import start_chromium
from clicks import in_django, log_in, log_out, look_in_light_and_dark, press
from client import Client
from test_pages import resize, text

WALLS = {"light": "rgba(246, 243, 236, 1)", "dark": "rgba(19, 23, 22, 1)"}


def chosen(browser) -> list[str]:
    return [select.get_attribute("value") for select in browser.find_elements(By.CSS_SELECTOR, "main select")]


def choose(browser, *values: str) -> None:
    for select, value in zip(browser.find_elements(By.CSS_SELECTOR, "main select"), values, strict=True):
        Select(select).select_by_value(value)
    press(browser, "Keep")
    assert chosen(browser) == list(values)


def listed(browser) -> int:
    return len(browser.find_elements(By.CSS_SELECTOR, "section[lang] li"))


def wall(browser) -> str:
    return browser.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")


@pytest.mark.parametrize(("theme", "system"), [("dark", "light"), ("light", "dark")])
def test_a_visitor_s_choice_is_in_a_cookie_and_seen(browser, classroom, theme, system):
    resize(browser, 1200, system)
    browser.get(f"{classroom.url}/preferences/")
    assert (chosen(browser), listed(browser), wall(browser)) == (["system", "en", "2"], 2, WALLS[system])
    choose(browser, theme, "de", "3")
    assert wall(browser) == WALLS[theme]
    assert "Unsere Klassen" in text(browser) and "Seite 1 von 3" in text(browser)
    assert listed(browser) == 3
    browser.find_element(By.LINK_TEXT, "Weiter").click()
    browser.find_element(By.LINK_TEXT, "Weiter").click()
    assert "Seite 3 von 3" in text(browser) and listed(browser) == 1
    cookie = browser.get_cookie("preferences")
    assert (cookie["value"], cookie["httpOnly"], cookie["sameSite"]) == (f"{theme}.de.3", True, "Lax")


def test_an_account_takes_the_cookie_over_once_and_has_it_in_every_browser(
    browser_without_javascript, classroom, tmp_path
):
    browser = browser_without_javascript
    browser.get(f"{classroom.url}/preferences/")
    choose(browser, "dark", "fr", "5")
    browser.find_element(By.LINK_TEXT, "log in").click()
    log_in(browser, "ann")
    assert browser.current_url == f"{classroom.url}/preferences/"
    assert chosen(browser) == ["dark", "fr", "5"]
    assert browser.get_cookie("preferences") is None
    kept = "SELECT theme, language, page_size FROM classroom_preference JOIN auth_user ON id = user_id WHERE username = ?"
    assert classroom.rows(kept, "ann") == [("dark", "fr", 5)]

    other = start_chromium(tmp_path / "other")
    try:
        other.get(f"{classroom.url}/login/?next=/preferences/")
        log_in(other, "ann")
        assert chosen(other) == ["dark", "fr", "5"]
        choose(other, "dark", "de", "3")
    finally:
        other.quit()

    log_out(browser)
    browser.get(f"{classroom.url}/preferences/")
    assert chosen(browser) == ["system", "en", "2"]
    choose(browser, "light", "en", "2")
    browser.find_element(By.LINK_TEXT, "log in").click()
    log_in(browser, "ann")
    assert chosen(browser) == ["dark", "de", "3"], "what the account has goes before a cookie"
    shown = "'<html lang=\"en\" data-theme=\"dark\">' in page, 'Unsere Klassen' in page, 'Seite 1 von 3' in page"
    assert in_django(classroom, browser, "/preferences/", shown) == "True True True"


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        ("pink.de.5", ["system", "de", "5"]),
        ("dark.xx.99999", ["dark", "en", "2"]),
        ("", ["system", "en", "2"]),
        ('"><script>', ["system", "en", "2"]),
        ("dark", ["dark", "en", "2"]),
    ],
)
def test_what_nobody_can_choose_falls_back(browser, classroom, cookie, expected):
    browser.get(f"{classroom.url}/preferences/")
    browser.add_cookie({"name": "preferences", "value": cookie})
    for page in ("", "?page=0", "?page=-1", "?page=99999999999999999999", "?page=x&page=y"):
        browser.get(f"{classroom.url}/preferences/{page}")
        assert chosen(browser) == expected
        assert listed(browser) > 0
    seen = in_django(classroom, browser, "/preferences/", "[part in page for part in ('data-theme', 'Unsere')]")
    assert seen == str([expected[0] == "dark", expected[1] == "de"])


def test_a_form_of_nonsense_is_kept_as_what_it_falls_back_to(classroom):
    client = Client()
    token = client.get(f"{classroom.url}/preferences/").csrf_token()
    body = f"csrfmiddlewaretoken={token}&theme=dark&theme=%ff&language[]=de&page_size=1e9".encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": classroom.url}
    assert client.request("POST", f"{classroom.url}/preferences/", body, headers).status == 302
    assert client.cookies["preferences"] == "system.en.2"


def test_django_reads_and_writes_the_same_preferences(browser, classroom):
    browser.get(f"{classroom.url}/login/?next=/preferences/")
    log_in(browser, "ben")
    choose(browser, "light", "fr", "3")
    code = (
        "from tables import Preference; kept = Preference.objects.get(user__username='ben'); "
        "print(kept.theme, kept.language, kept.page_size); kept.language = 'de'; kept.save()"
    )
    assert classroom.django(code) == "light fr 3"
    browser.refresh()
    assert chosen(browser) == ["light", "de", "3"]


def test_everybody_can_read_it(browser, classroom):
    browser.get(f"{classroom.url}/preferences/")
    look_in_light_and_dark(browser, f"{classroom.url}/preferences/", "preferences")
    for theme in ("light", "dark"):
        browser.get(f"{classroom.url}/preferences/")
        choose(browser, theme, "fr", "5")
        look_in_light_and_dark(browser, f"{classroom.url}/preferences/", f"preferences-{theme}")

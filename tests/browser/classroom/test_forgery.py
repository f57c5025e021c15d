"""The lesson with forms of one's own and of others."""

from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from clicks import look_in_light_and_dark, press
from looking import look
from test_pages import leave, resize, text

NOTHING = {"checked": 0, "exempt": 0, "protected": 0, "fetched": 0}


def stars(browser, classroom) -> dict[str, int]:
    browser.get(f"{classroom.url}/csrf/")
    rows = browser.find_elements(By.CSS_SELECTOR, ".stars tbody tr")
    return {
        row.find_element(By.TAG_NAME, "th").text: int(row.find_element(By.CLASS_NAME, "number").text) for row in rows
    }


def send(browser, label: str) -> None:
    button = browser.find_element(By.CSS_SELECTOR, f"button[aria-label='{label}']")
    leave(browser, button.click)


def attempts(browser) -> list[str]:
    """What the page lists, the newest first."""
    return [item.text for item in browser.find_elements(By.CSS_SELECTOR, ".attempts li")]


def heading(browser) -> str:
    return browser.find_element(By.TAG_NAME, "h1").text


def follow(browser, words: str) -> None:
    leave(browser, browser.find_element(By.LINK_TEXT, words).click)


def test_a_form_needs_its_token_but_where_the_view_is_exempt(browser_without_javascript, classroom):
    browser = browser_without_javascript
    assert stars(browser, classroom) == NOTHING
    for view in ("checked", "exempt", "protected"):
        send(browser, f"With token, to {view}")
        assert "A star was given" in attempts(browser)[0]
    send(browser, "Without, to exempt")
    assert stars(browser, classroom) == {"checked": 1, "exempt": 2, "protected": 1, "fetched": 0}
    for view in ("checked", "protected"):
        send(browser, f"Without, to {view}")
        assert heading(browser) == "This form was refused"
        assert "It had no token" in text(browser)
        follow(browser, "Load the page again")
        assert browser.current_url == f"{classroom.url}/csrf/"
        newest = attempts(browser)[0]
        assert newest.startswith(f"POST {view}: 403, no star")
        assert "from this site, with the session’s cookie" in newest
    assert stars(browser, classroom) == {"checked": 1, "exempt": 2, "protected": 1, "fetched": 0}
    assert "your browser runs none" in text(browser)


def test_a_script_sends_the_token_from_the_cookie(browser, classroom):
    assert stars(browser, classroom) == NOTHING

    def press_and_hear(label: str, words: str) -> None:
        browser.find_element(By.CSS_SELECTOR, f"button[aria-label='{label}']").click()
        WebDriverWait(browser, 30).until(lambda _: words in browser.find_element(By.ID, "said").text)

    press_and_hear("Without, by script", "The script was refused (403)")
    press_and_hear("With token, by script", "The script got a star.")
    assert browser.find_element(By.ID, "fetched").text == "1"
    assert stars(browser, classroom) == {**NOTHING, "fetched": 1}


def test_the_evil_page_changes_nothing_by_its_link_its_buttons_and_its_script(browser, classroom):
    assert stars(browser, classroom) == NOTHING
    session = browser.get_cookie("sessionid")["value"]
    attack(browser, "Open the evil page")
    assert "127.0.0.1" in browser.current_url, "another site than localhost"
    evil = browser.current_url

    follow(browser, "Fetch the prize by a link")
    assert heading(browser) == "This address takes forms only"
    for view in ("checked", "protected"):
        browser.get(evil)
        press(browser, f"The {view} prize")
        assert heading(browser) == "This form was refused"
        assert "A page of another site sent it" in text(browser)
    browser.get(evil)
    press(browser, "The exempt prize")
    newest = attempts(browser)[0]
    assert newest.startswith("POST exempt: 302, no star")
    assert "from another site, without the session’s cookie" in newest and "SameSite=Lax" in newest
    browser.get(evil)
    by_script(browser)

    assert stars(browser, classroom) == NOTHING
    assert browser.get_cookie("sessionid")["value"] == session
    newest = attempts(browser)[:3]
    assert all("from another site, without the session’s cookie" in attempt for attempt in newest), newest
    assert sum(": 403, no star" in attempt for attempt in newest) == 2
    # The link, three buttons, and three by the script.
    items = browser.find_elements(By.CSS_SELECTOR, ".attempts li")[:7]
    assert [item.get_attribute("class") for item in items] == ["kept"] * 7


def test_a_neighbour_gets_through_to_the_exempt_view_alone(browser, classroom):
    assert stars(browser, classroom) == NOTHING
    attack(browser, "The same as a neighbour")
    assert browser.current_url.startswith("http://localhost:")
    evil = browser.current_url
    for view in ("checked", "protected"):
        browser.get(evil)
        press(browser, f"The {view} prize")
        assert "A neighbour’s page sent it" in text(browser)
    browser.get(evil)
    press(browser, "The exempt prize")
    assert "that you did not ask for" in attempts(browser)[0]
    assert browser.find_elements(By.CLASS_NAME, "stolen")
    assert stars(browser, classroom) == {**NOTHING, "exempt": 1}
    browser.get(evil)
    by_script(browser)
    assert stars(browser, classroom) == {**NOTHING, "exempt": 2}


def attack(browser, words: str) -> None:
    follow(browser, words)
    assert heading(browser) == "You have won!"


def by_script(browser) -> None:
    browser.find_element(By.ID, "script").click()
    WebDriverWait(browser, 30).until(lambda _: "3 of 3 were sent" in browser.find_element(By.ID, "said").text)


def test_django_asks_for_the_token_at_the_same_views(classroom):
    code = """
from django.test import Client
browser = Client(enforce_csrf_checks=True)
browser.get('/csrf/')
for view in ('checked', 'exempt', 'protected', 'fetched'):
    token = {'csrfmiddlewaretoken': browser.cookies['csrftoken'].value}
    print(view, *(browser.post(f'/csrf/{view}/', form).status_code for form in ({}, token)), browser.session[view])
"""
    said = classroom.django(code).splitlines()[-4:]
    assert said == ["checked 403 302 1", "exempt 302 302 2", "protected 403 302 1", "fetched 403 200 1"]


def test_refusals_have_a_page_and_programs_get_json(browser, classroom):
    browser.get(f"{classroom.url}/nowhere/")
    assert heading(browser) == "There is no such page"
    ask = """
      const done = arguments[0], headers = { Accept: 'application/json' };
      fetch('/csrf/checked/', { method: 'POST', headers }).then((answer) => answer.json()).then((json) => done(json.error));
    """
    assert browser.execute_async_script(ask) == "csrf_failed"


def test_everybody_can_read_it(browser, classroom):
    stars(browser, classroom)
    send(browser, "With token, to checked")
    for scheme in ("light", "dark"):
        resize(browser, 1200, scheme)
        browser.get(f"{classroom.url}/csrf/")
        evil = browser.find_element(By.LINK_TEXT, "Open the evil page").get_attribute("href")
        send(browser, "Without, to checked")
        look(browser, f"classroom-refused-{scheme}")
    look_in_light_and_dark(browser, f"{classroom.url}/csrf/", "csrf")
    look_in_light_and_dark(browser, evil, "evil")

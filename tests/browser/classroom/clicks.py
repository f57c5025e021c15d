"""What people do on the classroom's pages."""

from urllib.parse import urlsplit

from selenium import webdriver
from selenium.webdriver.common.by import By

from looking import look
from test_pages import fill_in, leave, resize

# What the login page tells.
PASSWORD = "chalk on a blackboard"


def press(browser: webdriver.Chrome, words: str, within: str = "") -> None:
    """Presses the button with these words, of the one element that is named if there are several."""
    [button] = browser.find_elements(By.XPATH, f"{within}//button[normalize-space()='{words}']")
    leave(browser, button.click)


def log_in(browser: webdriver.Chrome, username: str) -> None:
    """Fills in the login page that is shown."""
    fill_in(browser, PASSWORD, username)


def log_out(browser: webdriver.Chrome) -> None:
    """Ends the library's login, wherever the browser is."""
    origin = urlsplit(browser.current_url)
    browser.get(f"{origin.scheme}://{origin.netloc}/logout/")
    press(browser, "Log out")


def in_django(classroom, browser: webdriver.Chrome, path: str, expression: str) -> str:
    """What Django says to this browser's cookies: an expression of `page`, the text that it sends, and `session`."""
    cookies = {cookie["name"]: cookie["value"] for cookie in browser.get_cookies()}
    return classroom.django(
        "from django.test import Client; client = Client(); client.cookies.load("
        f"{cookies!r}); page = client.get({path!r}).content.decode(); session = client.session; print({expression})"
    )


def look_in_light_and_dark(browser: webdriver.Chrome, url: str, name: str) -> None:
    """Keeps pictures of a page, wide and narrow, and asks axe about each."""
    for scheme in ("light", "dark"):
        for width in (1200, 390):
            resize(browser, width, scheme)
            browser.get(url)
            look(browser, f"classroom-{name}-{width}-{scheme}")
            overflow = browser.execute_script("return document.documentElement.scrollWidth - innerWidth")
            assert overflow <= 0, f"{name} is wider than {width} pixels"

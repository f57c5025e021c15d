"""The server's pages as someone with a browser meets them."""

import re

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from looking import SCREENSHOTS
from servers import PASSWORD, USERNAME, Cloakroom

LOGIN_ERROR = "Please enter a correct username and password. Note that both fields may be case-sensitive."


def fill_in(browser: webdriver.Chrome, password: str, username: str = USERNAME) -> None:
    """Types into the login form and sends it."""
    for name, text in (("username", username), ("password", password)):
        field = browser.find_element(By.NAME, name)
        field.clear()
        field.send_keys(text)
    leave(browser, lambda: browser.find_element(By.NAME, "password").send_keys(Keys.ENTER))


def leave(browser: webdriver.Chrome, action) -> None:
    """Does what leads to another page and waits until that is there."""
    old = browser.find_element(By.TAG_NAME, "html")
    action()
    WebDriverWait(browser, 30).until(lambda _: gone(old))
    WebDriverWait(browser, 30).until(lambda _: browser.find_elements(By.TAG_NAME, "body"))


def gone(element) -> bool:
    try:
        element.is_enabled()
    except Exception:  # the driver has several words for a page that was left
        return True
    return False


def sign_in(browser: webdriver.Chrome, server: Cloakroom) -> None:
    browser.get(f"{server.url}/login/")
    fill_in(browser, PASSWORD)
    assert browser.current_url == f"{server.url}/home/"


def text(browser: webdriver.Chrome) -> str:
    return browser.find_element(By.TAG_NAME, "body").text


def sign_out_button(browser: webdriver.Chrome):
    return browser.find_element(By.CSS_SELECTOR, "form[action='/logout/'] button")


def resize(browser: webdriver.Chrome, width: int, scheme: str) -> None:
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def test_a_guarded_page_is_reached_after_one_wrong_password_and_left_again(browser, server):
    browser.get(f"{server.url}/")
    assert browser.find_element(By.CSS_SELECTOR, "a[href^='/login/']").is_displayed()

    browser.get(f"{server.url}/home/?from=test")
    assert browser.current_url.startswith(f"{server.url}/login/?next=")
    fill_in(browser, "wrong")
    assert browser.title.startswith("Error:")
    assert LOGIN_ERROR in text(browser)
    assert browser.find_element(By.NAME, "username").get_attribute("value") == USERNAME
    assert browser.find_element(By.NAME, "password").get_attribute("value") == ""

    fill_in(browser, PASSWORD)
    assert browser.current_url == f"{server.url}/home/?from=test"
    assert USERNAME in text(browser)
    cookie = browser.get_cookie("sessionid")
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", "/")

    leave(browser, lambda: sign_out_button(browser).click())
    assert browser.current_url == f"{server.url}/login/"
    assert browser.get_cookie("sessionid") is None
    browser.get(f"{server.url}/home/")
    assert browser.current_url.startswith(f"{server.url}/login/")


def test_the_back_button_shows_nothing_after_the_logout(browser, server):
    sign_in(browser, server)
    leave(browser, lambda: sign_out_button(browser).click())
    browser.back()
    WebDriverWait(browser, 30).until(lambda _: "/login/" in browser.current_url)
    assert not browser.find_elements(By.CSS_SELECTOR, "form[action='/logout/']")


def test_a_form_left_open_over_a_login_elsewhere_says_what_to_do(browser, server):
    browser.get(f"{server.url}/login/")
    first = browser.current_window_handle
    browser.switch_to.new_window("tab")
    sign_in(browser, server)
    browser.switch_to.window(first)
    fill_in(browser, PASSWORD)
    assert "CSRF verification failed. Request aborted." in text(browser)


def test_a_refused_form_leads_back_to_itself_and_on_to_where_it_was_going(browser, server):
    browser.get(f"{server.url}/login/?next=/home/%3Ftab%3D2")
    browser.delete_cookie("csrftoken")
    fill_in(browser, PASSWORD)
    assert "CSRF verification failed. Request aborted." in text(browser)
    again = browser.find_element(By.LINK_TEXT, "Load the form again")
    leave(browser, again.click)
    fill_in(browser, PASSWORD)
    assert browser.current_url == f"{server.url}/home/?tab=2"


def test_the_keyboard_is_enough(browser, server):
    def press(*keys: str) -> None:
        webdriver.ActionChains(browser).send_keys(*keys).perform()

    def tab_to(selector: str) -> None:
        for _ in range(20):
            if browser.switch_to.active_element in browser.find_elements(By.CSS_SELECTOR, selector):
                return
            press(Keys.TAB)
        raise AssertionError(f"twenty tabs do not reach {selector}")

    browser.get(f"{server.url}/")
    tab_to("main a[href^='/login/']")
    leave(browser, lambda: press(Keys.ENTER))
    tab_to("[name=username]")
    press(USERNAME)
    press(Keys.TAB)
    press(PASSWORD)
    press(Keys.TAB)
    assert browser.switch_to.active_element.tag_name == "button"
    leave(browser, lambda: press(Keys.SPACE))
    assert browser.current_url == f"{server.url}/home/"
    tab_to("form[action='/logout/'] button")
    leave(browser, lambda: press(Keys.ENTER))
    assert browser.current_url == f"{server.url}/login/"


def test_no_page_needs_javascript(browser_without_javascript, server):
    browser = browser_without_javascript
    browser.get("data:text/html,<title>off</title><script>document.title = 'on'</script>")
    assert browser.title == "off"
    browser.get(f"{server.url}/home/")
    fill_in(browser, "wrong")
    assert browser.title.startswith("Error:")
    fill_in(browser, PASSWORD)
    assert browser.current_url == f"{server.url}/home/"
    leave(browser, lambda: sign_out_button(browser).click())
    assert browser.current_url == f"{server.url}/login/"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1200])
def test_pages_fit_and_follow_the_colour_scheme(browser, server, width, scheme):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    resize(browser, width, scheme)

    def look(name: str) -> None:
        fits = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        assert browser.execute_script(fits), f"{name} scrolls sideways at {width} px"
        backgrounds = "return [document.body, document.documentElement].map(e => getComputedStyle(e).backgroundColor)"
        colour = next(colour for colour in browser.execute_script(backgrounds) if colour.startswith("rgb("))
        brightness = sum(int(part) for part in re.findall(r"\d+", colour))
        assert (brightness > 384) == (scheme == "light"), f"{name}: {colour}"
        browser.save_screenshot(str(SCREENSHOTS / f"{name}-{width}-{scheme}.png"))

    for name, path in (("index", "/"), ("login", "/login/"), ("not-found", "/nowhere/")):
        browser.get(server.url + path)
        look(name)
    browser.get(f"{server.url}/login/")
    fill_in(browser, "wrong", "a-very-long-user-name-without-any-place-to-break-it@example.com")
    look("login-error")
    browser.get(f"{server.url}/login/?next=/home/")
    browser.delete_cookie("csrftoken")
    fill_in(browser, PASSWORD)
    look("refused")
    sign_in(browser, server)
    look("home")


def test_every_field_has_a_name_and_every_page_a_heading(browser, server):
    def check() -> None:
        assert browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en"
        assert len(browser.find_elements(By.TAG_NAME, "h1")) == 1
        for field in browser.find_elements(By.CSS_SELECTOR, "input:not([type=hidden]), button, a"):
            assert field.accessible_name.strip(), field.get_attribute("outerHTML")

    for path in ("/", "/login/", "/nowhere/"):
        browser.get(server.url + path)
        check()
    browser.get(f"{server.url}/login/")
    fill_in(browser, "wrong")
    check()
    assert browser.find_elements(By.CSS_SELECTOR, "[role=alert]")
    sign_in(browser, server)
    check()

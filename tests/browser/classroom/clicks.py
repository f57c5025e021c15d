"""What people do on the classroom's pages."""

from selenium import webdriver
from selenium.webdriver.common.by import By

from looking import look
from test_pages import leave, resize


def press(browser: webdriver.Chrome, words: str, within: str = "") -> None:
    """Presses the button with these words, of the one element that is named if there are several."""
    [button] = browser.find_elements(By.XPATH, f"{within}//button[normalize-space()='{words}']")
    leave(browser, button.click)


def look_in_light_and_dark(browser: webdriver.Chrome, url: str, name: str) -> None:
    """Keeps pictures of a page, wide and narrow, and asks axe about each."""
    for scheme in ("light", "dark"):
        for width in (1200, 390):
            resize(browser, width, scheme)
            browser.get(url)
            look(browser, f"classroom-{name}-{width}-{scheme}")
            overflow = browser.execute_script("return document.documentElement.scrollWidth - innerWidth")
            assert overflow <= 0, f"{name} is wider than {width} pixels"

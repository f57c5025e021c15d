"""The lesson with the library's own users and guards."""

from selenium.webdriver.common.by import By

from clicks import PASSWORD, in_django, log_in, look_in_light_and_dark, press
from test_pages import text


def classes(browser) -> list[str]:
    return [cell.text for cell in browser.find_elements(By.CSS_SELECTOR, "tbody td:first-child")]


def test_a_guarded_page_is_reached_by_a_login_and_closed_by_a_logout(browser_without_javascript, classroom):
    browser = browser_without_javascript
    for page in ("/class_list/?term=2", "/home/"):
        browser.get(classroom.url + page)
        assert browser.current_url.startswith(f"{classroom.url}/login/?next=")
        assert PASSWORD in text(browser) and "ann, ben and cleo" in text(browser)
        log_in(browser, "ann")
        assert browser.current_url == classroom.url + page
        press(browser, "Log out")
        assert browser.current_url == f"{classroom.url}/login/"
    log_in(browser, "ben")
    assert browser.current_url == f"{classroom.url}/home/"
    assert "Welcome, Ben" in text(browser)
    browser.find_element(By.LINK_TEXT, "class list").click()
    assert classes(browser) == [name for (name,) in classroom.rows("SELECT name FROM classroom_class ORDER BY name")]


def test_django_knows_the_user_and_shows_the_same_list(browser, classroom):
    browser.get(f"{classroom.url}/class_list/")
    log_in(browser, "cleo")
    shown = classes(browser)
    assert in_django(classroom, browser, "/home/", "'Welcome, <strong>Cleo</strong>' in page") == "True"
    assert shown and in_django(classroom, browser, "/class_list/", f"all(name in page for name in {shown!r})") == "True"


def test_django_lets_the_same_people_in(classroom):
    form = {"username": "ann", "password": PASSWORD, "next": "/class_list/"}
    assert classroom.django(
        "from django.test import Client; client = Client(); print(client.get('/class_list/').url, "
        "'ann</kbd>' in client.get('/login/').content.decode(), "
        f"client.post('/login/', {form!r}).url, client.get('/class_list/').status_code)"
    ) == "/login/?next=/class_list/ True /class_list/ 200"


def test_django_s_page_says_that_a_password_is_wrong(classroom):
    form = {"username": "ann", "password": "wrong"}
    code = f"from django.test import Client; print(Client().post('/login/', {form!r}).content.decode())"
    assert "Please enter a correct username and password" in classroom.django(code)


def test_everybody_can_read_it(browser, classroom):
    look_in_light_and_dark(browser, f"{classroom.url}/class_list/", "login")
    log_in(browser, "ann")
    look_in_light_and_dark(browser, f"{classroom.url}/class_list/", "class-list")
    look_in_light_and_dark(browser, f"{classroom.url}/home/", "home")
    look_in_light_and_dark(browser, f"{classroom.url}/logout/", "logout")
    look_in_light_and_dark(browser, f"{classroom.url}/account/", "account")

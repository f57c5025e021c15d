"""The lesson with a signed cookie."""


from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from client import Client
from clicks import look_in_light_and_dark, press
from test_cookies import fill, table

THREE = "The same cookie, read in three ways"
GOOD = [["shop", "a day", "Good: 20 %"], ["shop", "a minute", "Good: 20 %"]]
FOR_ANOTHER = ["canteen", "a day", "Forged: not signed for this"]


def test_a_cookie_that_is_tampered_with_is_refused(browser_without_javascript, classroom):
    browser = browser_without_javascript
    browser.get(f"{classroom.url}/signed/")
    assert {row[2] for row in table(browser, THREE)} == {"No cookie"}
    Select(browser.find_element(By.NAME, "percent")).select_by_value("20")
    press(browser, "Sign it into the cookie")
    assert table(browser, THREE) == [*GOOD, FOR_ANOTHER]
    signed = browser.find_element(By.NAME, "text").get_attribute("value")
    for tampered in (signed.replace("20", "90", 1), signed[:-1], "90", "", "::", "é"):
        fill(browser, text=tampered)
        press(browser, "Put it there")
        assert {row[2] for row in table(browser, THREE)} == {"Forged: not signed for this"}, tampered
    fill(browser, text=signed)
    press(browser, "Put it there")
    assert table(browser, THREE) == [*GOOD, FOR_ANOTHER], "what was signed is good again"


def test_expired_is_told_from_forged(browser, classroom):
    code = (
        "import time; from unittest.mock import patch; from django.http import HttpResponse\n"
        "with patch('time.time', lambda now=time.time(): now - {seconds}):\n"
        "    response = HttpResponse(); response.set_signed_cookie('discount', '20', salt='shop')\n"
        "print(response.cookies['discount'].value)"
    )
    expired = "Expired: signed, but too long ago"
    for seconds, words in ((61, ["Good: 20 %", expired]), (86_401, [expired, expired])):
        browser.get(f"{classroom.url}/signed/")
        fill(browser, text=classroom.django(code.format(seconds=seconds)))
        press(browser, "Put it there")
        assert [row[2] for row in table(browser, THREE)] == [*words, "Forged: not signed for this"]


def test_django_reads_what_we_sign(classroom):
    client = Client()
    token = client.get(f"{classroom.url}/signed/").csrf_token()
    assert client.post(f"{classroom.url}/signed/set/", csrfmiddlewaretoken=token, percent="10").status == 302
    asked = (
        "from django.test import Client; c = Client(); c.cookies['discount'] = %r\n"
        "print(c.get('/signed/').content.decode())"
    )
    page = classroom.django(asked % client.cookies["discount"])
    assert page.count("Good: 10 %") == 2 and page.count("Forged") == 1


def test_no_other_discount_is_signed(classroom):
    client = Client()
    token = client.get(f"{classroom.url}/signed/").csrf_token()
    for percent in ("90", "", "ten", "٥"):
        client.post(f"{classroom.url}/signed/set/", csrfmiddlewaretoken=token, percent=percent)
        assert client.cookies["discount"].startswith("5:"), percent


def test_everybody_can_read_it(browser, classroom):
    look_in_light_and_dark(browser, f"{classroom.url}/signed/", "signed-empty")
    press(browser, "Sign it into the cookie")
    look_in_light_and_dark(browser, f"{classroom.url}/signed/", "signed")

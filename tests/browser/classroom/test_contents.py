"""The table of contents, and what all lessons have in common."""

import re

from selenium.webdriver.common.by import By

from clicks import log_in, look_in_light_and_dark
from servers import ROOT

EXAMPLE = ROOT / "examples/classroom"
LESSONS = re.findall(r'"(\w+)", "(/[\w/-]+/)", "', (EXAMPLE / "src/contents.rs").read_text())


def test_the_contents_lead_to_every_lesson(browser, classroom):
    browser.get(f"{classroom.url}/")
    links = [link.get_attribute("href") for link in browser.find_elements(By.CSS_SELECTOR, ".contents a")]
    assert links == [classroom.url + path for _, path in LESSONS]
    look_in_light_and_dark(browser, f"{classroom.url}/", "contents")


def test_every_page_shows_the_lines_that_run(browser_without_javascript, classroom):
    browser = browser_without_javascript
    for name, path in LESSONS:
        browser.get(classroom.url + path)
        if "/login/" in browser.current_url:
            log_in(browser, "ann")
        boards = browser.find_elements(By.CSS_SELECTOR, ".boards code")
        files = [EXAMPLE / f"src/lessons/{name}.rs", EXAMPLE / f"django/lessons/{name}.py"]
        for board, file in zip(boards, files, strict=True):
            # `textContent` is what was sent; `text` would be without the spaces at the beginning of lines.
            shown = board.get_attribute("textContent")
            source = file.read_text().replace("pub(crate) ", "")
            assert shown and shown in source, f"{file.name}: {shown}"


def test_django_runs_the_lines_that_the_pages_show(classroom):
    """Django makes its pages of the same templates, on the same database."""
    lines = ["from django.test import Client", "from django.urls import resolve"]
    lines += [f"print(Client().get({path!r}).status_code, resolve({path!r}).func.__module__)" for _, path in LESSONS]
    shown = classroom.django("\n".join(lines)).splitlines()
    for (name, path), line in zip(LESSONS, shown, strict=True):
        status, module = line.split()
        assert status in ("200", "302") and module == f"lessons.{name}", f"{path}: {line}"

"""Looks at a page: keeps a picture of it, and asks axe what keeps people out."""

import importlib.util
import json
from pathlib import Path

from selenium import webdriver

from servers import ROOT

SCREENSHOTS = ROOT / "target/screenshots"
AXE = Path(importlib.util.find_spec("axe_playwright_python").origin).with_name("axe.min.js")


def look(browser: webdriver.Chrome, name: str) -> None:
    """Keeps a picture, and asks axe what keeps people out."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    browser.save_screenshot(str(SCREENSHOTS / f"{name}.png"))
    browser.execute_script(AXE.read_text())
    found = browser.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
    assert found["passes"], "axe looked at something"
    problems = [(one["id"], one["help"], [node["html"] for node in one["nodes"]]) for one in found["violations"]]
    assert not problems, f"{name}: {json.dumps(problems, indent=1)}"

"""Starts Debian's Chromium, which nobody sees and which remembers nothing."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service


def start_chromium(
    profile: Path, javascript: bool = True, flags: Sequence[str] = (), cookies: bool = True
) -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (
        "headless=new",
        "no-sandbox",
        "disable-dev-shm-usage",
        "disable-gpu",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        f"user-data-dir={profile}",
        *flags,
    ):
        options.add_argument(f"--{flag}")
    preferences = {"credentials_enable_service": False, "profile.password_manager_enabled": False}
    if not javascript:
        preferences["profile.managed_default_content_settings.javascript"] = 2
    if not cookies:
        preferences["profile.managed_default_content_settings.cookies"] = 2
    options.add_experimental_option("prefs", preferences)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))

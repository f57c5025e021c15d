"""Attacks on a site's forms, by real pages of other sites in a real browser, over TLS.

`a.site.test` is the site, `b.site.test` its sibling, `other.test` somebody else, and 127.0.0.1 a page over plain http. The
site's cookies are `SameSite=None` here: with Django's `Lax` a browser would not even send them along, and what is to be
shown is that the check refuses.
"""

import json
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from chromium import start_chromium
from looking import SCREENSHOTS
from servers import PASSWORD, ROOT, USERNAME, Place, environment, free_port, made_by_cloakroom
from test_pages import fill_in, leave
from tunnel import Pages, certificate, tunnel

FORMS = ROOT / "target/debug/examples/forms"
SITE, SIBLING, OTHER = "a.site.test", "b.site.test", "other.test"
UPLOAD = 50 << 20


@pytest.fixture(scope="session", params=["cookie", "session", "login"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The site behind TLS, for each place in which it may keep its secret; and the others."""
    folder = tmp_path_factory.mktemp("forms")
    place = made_by_cloakroom(folder)
    arguments = ["--noinput", "--username", USERNAME, "--email", "ada@example.com"]
    made = place.cloakroom_command("createsuperuser", *arguments, DJANGO_SUPERUSER_PASSWORD=PASSWORD)
    assert made.returncode == 0, made.stderr
    stops = [place.stop]
    try:
        context = certificate(folder, [SITE, SIBLING, OTHER])
        port = free_port()
        outer = tunnel(context, port)
        stops.append(outer.stop)
        others = {SIBLING: Pages(context), OTHER: Pages(context), "127.0.0.1": Pages()}
        stops += [other.stop for other in others.values()]
        secret = {"session": "CLOAKROOM_CSRF_USE_SESSIONS", "login": "CLOAKROOM_CSRF_BIND_TO_LOGIN"}.get(request.param)
        start_forms(place, port, **({secret: "true"} if secret else {}))
        urls = {name: f"https://{name}:{other.port}" for name, other in others.items()}
        urls["127.0.0.1"] = f"http://127.0.0.1:{others['127.0.0.1'].port}"
        yield SimpleNamespace(url=f"https://{SITE}:{outer.port}", others=others, urls=urls, kind=request.param)
    finally:
        for stop in reversed(stops):
            stop()


def start_forms(place: Place, port: int, **environ: str) -> None:
    environ = environment(
        FORMS_BEHIND_TLS="1",
        CLOAKROOM_ALLOWED_HOSTS=json.dumps([SITE]),
        CLOAKROOM_SESSION_COOKIE_SAMESITE="None",
        CLOAKROOM_CSRF_COOKIE_SAMESITE="None",
        CLOAKROOM_LOGIN_URL="/sign-in/",
        CLOAKROOM_PROFILE="strict",
        **environ,
    )
    process = place.start([str(FORMS), str(place.database), str(port)], environ)
    process.await_port(port)


@pytest.fixture(scope="session")
def visitor(site: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """A browser that is signed in to the site."""
    profile = tmp_path_factory.mktemp("profile")
    names = ",".join(f"MAP {name} 127.0.0.1" for name in (SITE, SIBLING, OTHER))
    driver = start_chromium(profile, flags=[f"host-resolver-rules={names}", "ignore-certificate-errors"])
    try:
        driver.get(f"{site.url}/sign-in/")
        fill_in(driver, PASSWORD)
        assert index(driver, site)["user"] == USERNAME
        yield driver
    finally:
        driver.quit()


def index(browser: webdriver.Chrome, site: SimpleNamespace) -> dict:
    browser.get(f"{site.url}/")
    return json.loads(browser.find_element(By.TAG_NAME, "body").text)


def body(browser: webdriver.Chrome) -> str:
    return browser.find_element(By.TAG_NAME, "body").text


def until(browser: webdriver.Chrome, condition) -> None:
    WebDriverWait(browser, 30).until(condition)


def attacked(site: SimpleNamespace, visitor: webdriver.Chrome, host: str, html: str) -> None:
    """Opens a page of another site."""
    site.others[host].pages["/"] = f"<!doctype html><meta charset=utf-8><title>attack</title>{html}"
    visitor.get(f"{site.urls[host]}/")


def shoot(browser: webdriver.Chrome, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    browser.save_screenshot(str(SCREENSHOTS / f"{name}.png"))


HOSTS = pytest.mark.parametrize("host", [SIBLING, OTHER, "127.0.0.1"])


@HOSTS
def test_a_link_changes_nothing(site, visitor, host):
    before = index(visitor, site)
    attacked(site, visitor, host, f"<a href='{site.url}/note/?text=gotcha'>win</a>")
    leave(visitor, visitor.find_element(By.TAG_NAME, "a").click)
    assert "A note" in body(visitor), "the page is shown, and nothing is done"
    assert index(visitor, site) == before


@HOSTS
def test_a_button_of_another_site_s_form_is_refused(site, visitor, host):
    before = index(visitor, site)
    own = visitor.get_cookie("csrftoken")
    # Even with the visitor's own token, which no other site can know.
    for token in ["", "a" * 32] + ([own["value"]] if own else []):
        form = f"<form method=post action='{site.url}/note/'><input name=text value=gotcha>"
        form += f"<input name=csrfmiddlewaretoken value='{token}'><button>win</button></form>"
        attacked(site, visitor, host, form)
        leave(visitor, visitor.find_element(By.TAG_NAME, "button").click)
        assert "CSRF verification failed" in body(visitor)
    shoot(visitor, f"csrf-refused-{site.kind}-{host}")
    assert index(visitor, site) == before


@HOSTS
def test_a_script_s_form_and_fetch_are_refused(site, visitor, host):
    before = index(visitor, site)
    form = f"<form method=post action='{site.url}/note/' enctype=text/plain><input name=text value=gotcha></form>"
    attacked(site, visitor, host, form)
    leave(visitor, lambda: visitor.execute_script("document.querySelector('form').submit()"))
    assert "CSRF verification failed" in body(visitor)

    attacked(site, visitor, host, "")
    script = f"""
      const done = arguments[0];
      const send = (how) => fetch('{site.url}/note/', {{ method: 'POST', credentials: 'include', ...how }})
        .then((response) => response.type + response.status, () => 'blocked');
      Promise.all([
        send({{ mode: 'no-cors', body: new URLSearchParams({{ text: 'gotcha' }}) }}),
        send({{ mode: 'cors', body: new URLSearchParams({{ text: 'gotcha' }}) }}),
        send({{ mode: 'cors', headers: {{ 'X-CSRFToken': 'a'.repeat(32) }} }}),
        send({{ mode: 'cors', headers: {{ Authorization: 'Bearer x' }} }}),
      ]).then(done);
    """
    answers = visitor.execute_async_script(script)
    assert answers == ["opaque0", "blocked", "blocked", "blocked"]
    assert index(visitor, site) == before


def test_a_sandboxed_frame_is_refused(site, visitor):
    # GHSA-mq59-m269-xvcx.
    # F8: its origin is the word null, which is not "no origin".
    before = index(visitor, site)
    visitor.get(f"{site.url}/note/")
    token = visitor.find_element(By.NAME, "csrfmiddlewaretoken").get_attribute("value")
    for host in (SIBLING, OTHER, "127.0.0.1"):
        inner = f"<form method=post action='{site.url}/note/'><input name=text value=gotcha>"
        inner += f"<input name=csrfmiddlewaretoken value={token}></form>"
        inner += "<script>document.querySelector('form').submit()</script>"
        frame = f'<iframe sandbox="allow-scripts allow-forms" srcdoc="{inner}"></iframe>'
        attacked(site, visitor, host, frame)
        visitor.switch_to.frame(0)
        until(visitor, lambda browser: "CSRF verification failed" in body(browser))
        visitor.switch_to.default_content()
    assert index(visitor, site) == before


def test_a_cookie_that_a_sibling_tosses_proves_nothing(site, visitor):
    before = index(visitor, site)
    secret = "a" * 32
    form = f"<form method=post action='{site.url}/note/'><input name=text value=gotcha>"
    form += f"<input name=csrfmiddlewaretoken value={secret}><button>win</button></form>"
    for path in ("/", "/note/"):
        attacked(site, visitor, SIBLING, form)
        script = f"document.cookie = 'csrftoken={secret}; Domain=site.test; Path={path}; Secure'"
        visitor.execute_script(script)
        leave(visitor, visitor.find_element(By.TAG_NAME, "button").click)
        assert "CSRF verification failed" in body(visitor), path
        tossed = {"name": "csrftoken", "domain": ".site.test", "path": path}
        visitor.execute_cdp_cmd("Network.deleteCookies", tossed)
    assert index(visitor, site) == before


@HOSTS
def test_a_websocket_of_another_site_is_refused(site, visitor, host):
    # W1.
    before = index(visitor, site)
    attacked(site, visitor, host, "")
    assert visitor.execute_async_script(opening(site)) == "refused"
    assert index(visitor, site) == before


def opening(site: SimpleNamespace) -> str:
    address = site.url.replace("https:", "wss:") + "/socket/"
    return f"""
      const done = arguments[0], socket = new WebSocket('{address}');
      socket.onmessage = (message) => done(message.data);
      socket.onerror = () => done('refused');
    """


def test_the_site_s_own_forms_and_scripts_work(site, visitor):
    before = index(visitor, site)["changes"]
    visitor.get(f"{site.url}/note/")
    visitor.find_element(By.NAME, "text").send_keys("by form & <b>")
    leave(visitor, visitor.find_element(By.TAG_NAME, "button").click)
    assert index(visitor, site) == {"user": USERNAME, "note": "by form & <b>", "changes": before + 1}

    # The script reads the cookie, which there is none of where the session keeps the secret; then the page has the token.
    kept = {"/app/": site.kind != "session", "/app-with-token/": True}
    for path, works in kept.items():
        visitor.get(f"{site.url}{path}")
        visitor.find_element(By.NAME, "text").send_keys("by script")
        visitor.find_element(By.TAG_NAME, "button").click()
        until(visitor, lambda browser: browser.find_element(By.TAG_NAME, "output").text)
        said = visitor.find_element(By.TAG_NAME, "output").text
        assert said == ("kept: by script" if works else "refused: csrf_failed"), path
    shoot(visitor, f"csrf-script-{site.kind}")

    visitor.get(f"{site.url}/note/")
    assert visitor.execute_async_script(opening(site)) == f"hello {USERNAME}"
    assert index(visitor, site)["changes"] == before + 2 + sum(kept.values())


def test_a_file_of_50_megabytes_arrives_whole(site, visitor, tmp_path):
    file = tmp_path / "file.bin"
    block = bytes(range(256)) * 4096
    file.write_bytes(block * (UPLOAD // len(block)))
    visitor.get(f"{site.url}/upload/")
    visitor.find_element(By.NAME, "file").send_keys(str(file))
    leave(visitor, visitor.find_element(By.TAG_NAME, "button").click)
    said = visitor.find_element(By.TAG_NAME, "output").text
    count, total = said.replace(",", "").split()[0], int(said.split()[-1])
    # What stands around the file are a few hundred bytes, and their sum.
    assert UPLOAD < int(count) < UPLOAD + 2000
    assert 0 < total - sum(range(256)) * (UPLOAD // 256) < 2000 * 128
    shoot(visitor, f"csrf-upload-{site.kind}")

"""A shared cache in front, which is nginx: nothing that was made for one visitor reaches another."""

import re
import shutil
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from servers import Place, Process, environment, free_port
from sides import Visitor

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")

# Cookies of responses count for nginx as "do not keep": the second form has it look at what the headers say alone.
CONFIGURATION = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  proxy_cache_path {folder}/cache keys_zone=shared:1m;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass {url}; proxy_set_header Host $http_host;
      proxy_cache shared; proxy_cache_valid any 10m; proxy_cache_methods GET HEAD;
      {ignored}
      add_header X-Cache $upstream_cache_status always;
    }}
  }}
}}
"""


def cache_before(place: Place, url: str, ignores_cookies: bool) -> SimpleNamespace:
    port = free_port()
    folder = place.folder / f"nginx-{port}"
    folder.mkdir()
    ignored = "proxy_ignore_headers Set-Cookie;" if ignores_cookies else ""
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port, url=url, ignored=ignored))
    process: Process = place.start([NGINX, "-p", str(folder), "-c", str(configuration)], environment())
    process.await_port(port)
    return SimpleNamespace(url=f"http://127.0.0.1:{port}")


@pytest.fixture(params=["rust", "django"])
def cached(empty, request: pytest.FixtureRequest) -> Iterator[SimpleNamespace]:
    """Either side behind nginx as it comes."""
    side = getattr(empty, request.param)()
    yield SimpleNamespace(fleet=empty, front=cache_before(empty, side.url, ignores_cookies=False))


def visitors(fleet, front) -> dict[str | None, Visitor]:
    """Two users, and two who are not signed in."""
    people = {fleet.person(): Visitor() for _ in range(2)}
    for name, visitor in people.items():
        assert visitor.login(front, name).status == 200
    with_theme = Visitor()
    with_theme.cookies["theme"] = "dark"
    return {**people, None: Visitor(), "": with_theme}


def test_nobody_gets_what_was_made_for_another(cached):
    # CVE-2023-30861, CVE-2026-27205, CVE-2026-35192.
    people = visitors(cached.fleet, cached.front)
    tokens, seen = {}, set()
    for _ in range(3):
        for name, visitor in people.items():
            answer = visitor.ask(cached.front, "/whoami")
            assert answer.json()["user"] == (name or None)
            assert answer.json()["key"] == (visitor.cookies.get("sessionid") if name else None)
            answer = visitor.ask(cached.front, "/protected")
            assert answer.status == (200 if name else 302)
            token = visitor.ask(cached.front, "/csrf").json()["token"]
            assert tokens.setdefault(token, name) == name
            seen.add(visitor.ask(cached.front, "/safe?u=/").headers["X-Cache"])
    assert "HIT" in seen, "the cache does keep something"
    mine = [visitor.cookies["csrftoken"] for visitor in people.values()]
    assert len(set(mine)) == len(people)


def test_a_response_that_sets_a_cookie_is_kept_for_nobody_though_its_cookie_is_not_looked_at(tmp_path):
    # CVE-2026-48588, CVE-2026-35192: nginx is told to keep such responses too, unless their headers forbid it.
    place = Place(tmp_path)
    try:
        assert place.cloakroom_command("migrate").returncode == 0
        front = cache_before(place, place.start_cloakroom().url, ignores_cookies=True)
        cookies, pages = [], set()
        for theme in (None, None, "dark", "dark"):
            visitor = Visitor()
            if theme:
                visitor.cookies["theme"] = theme
            answer = visitor.get(f"{front.url}/login/")
            assert answer.headers["X-Cache"] in ("MISS", "BYPASS"), answer.headers
            assert re.search("private|no-store", answer.headers["Cache-Control"])
            cookies.append(visitor.cookies["csrftoken"])
            pages.add(answer.csrf_token())
        assert len(set(cookies)) == len(pages) == 4
        # A page that sets none is kept.
        kept = [Visitor().get(f"{front.url}/").headers["X-Cache"] for _ in range(2)]
        assert kept == ["MISS", "HIT"]
    finally:
        place.stop()

"""A browser's part of HTTP: cookies are kept, and sent to every port of 127.0.0.1."""

import http.client
import json
import re
from collections.abc import Callable
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit


class Answer:
    def __init__(self, response: http.client.HTTPResponse):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read().decode()

    @property
    def location(self) -> str | None:
        return self.headers.get("Location")

    def json(self):
        return json.loads(self.body)

    def csrf_token(self) -> str:
        """The value of the page's hidden field."""
        field = re.search(r"<input[^>]*name=[\"']csrfmiddlewaretoken[\"'][^>]*>", self.body)
        assert field, f"no CSRF field in a page with status {self.status}:\n{self.body[:2000]}"
        return re.search(r"value=[\"']([A-Za-z0-9]{64})[\"']", field.group()).group(1)


class Client:
    """Sends requests to one site after another, as one browser does. Follows no redirects."""

    def __init__(self):
        self.cookies: dict[str, str] = {}

    def request(
        self, method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        return self.begin(method, url, body, headers)()

    def begin(
        self, method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Callable[[], Answer]:
        """Sends a request; what is returned waits for its answer. So many can be on their way at the same time."""
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        headers = dict(headers or {})
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request(method, target or "/", body, headers)
        except BaseException:
            connection.close()
            raise
        return lambda: self.end(connection)

    def end(self, connection: http.client.HTTPConnection) -> Answer:
        """Waits for the answer, and keeps its cookies."""
        try:
            answer = Answer(connection.getresponse())
        finally:
            connection.close()
        for header in answer.headers.get_all("Set-Cookie") or []:
            for name, morsel in SimpleCookie(header).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.coded_value
        return answer

    def get(self, url: str, **headers: str) -> Answer:
        return self.request("GET", url, headers=headers)

    def post(self, url: str, **fields: str) -> Answer:
        """Sends a form as its own page would."""
        return self.post_with(url, {}, **fields)

    def post_with(self, url: str, more: dict[str, str], **fields: str) -> Answer:
        """The same with more headers, or others."""
        parts = urlsplit(url)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"{parts.scheme}://{parts.netloc}"}
        return self.request("POST", url, urlencode(fields).encode(), headers | more)

    def post_json(self, url: str, data) -> Answer:
        text = data if isinstance(data, str) else json.dumps(data)
        return self.request("POST", url, text.encode(), {"Content-Type": "application/json"})

    def copy(self) -> "Client":
        """Another browser that holds the same cookies."""
        other = Client()
        other.cookies = dict(self.cookies)
        return other

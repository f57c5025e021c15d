"""Lives of sessions: what browsers do to them, what was acknowledged, and whether it is there."""

import http.client
import itertools
import threading
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from client import Answer
from sides import Side, Visitor

# Requests of one browser that are on their way at the same time.
TABS = 3
FAILURES = (OSError, http.client.HTTPException)


class Tally:
    """What all browsers met; `wrong` has a sentence for each thing that must not be."""

    def __init__(self):
        self.lock = threading.Lock()
        self.counts: Counter[str] = Counter()
        self.wrong: list[tuple[str, str]] = []

    def add(self, what: str) -> None:
        with self.lock:
            self.counts[what] += 1

    def accuse(self, what: str, sentence: str) -> None:
        with self.lock:
            self.wrong.append((what, sentence))

    def wrongs(self, what: str) -> int:
        return sum(kind == what for kind, _ in self.wrong)


@dataclass
class Life:
    """One session from its first write to its end."""

    name: str
    user: str | None = None
    key: str = ""
    # `unborn`, `living`, `ended`; `unknown` where the answer to a login or a logout was lost.
    state: str = "unborn"
    acknowledged: dict[str, int] = field(default_factory=dict)
    tried: dict[str, int] = field(default_factory=dict)
    visitor: Visitor = field(default_factory=Visitor)


class Browser:
    """Lives one session after another on servers that may be gone at any moment."""

    numbers = itertools.count(1)

    def __init__(self, run: str, servers: "Servers", tally: Tally, username: str, random: Random):
        self.run, self.servers, self.tally, self.username, self.random = run, servers, tally, username, random
        self.lives: list[Life] = []

    def live(self) -> None:
        life = Life(f"{self.run} {next(self.numbers)}")
        self.lives.append(life)
        if self.tell(life.visitor, "/put", {"owner": life.name}) != 200:
            return
        life.state, life.acknowledged = "living", {"owner": life.name}
        if self.random.random() < 0.5:
            life.user = self.username
            if self.tell(life.visitor, "/login", username=self.username) != 200:
                life.state = "unknown"
        life.key = life.visitor.cookies["sessionid"]
        if life.state == "unknown":
            return
        for _ in range(self.random.randint(1, 6)):
            self.burst(life, None)
            self.read(life)
        if self.random.random() < 0.5:
            self.burst(life, self.random.choice(["/logout", "/flush"]))

    def burst(self, life: Life, end: str | None) -> None:
        """Several tabs write different names at the same time, and one of them may end the session."""
        sent = []
        for tab in range(TABS):
            browser, number = life.visitor.copy(), len(life.tried)
            value = self.random.randrange(10**6)
            path, data = (end, {}) if end and tab == 0 else ("/put", {f"{life.name}: {number}": value})
            if path == "/put":
                life.tried |= data
            sent.append((browser, path, data, self.begin(browser, path, data)))
        for browser, path, data, pending in sent:
            status = pending()
            if path == end:
                life.state = "ended" if status == 200 else "unknown"
            elif status == 200 and browser.cookies.get("sessionid") == life.key:
                life.acknowledged |= data
            elif life.state == "living" and status in (200, 400):
                self.tally.accuse("lost", f"{life.name}: a session that nobody ended is gone ({status})")

    def read(self, life: Life) -> None:
        server = self.random.randrange(len(self.servers))
        try:
            answer = life.visitor.copy().ask(self.servers[server], "/whoami")
        except FAILURES:
            return self.tally.add("failed")
        if answer.status == 200:
            look(life, answer, self.tally)
        return None

    def tell(self, browser: Visitor, path: str, data=None, **form: str) -> int | None:
        return self.begin(browser, path, data, **form)()

    def begin(self, browser: Visitor, path: str, data=None, **form: str):
        """Sends a request to any of the servers; what is returned waits for the status, None if there is no answer."""
        server = self.random.randrange(len(self.servers))
        if path == "/login":
            form["password"] = "correct horse battery staple"
        try:
            pending = browser.telling(self.servers[server], path, data, **form)
        except FAILURES:
            self.tally.add("failed")
            return lambda: None

        def end() -> int | None:
            try:
                status = pending().status
            except FAILURES:
                status = None
            if status == 200:
                self.tally.add("acknowledged")
                self.servers.acknowledged(server)
            else:
                self.tally.add("failed")
            return status

        return end


class Servers(list[Side]):
    """Where the browsers go; one that was killed is replaced by the next."""

    def acknowledged(self, server: int) -> None:
        """This one has acknowledged a write."""


def look(life: Life, answer: Answer, tally: Tally) -> None:
    """What a page shows of a session: all that was acknowledged, and nothing of another's."""
    seen = answer.json()
    data = seen["data"]
    if life.state == "ended" or (life.state == "unknown" and seen["key"] is None):
        if seen["user"] or data:
            tally.accuse("resurrected", f"{life.name}: {len(data)} values after its end")
        return
    missing = life.acknowledged.keys() - data.keys()
    if missing:
        tally.accuse("lost", f"{life.name}: {len(missing)} of {len(life.acknowledged)} acknowledged writes")
    if seen["user"] != life.user and not (life.state == "unknown" and seen["user"] is None):
        tally.accuse("lost", f"{life.name}: the login, which was acknowledged")
    known = life.tried | {"owner": life.name}
    if any(data[name] != known.get(name) for name in data):
        tally.accuse("foreign", f"{life.name}: values that were never written to it")

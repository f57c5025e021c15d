#!/usr/bin/env python3
"""Floods the login page with guesses, and looks at what that does to those who are signed in and to owners of accounts.

    flood.py [--seconds 200] [--times 10] [--seed 1] [--json FILE]

Guesses come at so many times the rate that the server verifies, each from an address of its own behind a proxy that is
trusted, half of them at names that nobody has and half at those of users, our three owners among them. Meanwhile sessions
are read at a steady rate, and every two seconds each owner signs in with the right password: one in a browser that
is known, one in a new browser while strangers guess at the account, one in a new browser whose account nobody guesses at.
The hashes are those of `strict`, and so is every other setting but the trusted proxy.
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from logins import (
    PASSWORD,
    Client,
    Connection,
    Form,
    Readers,
    address,
    hashing,
    made_by_django,
    percentile,
    processors,
    read_request,
    resident,
    site,
)

COST = {"memory_cost": 19_456, "time_cost": 2, "parallelism": 1}
READS = 50
FAILURE_SECONDS = 1
EVERY = 2
IDLE_SECONDS = 20
OWNERS = {
    "known browser": "owner-known",
    "new browser": "owner-new",
    "new browser, nobody guesses at the account": "owner-quiet",
}
USERS = 50


def trial(seconds: float, times: float, seed: int, folder: Path) -> dict:
    kept = made_by_django("argon2", COST)
    attacked = [f"user{number}" for number in range(USERS)] + ["owner-known", "owner-new"]
    place = site(folder, dict.fromkeys([*attacked, "owner-quiet", "reader"], (kept, True)))
    readers = None
    try:
        server = place.start_cloakroom(CLOAKROOM_TRUSTED_PROXIES=json.dumps(["127.0.0.1"]))
        port, pid = urlsplit(server.url).port, server.process.process.pid
        form = Form(server.url)
        browser, reader = Client(), Client()
        assert server.login(reader, "reader").status == 302
        assert server.login(browser, "owner-known").status == 302
        device = {name: value for name, value in browser.cookies.items() if name == "cloakroom_device"}
        assert device, "no cookie for a browser that is known"
        page, source = read_request(reader.cookies), random.Random(seed)
        readers = Readers(port, page, READS, IDLE_SECONDS)
        idle = readers.took()
        capacity = asyncio.run(measure_capacity(port, form, source))
        before = resident(pid)
        readers = Readers(port, page, READS, seconds)
        flood = Flood(port, form, source, attacked, capacity * times, seconds)
        asyncio.run(flood.run(pid, device))
        reads = readers.took()
        after = resident(pid)
    finally:
        if readers:
            readers.stop()
        place.stop()
    return {
        "seconds": seconds,
        "seed": seed,
        "processors": processors(),
        "verified_per_second": round(capacity, 1),
        "wanted_guesses_per_second": round(capacity * times),
        "guesses": sum(flood.guesses.values()),
        "guesses_by_status": dict(sorted(flood.guesses.items())),
        "reads_ms": {"idle": milliseconds(idle), "flooded": milliseconds(reads)},
        "resident_kb": {"before": before[0], "after": after[0], "most": after[1]},
        "most_hashes_at_once": flood.most_at_once,
        "owners": {
            what: {
                "tries": len(tries),
                "in_time": sum(status == 302 and took <= 2 * FAILURE_SECONDS for status, took in tries),
                "statuses": dict(Counter(status for status, _ in tries)),
                "median_s": median(took for _, took in tries),
            }
            for what, tries in flood.owners.items()
        },
    }


def milliseconds(took: list[float]) -> dict:
    return {"reads": len(took), "median": percentile(took, 0.5) * 1e3, "p99": percentile(took, 0.99) * 1e3}


async def measure_capacity(port: int, form: Form, source: random.Random, seconds: float = 5) -> float:
    """How many passwords are verified in a second, where nobody waits longer than may be."""
    done, began = 0, time.perf_counter()

    async def client() -> None:
        nonlocal done
        connection = Connection(port)
        while time.perf_counter() < began + seconds:
            request = form.request(f"nobody{source.random()}", "wrong", X_Forwarded_For=address(source))
            status, _ = await connection.ask(request)
            done += status == 200
        connection.close()

    await asyncio.gather(*(client() for _ in range(100)))
    return done / (time.perf_counter() - began)


class Flood:
    def __init__(self, port, form, source, names, rate, seconds):
        self.port, self.form, self.source, self.names = port, form, source, names
        self.rate, self.seconds = rate, seconds
        self.guesses: Counter[int] = Counter()
        self.owners: dict[str, list[tuple[int, float]]] = {what: [] for what in OWNERS}
        self.most_at_once = 0
        self.began = 0.0

    def is_over(self) -> bool:
        return time.perf_counter() > self.began + self.seconds

    async def run(self, pid: int, device: dict[str, str]) -> None:
        self.began = time.perf_counter()
        # A guess waits for a second at most, so this many connections make the rate.
        guessers = [self.guess() for _ in range(max(100, int(2 * self.rate)))]
        owners = [self.sign_in(what, device if what == "known browser" else {}) for what in OWNERS]
        await asyncio.gather(*guessers, *owners, self.watch(pid))

    async def guess(self) -> None:
        connection = Connection(self.port)
        await asyncio.sleep(self.source.random())
        while not self.is_over():
            known = self.source.random() < 0.5
            name = self.source.choice(self.names) if known else f"nobody{self.source.random()}"
            request = self.form.request(name, "wrong", X_Forwarded_For=address(self.source))
            due = time.perf_counter() + 2
            status, _ = await connection.ask(request)
            self.guesses[status] += 1
            await asyncio.sleep(max(0, due - time.perf_counter()))
        connection.close()

    async def sign_in(self, what: str, cookies: dict[str, str]) -> None:
        number = 0
        while not self.is_over():
            await asyncio.sleep(max(0, self.began + number * EVERY - time.perf_counter()))
            number += 1
            connection = Connection(self.port)
            request = self.form.request(OWNERS[what], PASSWORD, cookies=cookies, X_Forwarded_For="203.0.113.7")
            self.owners[what].append(await connection.ask(request))
            connection.close()

    async def watch(self, pid: int) -> None:
        while not self.is_over():
            self.most_at_once = max(self.most_at_once, hashing(pid))
            await asyncio.sleep(0.05)


def holds(figures: dict) -> bool:
    """Hashes are bounded, and who is known gets in."""
    known = figures["owners"]["known browser"]
    bounded = figures["most_hashes_at_once"] <= max(1, figures["processors"] - 1)
    return bounded and known["in_time"] >= 0.99 * known["tries"]


def table(figures: dict) -> str:
    idle, flooded = figures["reads_ms"]["idle"], figures["reads_ms"]["flooded"]
    memory = figures["resident_kb"]
    lines = [
        "| what | seen |",
        "|---|---|",
        f"| verified a second | {figures['verified_per_second']} |",
        f"| guesses a second | {figures['guesses'] / figures['seconds']:.0f} ({figures['guesses_by_status']}) |",
        f"| session reads, p99 | {idle['p99']:.1f} ms idle, {flooded['p99']:.1f} ms in the flood |",
        f"| session reads, median | {idle['median']:.1f} ms idle, {flooded['median']:.1f} ms in the flood |",
        f"| memory | {memory['before']:,} kB before, {memory['after']:,} after, {memory['most']:,} at most |",
        f"| hashes at once, at most | {figures['most_hashes_at_once']} |",
    ]
    for what, row in figures["owners"].items():
        text = f"{row['in_time']} of {row['tries']} within {2 * FAILURE_SECONDS} s ({row['statuses']})"
        lines.append(f"| the owner signs in, {what} | {text}, median {row['median_s']:.2f} s |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=200)
    parser.add_argument("--times", type=float, default=10, help="guesses, of those that the server can verify")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = trial(arguments.seconds, arguments.times, arguments.seed, Path(folder))
    print(table(figures))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0 if holds(figures) else 1


if __name__ == "__main__":
    raise SystemExit(main())

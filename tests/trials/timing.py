#!/usr/bin/env python3
"""Measures whether the clock tells why a login failed.

    timing.py [--each 10000] [--load] [--seconds 0.1] [--seed 1] [--json FILE]

Failures of every class (a name that nobody has, a wrong password for each kind of stored hash, a right one of a user who
is not active, an unusable one, one that is too long) come in random order over many connections. For each two classes
Welch's t is computed of the times until the first byte; 4.5 and more would be a difference. An answer that came at a
later multiple of `LOGIN_FAILURE_SECONDS` than the first is late.

Hashes are cheap here, alike by setting and by what is stored: what is looked for is a difference, not what it costs.
"""

import argparse
import asyncio
import itertools
import json
import random
import statistics
import tempfile
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from logins import CHEAP, PASSWORD, Client, Connection, Form, Readers, made_by_django, read, read_request, site

# Failures that are asked for in a second: half of what two processors verify of these cheap hashes.
RATE = 160
LENGTH = 6000
DISTINGUISHED = 4.5


def trial(each: int, load: bool, seconds: float, seed: int, folder: Path) -> dict:
    users = {algorithm: (made_by_django(algorithm, options), True) for algorithm, options in CHEAP.items()}
    users["inactive"] = (made_by_django("argon2", CHEAP["argon2"]), False)
    users["unusable"] = ("!" + "x" * 40, True)
    # Accounts take turns where many wait, so each class has one of its own.
    users["reader"] = users["long"] = users["argon2"]
    classes = {f"wrong, {algorithm}": (algorithm, "wrong") for algorithm in CHEAP}
    classes["nobody's name"] = ("nobody", "wrong")
    classes["inactive, right password"] = ("inactive", PASSWORD)
    classes["unusable"] = ("unusable", "wrong")
    classes["too long"] = ("long", "x" * 5000)
    place = site(folder, users)
    try:
        server = place.start_cloakroom(
            CLOAKROOM_LOGIN_THROTTLE="false",
            CLOAKROOM_LOGIN_FAILURE_SECONDS=str(seconds),
            CLOAKROOM_PASSWORD_HASHERS=json.dumps(["argon2", *(name for name in CHEAP if name != "argon2")]),
            CLOAKROOM_PASSWORD_HASHER_OPTIONS=json.dumps(CHEAP),
        )
        port, form = urlsplit(server.url).port, Form(server.url)
        requests = {what: form.request(name, password, LENGTH) for what, (name, password) in classes.items()}
        order = [what for what in classes for _ in range(each)]
        random.Random(seed).shuffle(order)
        readers, rate = None, 0.0
        if load:
            client = Client()
            assert server.login(client, "reader").status == 302
            page = read_request(client.cookies)
            rate = 0.8 * len(asyncio.run(read(port, page, 0, 3))) / 3
            readers = Readers(port, page, rate, 3600)
        try:
            times, others = asyncio.run(fail(port, requests, order, round(RATE * seconds)))
        finally:
            if readers:
                readers.stop()
    finally:
        place.stop()
    figures = {"each": each, "load": load, "reads_per_second": round(rate), "seed": seed, "seconds": seconds}
    figures["classes"] = {
        what: {
            "answers": len(took),
            # By status: 503 where too many waited, which is said before anybody is looked for.
            "others": others[what],
            "median_ms": statistics.median(took) * 1e3,
            "least_ms": min(took) * 1e3,
            "late": sum(time >= 2 * seconds for time in took),
            "early": sum(time < seconds for time in took),
        }
        for what, took in times.items()
    }
    # Late ones are counted by themselves: one of them weighs more than ten thousand others.
    in_time = {what: [time for time in took if time < 2 * seconds] for what, took in times.items()}
    pairs = [(abs(welch(in_time[one], in_time[other])), one, other) for one, other in itertools.combinations(times, 2)]
    figures["greatest_t"], *figures["between"] = max(pairs)
    figures["late"] = sum(row["late"] for row in figures["classes"].values())
    return figures


async def fail(port: int, requests: dict[str, bytes], order: list[str], connections: int) -> tuple[dict, dict]:
    """Seconds of every failure, and how often each status came that is not a failure's."""
    times, others = {what: [] for what in requests}, {what: Counter() for what in requests}
    left = iter(order)

    async def client() -> None:
        connection = Connection(port)
        for what in left:
            status, took = await connection.ask(requests[what])
            if status == 200:
                times[what].append(took)
            else:
                others[what][status] += 1
        connection.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    return times, others


def welch(one: list[float], other: list[float]) -> float:
    spread = statistics.variance(one) / len(one) + statistics.variance(other) / len(other)
    return (statistics.fmean(one) - statistics.fmean(other)) / spread**0.5


def holds(figures: dict) -> bool:
    """Nothing is told, and nothing is answered before its time; how many are late depends on the machine."""
    rows = figures["classes"].values()
    told = any(row["early"] or row["others"].keys() - {503} for row in rows)
    return figures["greatest_t"] < DISTINGUISHED and not told


def table(figures: dict) -> str:
    lines = ["| failure | answers | median ms | late | sent away (503) |", "|---|---:|---:|---:|---:|"]
    for what, row in figures["classes"].items():
        lines.append(f"| {what} | {row['answers']:,} | {row['median_ms']:.3f} | {row['late']} | {row['others'].get(503, 0)} |")
    load = f"{figures['reads_per_second']} reads a second" if figures["load"] else "idle"
    greatest = f"{figures['greatest_t']:.2f} between {' and '.join(figures['between'])}"
    return "\n".join([*lines, "", f"{load}; greatest |t| {greatest}"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=10_000, help="failures of each class")
    parser.add_argument("--load", action="store_true", help="while sessions are read at 80 %% of what can be")
    parser.add_argument("--seconds", type=float, default=0.1, help="LOGIN_FAILURE_SECONDS; the default is 1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = trial(arguments.each, arguments.load, arguments.seconds, arguments.seed, Path(folder))
    print(table(figures))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0 if holds(figures) else 1


if __name__ == "__main__":
    raise SystemExit(main())

#!/usr/bin/env python3
"""Kills our own servers while browsers write through them, and counts what was acknowledged and lost.

    kills.py [ENGINE…] [--kills 20] [--seed 1] [--json FILE]

Two processes of `crates/server/examples/fleet` have one store. Eight browsers, each with three requests on their way
at the same time, write to sessions, sign in and out, and note what was answered with 200. One of the two processes, or
both, is ended by SIGKILL at random moments and started again. At the end every session is looked at through both, and
everything that the store holds is read by Django. Without kills (`--kills 0`) it tells what two processes lose to each
other.

It prints a row for each engine; exit status 1 if anything was lost, came back or was another's.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from threading import Event

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "fleet")]

from lives import FAILURES, Browser, Life, Servers, Tally, look  # noqa: E402 — found by the line above
from servers import DJANGO_PYTHON, environment  # noqa: E402
from sides import SITE, Fleet, Side  # noqa: E402

ENGINES = {
    "db": "SQLite",
    "postgres": "PostgreSQL",
    "mysql": "MariaDB",
    "cache": "Redis, `appendfsync always`",
    "cached_db": "Redis in front of SQLite",
    "file": "files",
}
BROWSERS = 8
# Without kills, for so many seconds.
QUIET = 10.0
COLUMNS = ["kills", "acknowledged", "failed", "sessions", "lost", "resurrected", "foreign", "half", "twice"]


class Killed(Servers):
    """Notes how long each took from its start to the first write that it acknowledged."""

    def __init__(self, sides: list[Side]):
        super().__init__(sides)
        self.started: list[float | None] = [None] * len(sides)
        self.recoveries: list[float] = []

    def acknowledged(self, server: int) -> None:
        started, self.started[server] = self.started[server], None
        if started is not None:
            self.recoveries.append(time.monotonic() - started)

    def replace(self, fleet: Fleet, victims: list[int]) -> None:
        for server in victims:
            self[server].process.kill()
        for server in victims:
            began = time.monotonic()
            self[server] = fleet.rust()
            self.started[server] = began


def trial(engine: str, kills: int, seed: int, folder: Path, **environ: str) -> dict:
    """The figures of one engine; `environ` is what else our servers are told."""
    random, began = Random(seed), time.monotonic()
    fleet, tally, over = Fleet(folder, engine), Tally(), Event()
    fleet.sessions.update(environ)
    try:
        fleet.migrate()
        servers = Killed([fleet.rust(), fleet.rust()])
        run = uuid.uuid4().hex[:8]
        browsers = [Browser(run, servers, tally, fleet.person(), Random(f"{seed} {n}")) for n in range(BROWSERS)]

        def browse(browser: Browser) -> None:
            while not over.is_set():
                browser.live()

        with ThreadPoolExecutor(BROWSERS) as pool:
            browsing = [pool.submit(browse, browser) for browser in browsers]
            try:
                if not kills:
                    time.sleep(QUIET)
                for _ in range(kills):
                    time.sleep(random.uniform(0.2, 1.0))
                    servers.replace(fleet, random.choice([[0], [1], [0], [1], [0, 1]]))
                time.sleep(0.5)
            finally:
                over.set()
            for one in browsing:
                one.result()
            lives = [life for browser in browsers for life in browser.lives]
            list(pool.map(lambda life: look_again(life, servers, tally), lives))
        audit(fleet, run, lives, tally)
    finally:
        fleet.stop()
    recoveries = [round(seconds * 1000) for seconds in servers.recoveries]
    return {
        "engine": engine,
        "seed": seed,
        "kills": kills,
        "seconds": round(time.monotonic() - began),
        "sessions": sum(life.state != "unborn" for life in lives),
        "ended": sum(life.state == "ended" for life in lives),
        "unknown": sum(life.state == "unknown" for life in lives),
        **{what: tally.counts[what] for what in ("acknowledged", "failed", "twice")},
        **{what: tally.wrongs(what) for what in ("lost", "resurrected", "foreign", "half")},
        "slowest_recovery_ms": max(recoveries, default=None),
        "wrong": [sentence for _, sentence in tally.wrong[:20]],
    }


def look_again(life: Life, servers: Servers, tally: Tally) -> None:
    """The last look, through both servers."""
    if life.state == "unborn":
        return
    for side in servers:
        browser = life.visitor.copy()
        browser.cookies["sessionid"] = life.key
        try:
            look(life, browser.ask(side, "/whoami"), tally)
        except FAILURES as failure:
            tally.accuse("lost", f"{life.name}: {side} does not answer: {failure}")


def audit(fleet: Fleet, run: str, lives: list[Life], tally: Tally) -> None:
    """Everything that the store holds, as Django reads it: nothing half, nothing mixed, nothing that was ended."""
    of = {life.name: life for life in lives}
    found: dict[str, list[str]] = {name: [] for name in of}
    for key, data in kept(fleet).items():
        names = {name.split(":")[0] for name in data if name.startswith(run)}
        names |= {data["owner"]} if str(data.get("owner")).startswith(run) else set()
        login = [name in data for name in ("_auth_user_id", "_auth_user_backend", "_auth_user_hash")]
        if len(names) > 1:
            tally.accuse("foreign", f"one session has values of {len(names)}")
        if any(login) and not all(login):
            tally.accuse("half", "a user's id without the rest of a login")
        for name in names & of.keys():
            if "owner" in data:
                found[name].append(key)
    for name, keys in found.items():
        life = of[name]
        if life.state == "ended" and keys:
            tally.accuse("resurrected", f"{name}: it is in the store after its end")
        elif life.state == "living" and keys != [life.key]:
            tally.accuse("lost", f"{name}: the store has {len(keys)} sessions of it")
        elif len(keys) > 1:
            # A login was cut off after the new record was made: nobody was told its key.
            tally.add("twice")


def kept(fleet: Fleet) -> dict[str, dict]:
    """Every session of the store."""
    reading = fleet.start(
        [DJANGO_PYTHON, SITE, str(fleet.database), "sessions"], environment(**fleet.django_settings())
    )
    text, _ = reading.process.communicate(timeout=120)
    assert reading.process.returncode == 0, reading.log.read_text()
    return json.loads(text)


def row(figures: dict) -> str:
    cells = [ENGINES[figures["engine"]], *(f"{figures[column]:,}" for column in COLUMNS)]
    recovery = figures["slowest_recovery_ms"]
    return "| " + " | ".join([*cells, "–" if recovery is None else f"{recovery:,} ms"]) + " |"


def holds(figures: dict) -> bool:
    """Nothing that must not be; and enough happened for that to mean something."""
    met = figures["acknowledged"] > 0 and figures["ended"] > 0 and (figures["failed"] > 0 or not figures["kills"])
    return met and not any(figures[what] for what in ("lost", "resurrected", "foreign", "half"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engines", nargs="*", metavar="ENGINE", help=", ".join(ENGINES))
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    arguments = parser.parse_args()
    if unknown := set(arguments.engines) - ENGINES.keys():
        parser.error(f"there is no engine {unknown.pop()}")
    # Ends as Ctrl-C does: what was started with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print("| engine |", " | ".join(COLUMNS), "| slowest recovery |")
    print("|---|" + "---:|" * (len(COLUMNS) + 1), flush=True)
    runs = []
    for engine in arguments.engines or ENGINES:
        with tempfile.TemporaryDirectory() as folder:
            runs.append(trial(engine, arguments.kills, arguments.seed, Path(folder)))
        print(row(runs[-1]), flush=True)
        print(*runs[-1]["wrong"], sep="\n", end="", file=sys.stderr)
        if arguments.json:
            arguments.json.write_text(json.dumps(runs, indent=2) + "\n")
    sys.exit(not all(holds(run) for run in runs))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Counts what two writers of one session lose to each other: two of ours, ours beside a Django, two Djangos.

    writers.py [ENGINE…] [--rounds 300] [--seed 1] [--json FILE]

Each writer is a process of its own: `crates/server/examples/fleet` or `tests/fleet/site.py`, on one store. In half of
the rounds each is asked to set a name of its own in one session; which of those that were acknowledged is missing
afterwards was lost. In the others one is asked to log out while the other is asked to write; a session that opens
anything afterwards, although the logout was acknowledged, has come back. Either may be asked first, and the other as
much later, at most, as the slower of the two takes for such a request.

It prints a row for each pair; exit status 1 if two of ours lost something, or one of ours took something from a Django.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from statistics import median

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "fleet")]

from client import Answer  # noqa: E402 — found by the line above
from sides import Fleet, Side, Visitor  # noqa: E402

ENGINES = {
    "db": "`db` on SQLite",
    "postgres": "`db` on PostgreSQL",
    "mysql": "`db` on MariaDB",
    "cache": "`cache` on Redis",
    "cached_db": "`cached_db`, Redis and SQLite",
    "file": "`file`",
}
PAIRS = {
    "two Cloakrooms": ("rust", "rust"),
    "Cloakroom and Django": ("rust", "django"),
    "two Djangos": ("django", "django"),
}
NAMES = {"rust": "Cloakroom", "django": "Django"}


def trial(engine: str, pair: str, rounds: int, seed: int, folder: Path) -> dict:
    """The figures of one pair."""
    random, began = Random(f"{engine} {pair} {seed}"), time.monotonic()
    fleet, counts = Fleet(folder, engine), Counter()
    try:
        fleet.migrate()
        sides = [getattr(fleet, kind)() for kind in PAIRS[pair]]
        name = fleet.person()
        longest = max(duration(side) for side in sides)
        for number in range(rounds):
            order = random.sample(sides, 2)
            pause = random.uniform(0, longest)
            if number % 2:
                write(order, pause, counts)
            else:
                log_out(order, random.choice(sides), pause, name, counts)
    finally:
        fleet.stop()
    figures = {
        f"{side}_{what}": counts[side, what]
        for side in dict.fromkeys(PAIRS[pair])
        for what in ("updates", "lost", "logouts", "returned", "refused")
    }
    seconds = round(time.monotonic() - began)
    about = {"engine": engine, "pair": pair, "rounds": rounds, "seed": seed, "seconds": seconds}
    return {**about, "apart_ms": round(longest * 1000), **figures}


def duration(side: Side) -> float:
    """How long such a write takes here and now, in seconds."""
    visitor, took = Visitor(), []
    expect(visitor.tell(side, "/put", {"first": 1}))
    for number in range(9):
        began = time.monotonic()
        expect(visitor.tell(side, "/put", {"first": number}))
        took.append(time.monotonic() - began)
    return median(took)


def write(sides: list[Side], pause: float, counts: Counter) -> None:
    """Both write a name of their own."""
    visitor = Visitor()
    expect(visitor.tell(sides[0], "/put", {"first": 1}))
    sent = []
    for number, side in enumerate(sides):
        sent.append((side, number, visitor.copy().telling(side, "/put", {f"name {number}": number})))
        if not number:
            time.sleep(pause)
    statuses = [(side, number, pending().status) for side, number, pending in sent]
    seen = [visitor.copy().data(side) for side in sides]
    for side, number, status in statuses:
        if status == 200:
            counts[side.name, "updates"] += 1
            counts[side.name, "lost"] += any(data.get(f"name {number}") != number for data in seen)
        else:
            counts[side.name, "refused"] += 1


def log_out(sides: list[Side], ends: Side, pause: float, name: str, counts: Counter) -> None:
    """One logs out and the other writes."""
    visitor = Visitor()
    expect(visitor.tell(sides[0], "/put", {"first": 1}))
    expect(visitor.login(sides[0], name))
    sent = []
    for number, side in enumerate(sides):
        browser = visitor.copy()
        pending = browser.telling(side, "/logout") if side is ends else browser.telling(side, "/put", {"second": 2})
        sent.append((side, pending))
        if not number:
            time.sleep(pause)
    statuses = {side: pending().status for side, pending in sent}
    if statuses[ends] == 200:
        counts[ends.name, "logouts"] += 1
        alive = [visitor.copy().whoami(side) for side in sides]
        counts[ends.name, "returned"] += any(seen["user"] or seen["data"] for seen in alive)
    else:
        counts[ends.name, "refused"] += 1


def expect(answer: Answer) -> None:
    assert answer.status == 200, answer.body


def holds(figures: dict) -> bool:
    """Two of ours lose nothing and bring nothing back, and one of ours takes nothing from a Django."""
    if figures["pair"] == "two Cloakrooms":
        return bool(figures["rust_updates"]) and not figures["rust_lost"] and not figures["rust_returned"]
    return figures["pair"] == "two Djangos" or (figures["django_updates"] > 0 and not figures["django_lost"])


def rows(figures: dict) -> list[str]:
    """One for each side of the pair."""
    lines = []
    for side in dict.fromkeys(PAIRS[figures["pair"]]):
        of = {what: figures[f"{side}_{what}"] for what in ("updates", "lost", "logouts", "returned")}
        lost, returned = rate(of["lost"], of["updates"]), rate(of["returned"], of["logouts"])
        cells = [ENGINES[figures["engine"]], figures["pair"], NAMES[side], of["updates"], lost, of["logouts"], returned]
        lines.append("| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else cell for cell in cells) + " |")
    return lines


def rate(part: int, whole: int) -> str:
    return f"{part} ({100 * part / whole:.1f} %)" if part else "0"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engines", nargs="*", metavar="ENGINE", help=", ".join(ENGINES))
    parser.add_argument("--rounds", type=int, default=300, help="of about six requests each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    arguments = parser.parse_args()
    if unknown := set(arguments.engines) - ENGINES.keys():
        parser.error(f"there is no engine {unknown.pop()}")
    # Ends as Ctrl-C does: what was started with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print("| engine | writers | whose | acknowledged updates | lost | acknowledged logouts | came back |")
    print("|---|---|---|---:|---:|---:|---:|", flush=True)
    runs = []
    for engine in arguments.engines or ENGINES:
        for pair in PAIRS:
            with tempfile.TemporaryDirectory() as folder:
                runs.append(trial(engine, pair, arguments.rounds, arguments.seed, Path(folder)))
            print(*rows(runs[-1]), sep="\n", flush=True)
            if arguments.json:
                arguments.json.write_text(json.dumps(runs, indent=2) + "\n")
    sys.exit(not all(holds(run) for run in runs))


if __name__ == "__main__":
    main()

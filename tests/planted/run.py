#!/usr/bin/env python3
"""Plants known bugs one at a time and expects a named test to find each of them.

    run.py [--only SUBSTRING] [--list] [--json FILE]

The sources are copied to `target/planted/tree` and built in `target/planted/build`, so the checkout stays as it
is. First all tests that are named must exist and pass. Then each bug is planted, its test is built and run, and the
bug taken out again. It is found if that test fails by an assertion; a bug that does not build, or whose test neither
passes nor fails, is an error of the list. `--list` only says which bugs there are, and that their places are.

Exit status 0 only if every bug is found.
"""

import argparse
import fcntl
import json
import signal
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

from bug import Stale
from bugs import BUGS
from cargo import CannotBuild, Cargo
from tree import Tree

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "target" / "planted"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="SUBSTRING", help="bugs with this in sentence, file or test")
    parser.add_argument("--list", action="store_true", help="build nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcome of each bug there")
    arguments = parser.parse_args()
    bugs = [bug for bug in BUGS if arguments.only in "\n".join([bug.sentence, bug.file, str(bug.test)])]
    if not bugs:
        sys.exit("no bug is called so")
    check(bugs)
    if arguments.list:
        for bug in bugs:
            print(f"{bug.sentence}: {bug.file}, {bug.test}")
        print(f"{len(bugs)} bugs")
        return
    began = time.monotonic()
    # Ends as Ctrl-C does: cargo with it, and the bug taken out.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    FOLDER.mkdir(parents=True, exist_ok=True)
    lock = (FOLDER / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    tree = Tree(ROOT, FOLDER / "tree")
    tree.mirror()
    cargo = Cargo(tree.folder, FOLDER / "build")
    check_unbroken(bugs, cargo)
    print(f"{len({bug.test for bug in bugs})} tests pass without bugs, after {clock(began)}", flush=True)
    outcomes = [try_out(bug, tree, cargo) for bug in bugs]
    report(outcomes, began)
    if arguments.json:
        numbers = {"seconds": round(time.monotonic() - began), "bugs": outcomes}
        arguments.json.write_text(json.dumps(numbers, indent=2) + "\n")
    if any(outcome["outcome"] != "caught" for outcome in outcomes):
        sys.exit(1)


def check(bugs):
    """Every bug has a name of its own and a place in the sources as they are now."""
    stale = [
        f"two bugs are called {name!r}" for name, times in Counter(bug.sentence for bug in BUGS).items() if times > 1
    ]
    for bug in bugs:
        path = ROOT / bug.file
        try:
            bug.planted_in(path.read_text() if path.is_file() else "")
        except Stale as error:
            stale.append(f"stale: {error}")
    if stale:
        sys.exit("\n\n".join(stale))


def check_unbroken(bugs, cargo):
    """A test that fails anyway finds nothing, and one that does not exist even less."""
    named = defaultdict(set)
    for bug in bugs:
        named[bug.test.binary].add(bug.test.name)
    missing = []
    for binary, names in named.items():
        try:
            cargo.build(binary)
        except CannotBuild as error:
            sys.exit(f"{' '.join(binary)} does not build without bugs:\n{error}")
        run = cargo.run(binary, names)
        missing += [f"{' '.join(binary)} {name}" for name in sorted(names - run.passed)]
    if missing:
        sys.exit("these tests do not exist or fail without bugs:\n" + "\n".join(missing))


def try_out(bug, tree, cargo):
    began = time.monotonic()
    note = ""
    with tree.planted(bug):
        try:
            cargo.build(bug.test.binary)
            run = cargo.run(bug.test.binary, {bug.test.name})
            if bug.test.name in run.passed:
                outcome = "ESCAPED"
            elif bug.test.name in run.failed and run.panic:
                outcome, note = "caught", run.panic
            else:
                outcome, note = "NO RESULT", run.output[-500:]
        except CannotBuild as error:
            outcome, note = "DOES NOT BUILD", str(error)
    seconds = round(time.monotonic() - began, 1)
    print(f"{outcome:8} {seconds:6} s  {bug.sentence}", flush=True)
    if outcome != "caught":
        print(note, flush=True)
    return {
        "bug": bug.sentence,
        "file": bug.file,
        "test": str(bug.test),
        "outcome": outcome,
        "note": note,
        "seconds": seconds,
    }


def report(outcomes, began):
    rows = [("bug", "file", "caught by")]
    for outcome in outcomes:
        caught = outcome["outcome"] == "caught"
        rows.append((outcome["bug"], outcome["file"], outcome["test"] if caught else outcome["outcome"]))
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    print()
    for bug, file, by in rows:
        print(f"{bug:{widths[0]}}  {file:{widths[1]}}  {by}")
    counts = Counter(outcome["outcome"] for outcome in outcomes)
    others = "".join(f", {times} {outcome}" for outcome, times in counts.items() if outcome != "caught")
    print(f"\n{len(outcomes)} bugs planted, {counts['caught']} caught{others}, in {clock(began)}")


def clock(began):
    seconds = int(time.monotonic() - began)
    return f"{seconds // 60}:{seconds % 60:02}"


if __name__ == "__main__":
    main()

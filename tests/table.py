#!/usr/bin/env python3
"""Prints what the suites found, as the table of docs/judged.md.

    table.py FOLDER

FOLDER holds what `./test --full` leaves: steps.tsv, a log for each step, and a JSON file for each suite that writes one.
A suite that left nothing is said not to have run. What passed is without the known deviations.
"""

import datetime
import json
import re
import sys
from pathlib import Path


def main():
    folder = Path(sys.argv[1])
    rows = [
        *steps(folder),
        vectors(folder),
        *django(folder),
        differential(folder),
        planted(folder),
        mutants(folder),
        fuzz(folder),
        *races(folder),
        *trials(folder),
        *writers(folder),
    ]
    print(f"{datetime.date.today():%Y-%m-%d}\n")
    print("| suite | cases | reached Rust | passed | known deviations |")
    print("|---|---:|---:|---:|---:|")
    for suite, *cells in rows:
        cells = ["not run"] if cells == [None] else cells
        cells = [f"{cell:,}" if isinstance(cell, int) else cell for cell in cells]
        print("|", " | ".join([suite, *cells, *[""] * (4 - len(cells))]), "|")


def read(folder, name):
    path = folder / name
    return json.loads(path.read_text()) if path.exists() else None


def steps(folder):
    """The tests that are counted by their runner. All of them are of Rust."""
    counted = {
        "cargo test": "unit tests, vectors, stores, races, the stack, the server, the fuzzer's corpus",
        "interop": "the server and a Django on one database",
        "fleet": "a service and a Django, one browser between them",
        "browser": "the pages in Chromium",
    }
    path = folder / "steps.tsv"
    lines = path.read_text().splitlines() if path.exists() else []
    found = {name: (int(passed), int(failed)) for name, passed, failed in (line.split("\t") for line in lines)}
    for name, suite in counted.items():
        for step in [name, *[step for step in found if step.startswith(f"{name} with ")]]:
            if step not in found:
                yield suite, None
                continue
            passed, failed = found[step]
            yield suite + step.removeprefix(name), passed + failed, passed + failed, passed, 0


def vectors(folder):
    suite = "rows answered by Django 4.2, 5.2 and 6.1"
    path = folder / "vectors-counted.log"
    if not path.exists():
        return suite, None
    total, deviate = re.search(r"(\d+) rows in all, (\d+) of them deviate", path.read_text()).groups()
    return suite, int(total), int(total), int(total) - int(deviate), int(deviate)


def django(folder):
    runs = [json.loads(path.read_text()) for path in folder.glob("suite-*.json")]
    for numbers in sorted(runs, key=lambda numbers: numbers["release"], reverse=True):
        suite = f"Django {numbers['django']}'s own tests"
        yield suite, numbers["cases"], numbers["reached_rust"], numbers["passed"], numbers["listed"]
        compared, different = numbers["answers_compared"], numbers["answers_not_django_s"]
        yield "answers in them, each compared with Django's", compared, compared, compared - different, different


def differential(folder):
    numbers = read(folder, "differential.json")
    if numbers is None:
        return "random input", None
    functions = numbers["functions"]
    cases = sum(function["cases"] for function in functions)
    accepted = sum(function["accepted"] for function in functions) * 100 // cases
    suite = f"random input for {len(functions)} rules, {accepted} % accepted by Django {numbers['django']}, seed {numbers['seed']}"
    unexplained = sum(function["unexplained"] for function in functions)
    deviations = sum(sum(function["deviations"].values()) for function in functions)
    return suite, cases, cases, cases - unexplained - deviations, deviations


def planted(folder):
    numbers = read(folder, "planted.json")
    if numbers is None:
        return "planted bugs, caught by the test that each names", None
    bugs = numbers["bugs"]
    caught = sum(bug["outcome"] == "caught" for bug in bugs)
    return "planted bugs, caught by the test that each names", len(bugs), len(bugs), caught, 0


def mutants(folder):
    suite = "mutants of signing, cookies, sessions and CSRF, caught"
    numbers = read(folder, "mutants.json")
    if numbers is None:
        return suite, None

    def total(field):
        return sum(area[field] for area in numbers["areas"])

    viable = total("mutants") - total("unviable")
    return suite, viable, viable, total("caught") + total("timeouts"), total("listed")


def races(folder):
    """Each line is of a test that passed: one that fails says nothing."""
    for name, counted, suite in [
        ("random_schedules", "schedules", "random schedules of requests at the same time"),
        ("linearizable", "calls", "store calls at the same time, explained by some order"),
    ]:
        path = folder / f"{name}.jsonl"
        if not path.exists():
            yield suite, None
            continue
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        total = sum(line[counted] for line in lines)
        yield f"{suite}, {len(lines)} tests of stores", total, total, total, 0


def trials(folder):
    """Acknowledged writes, while something went wrong, and those of them that were there afterwards."""
    runs = [json.loads(path.read_text() or "{}") for path in sorted(folder.glob("trial-*.json"))]
    for trial, suite in [
        ("kills", "writes acknowledged while a store was killed"),
        ("network", "writes acknowledged while connections went wrong"),
        ("cuts", "writes acknowledged while answers were cut"),
    ]:
        of_it = [run for run in runs if run.get("trial") == trial]
        if not of_it:
            yield suite, None
            continue
        happened = sum(run["happened"] for run in of_it)
        yield acknowledged(f"{suite}, {happened:,} times on {len(of_it)} engines", of_it)
    runs = read(folder, "kills.json")
    suite = "writes acknowledged while our server was killed"
    if runs is None:
        yield suite, None
    else:
        kills = sum(run["kills"] for run in runs)
        yield acknowledged(f"{suite}, {kills:,} times on {len(runs)} engines", runs)


def acknowledged(suite, runs):
    total = sum(run["acknowledged"] for run in runs)
    return suite, total, total, total - sum(run["lost"] + run["foreign"] + run.get("resurrected", 0) for run in runs), 0


def writers(folder):
    suite = "updates of one session by two Cloakrooms at the same time"
    runs = read(folder, "writers.json")
    if runs is None:
        yield suite, None
        return
    ours = [run for run in runs if run["pair"] == "two Cloakrooms"]
    total = sum(run["rust_updates"] for run in ours)
    yield f"{suite}, on {len(ours)} engines", total, total, total - sum(run["rust_lost"] for run in ours), 0


def fuzz(folder):
    path = folder / "fuzz.log"
    if not path.exists():
        return "fuzzing", None
    lines = re.findall(r"^\w+: (\d+) executions, .*, (nothing found|FOUND)$", path.read_text(), re.M)
    executions = sum(int(count) for count, _ in lines)
    found = sum(result == "FOUND" for _, result in lines)
    return f"fuzzing of {len(lines)} targets, {found} with findings", executions, executions, "", 0


if __name__ == "__main__":
    main()

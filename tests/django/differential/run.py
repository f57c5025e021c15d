#!/usr/bin/env python
"""Gives every pure rule of core random input, and asks Django whether the answer is right.

    run.py [--cases N | --full] [--seed N] [--only NAME …] [--json FILE]
    run.py --replay FILE

A run fails at an answer that is neither Django's nor a deviation of `deviations.py`, if the judge ends or does not
answer in time, and if Django takes less than a fifth of a function's cases for good. The line of a case that failed
can be given to `--replay`.
"""

import argparse
import json
import platform
import sys
import time
from pathlib import Path

import django
import frozen
from inputs import Inputs
from judge import Judge

ROOT = Path(__file__).resolve().parents[3]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, help="cases of each function")
    parser.add_argument("--full", action="store_true", help="as many as each function names for a full run")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="a function, or a part of its name")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the table here")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="ask again about the cases of these lines")
    parser.add_argument("--judge", default=ROOT / "target/debug/cloakroom-judge", help="the program that answers")
    options = parser.parse_args()

    if django.VERSION < (6, 1):
        parser.error(f"the answers are those of Django 6.1, and this is {django.__version__}")
    frozen.configure()
    from compare import compare

    functions = chosen(options, parser)
    judge = Judge(options.judge)
    print(f"seed {options.seed}")
    tallies = []
    for function in functions:
        tally = compare(judge, function, cases_of(function, options))
        if tally.cases:
            print(row(tally), flush=True)
            tallies.append(tally)
    judge.stop()
    problems = [problem for tally in tallies for problem in tally.problems(few_accepted=not options.replay)]
    problems += unlisted()
    if options.full and not options.only:
        problems += never_met(tallies)
    report(tallies, problems, options)
    sys.exit(1 if problems else 0)


def chosen(options, parser):
    """The functions of every area; Django must be configured before one is imported."""
    import auth
    import cookies
    import csrf
    import expiry
    import multipart
    import passwords
    import sessions
    import signing
    import times
    import urls

    areas = [signing, cookies, sessions, expiry, csrf, multipart, urls, passwords, auth, times]
    functions = [function for area in areas for function in area.FUNCTIONS]
    if not options.only:
        return functions
    names = {function.name for function in functions}
    # A whole name means that function alone, though it may be a part of another's.
    for wanted in options.only:
        if not any(wanted in name for name in names):
            parser.error(f"there is no function {wanted!r}; there are: {', '.join(sorted(names))}")
    wanted = [{only} & names or {name for name in names if only in name} for only in options.only]
    return [function for function in functions if function.name in set().union(*wanted)]


def cases_of(function, options):
    if options.replay:
        lines = [json.loads(line) for line in options.replay.read_text().splitlines() if line.startswith("{")]
        return [line["case"] for line in lines if line["function"] == function.name]
    # Each function has a sequence of its own, whichever others are run.
    inputs = Inputs(f"{options.seed} {function.name}")
    number = options.cases or (function.full if options.full else function.quick)
    return (function.generate(inputs) for _ in range(number))


def never_met(tallies):
    from deviations import DEVIATIONS

    met = {name for tally in tallies for name in tally.deviations}
    unmet = [one.name for one in DEVIATIONS if one.name not in met and not one.older_python]
    return [f"a deviation was never met: {name}" for name in unmet]


def unlisted():
    """Users of both sides read of every deviation."""
    from deviations import DEVIATIONS

    listed = (ROOT / "docs/django.md").read_text()
    return [f"docs/django.md lacks: {one.name}" for one in DEVIATIONS if f"| {one.name} |" not in listed]


def row(tally):
    return (
        f"{tally.function.name:28}{tally.cases:9} cases{tally.accepted:9} accepted"
        f"{tally.deviations.total():8} deviate{tally.unexplained:6} unexplained{tally.seconds:6.0f} s"
    )


def report(tallies, problems, options):
    deviations = sum((tally.deviations for tally in tallies), start=type(tallies[0].deviations)()) if tallies else {}
    for name, number in sorted(deviations.items()):
        print(f"{number:9} × {name}")
    for problem in problems:
        print(f"FAILED: {problem}")
    if options.json:
        options.json.write_text(json.dumps(document(tallies, problems, options), indent=1) + "\n")
    # As pytest says it, for `./test`.
    failed = len({problem.split(":")[0] for problem in problems})
    print(f"{len(tallies) - min(failed, len(tallies))} passed, {failed} failed")


def document(tallies, problems, options):
    return {
        "seed": options.seed,
        "django": django.__version__,
        "python": platform.python_version(),
        "functions": [
            {
                "function": tally.function.name,
                "cases": tally.cases,
                "accepted": tally.accepted,
                "deviations": dict(tally.deviations),
                "unexplained": tally.unexplained,
                "seconds": round(tally.seconds, 1),
            }
            for tally in tallies
        ],
        "problems": problems,
    }


if __name__ == "__main__":
    main()

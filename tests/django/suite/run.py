#!/usr/bin/env python
"""Runs modules of Django's own test suite, unmodified, with Cloakroom's answers in the place of Django's.

    run.py FOLDER [--record] [--json FILE] [LABEL …]

FOLDER is Django's source release. Without labels it runs all that are in `reached.json`; fewer tests there than
recorded that reach the judge, an answer that is not Django's, or a failing test fail the run.
"""

import argparse
import fnmatch
import json
import os
import runpy
import sys
import unittest
from collections import Counter, defaultdict
from pathlib import Path

from listed import DIFFERENT, LISTED

HERE = Path(__file__).parent
RECORD = HERE / "reached.json"

# What is run: Django's labels, by the name under which they are counted. After `auth_tests` come the users of what
# stands before it.
MODULES = {
    "signing": ["signing"],
    "signed_cookies_tests": ["signed_cookies_tests"],
    "httpwrappers": ["httpwrappers"],
    "responses": ["responses"],
    "utils_tests": ["utils_tests.test_http"],
    "csrf_tests": ["csrf_tests"],
    "sessions_tests": ["sessions_tests"],
    "auth_tests": ["auth_tests"],
    "async": ["async.test_async_auth"],
    "messages_tests": ["messages_tests"],
    "test_client": ["test_client"],
    "test_client_regress": ["test_client_regress"],
    "decorators": ["decorators.test_csrf"],
    "flatpages_tests": ["flatpages_tests.test_csrf"],
    "handlers": ["handlers.tests"],
    "shortcuts": ["shortcuts"],
    "template_backends": ["template_backends"],
    "asgi": ["asgi.tests.ASGITest.test_asgi_cookies", "asgi.tests.ASGITest.test_multiple_cookie_headers_http2"],
    # The largest user of logins and permissions.
    "admin_views": ["admin_views"],
    "view_tests": ["view_tests.tests.test_csrf", "view_tests.tests.test_i18n"],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("labels", nargs="*", help="modules or tests, as Django's runtests takes them")
    parser.add_argument("--record", action="store_true", help="keep the numbers of this run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers of this run there")
    parser.add_argument("--judge", default=None, help="the program that answers")
    parser.add_argument("--verbose", action="store_true", help="name the tests that did not reach the judge")
    options = parser.parse_intermixed_args()

    # The installed Django is the one that is tested, so both must be of one release.
    import django

    release = ".".join(map(str, django.VERSION[:2]))
    options.folder = options.folder.resolve()
    version = f"VERSION = {django.VERSION!r}".replace("'", '"')
    source = (options.folder / "django/__init__.py").read_text()
    assert version in source, f"{options.folder} is not Django {django.__version__}"

    import adapters
    from adapters import compare
    from adapters.pipe import judge_program, pipe

    pipe.start(options.judge or judge_program())
    adapters.install()
    outcomes = watch(pipe, compare, adapters)

    tests = options.folder / "tests"
    # Some modules are younger than the oldest release.
    known = [label for labels in MODULES.values() for label in labels if is_there(tests, label)]
    labels = options.labels or known
    # Django's folder of tests comes first, as if its script had been started; this one must not be in sight.
    if options.json:
        options.json = options.json.resolve()
    sys.path[0] = str(tests)
    sys.argv = [str(tests / "runtests.py"), "--parallel=1", "--settings=test_sqlite", "--verbosity=0", *labels]
    os.chdir(tests)
    status = 0
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as exit:
        status = exit.code or 0
    pipe.stop()
    sys.exit(report(release, outcomes, compare, options, status))


def is_there(tests, label):
    """Whether this release has a folder, a module or a test of one."""
    folder, *words = label.split(".")
    path = tests / folder
    while words and path.is_dir():
        path /= words.pop(0)
    module = path.with_suffix(".py")
    return path.is_dir() or (module.is_file() and all(word in module.read_text() for word in words))


class Outcomes:
    def __init__(self):
        self.cases = Counter()
        self.passed = Counter()
        self.reached = Counter()
        self.failed = Counter()
        self.listed = {}
        self.unreached = []
        self.unused = set()


def watch(pipe, compare, adapters):
    """Counts, test by test, which of them reached the judge."""
    from django.test import runner

    outcomes = Outcomes()
    outcomes.unused = set(LISTED)
    before = defaultdict(int)

    class Result(unittest.TextTestResult):
        def startTest(self, test):
            compare.current_test = test.id()
            outcomes.cases[test.id().split(".")[0]] += 1
            before[test.id()] = pipe.asked
            self.failures_before = len(self.failures) + len(self.errors)
            super().startTest(test)

        def addSuccess(self, test):
            super().addSuccess(test)
            group = test.id().split(".")[0]
            outcomes.passed[group] += 1
            if pipe.asked > before[test.id()]:
                outcomes.reached[group] += 1
            else:
                outcomes.unreached.append(test.id())

        def addExpectedFailure(self, test, err):
            super().addExpectedFailure(test, err)
            group = test.id().split(".")[0]
            outcomes.passed[group] += 1
            outcomes.reached[group] += pipe.asked > before[test.id()]

    def tests_of(suite):
        for test in suite:
            if isinstance(test, unittest.TestSuite):
                yield from tests_of(test)
            else:
                yield test

    build_suite = runner.DiscoverRunner.build_suite

    def build(self, *args, **kwargs):
        # The apps are loaded, and no test is imported yet.
        adapters.install_late()
        suite = build_suite(self, *args, **kwargs)
        for test in tests_of(suite):
            for pattern, reason in LISTED.items():
                if fnmatch.fnmatchcase(test.id(), pattern):
                    outcomes.unused.discard(pattern)
                    outcomes.listed[test.id()] = reason
                    name = test._testMethodName
                    setattr(test, name, unittest.skip(reason)(getattr(test, name).__func__))
        return suite

    runner.DiscoverRunner.build_suite = build
    runner.DiscoverRunner.get_resultclass = lambda self: Result
    return outcomes


def report(release, outcomes, compare, options, status):
    recorded = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    known = recorded.get(release, {})
    problems = []
    if status:
        problems.append(f"Django's runner ended with {status}")
    print(f"{'module':24}{'passed':>8}{'reached the judge':>20}{'recorded':>10}")
    for group in sorted(outcomes.passed):
        passed, reached = outcomes.passed[group], outcomes.reached[group]
        print(f"{group:24}{passed:8}{reached:20}{known.get(group, 0):10}")
    print(f"{'together':24}{outcomes.passed.total():8}{outcomes.reached.total():20}{sum(known.values()):10}")
    print(
        f"{len(outcomes.listed)} listed, {compare.compared} answers compared, {len(compare.differences)} not Django's"
    )
    unused = outcomes.unused | set(DIFFERENT)
    for test, what, ours, django in compare.differences:
        decided = [pattern for pattern in DIFFERENT if fnmatch.fnmatchcase(test or "", pattern)]
        unused.difference_update(decided)
        if decided:
            continue
        print(f"  {test}: {what}: {ours} and not {django}")
        problems.append("an answer is not Django's")
    if options.verbose:
        print("did not reach the judge:", *outcomes.unreached, sep="\n  ")
    if not options.labels:
        # The lists are made for the newest release; older ones lack some of its tests.
        for pattern in unused if release == max(recorded, default=release) else ():
            problems.append(f"listed, and nothing needs it: {pattern}")
        for group, number in known.items():
            if outcomes.reached[group] < number:
                problems.append(f"{group}: {outcomes.reached[group]} tests reached the judge, {number} are recorded")
    if options.record:
        recorded[release] = {**known, **{group: outcomes.reached[group] for group in sorted(outcomes.passed)}}
        RECORD.write_text(json.dumps(recorded, indent=2, sort_keys=True) + "\n")
    if options.json:
        options.json.write_text(json.dumps(numbers(release, outcomes, compare, problems), indent=2) + "\n")
    for problem in sorted(set(problems)):
        print(f"FAILED: {problem}")
    # As pytest says it, for `./test`.
    print(f"{outcomes.reached.total()} passed, {len(problems)} failed")
    return 1 if problems else 0


def numbers(release, outcomes, compare, problems):
    """What a table says of this run. A case is a test that Django's runner started, be it to skip it."""
    import django

    def counts(group=None):
        def of(counter):
            return counter.total() if group is None else counter[group]

        return {
            "cases": of(outcomes.cases),
            "reached_rust": of(outcomes.reached),
            "passed": of(outcomes.passed),
            "listed": sum(group is None or test.split(".")[0] == group for test in outcomes.listed),
        }

    return {
        "django": django.__version__,
        "release": release,
        "python": sys.version.split()[0],
        **counts(),
        "answers_compared": compare.compared,
        "answers_not_django_s": len(compare.differences),
        "problems": sorted(set(problems)),
        "modules": {group: counts(group) for group in sorted(outcomes.cases)},
    }


if __name__ == "__main__":
    main()

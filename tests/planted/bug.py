"""A bug to be planted, and the test that must find it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Test:
    """One test as cargo names it."""

    package: str
    target: tuple[str, ...]
    name: str

    def __str__(self):
        return " ".join([self.package, *self.target, self.name])

    @property
    def binary(self):
        """What is built for it: tests with the same one are run together."""
        return (self.package, *self.target)


@dataclass(frozen=True)
class Bug:
    """`before` must stand in `file` exactly once; with `after` in its place the sentence is true and `test` must fail."""

    sentence: str
    file: str
    before: str
    after: str
    test: Test

    def planted_in(self, text):
        found = text.count(self.before)
        if found != 1:
            raise Stale(f"{self.sentence}: {self.file} has its text {found} times, not once:\n{self.before}")
        return text.replace(self.before, self.after)


class Stale(Exception):
    """The sources have changed, and a bug has lost its place."""


def core(name):
    return Test("cloakroom-core", ("--lib",), name)


def vectors():
    return Test("cloakroom-core", ("--test", "vectors"), "django_s_answers_are_ours")


def stores(name):
    return Test("cloakroom-stores", ("--lib",), name)


def races(name):
    return Test("cloakroom-stores", ("--test", "races"), name)


def memory(name):
    return Test("cloakroom-stores", ("--test", "memory"), name)


def sqlite(name):
    return Test("cloakroom-stores", ("--test", "sqlite"), name)


def files(name):
    return Test("cloakroom-stores", ("--features", "file", "--test", "file"), name)


def redis(name):
    return Test("cloakroom-stores", ("--features", "redis", "--test", "redis"), name)


def postgres(name):
    return Test("cloakroom-stores", ("--features", "postgres", "--test", "postgres"), name)


def mysql(name):
    return Test("cloakroom-stores", ("--features", "mysql", "--test", "mysql"), name)


def cached(name):
    return Test("cloakroom-stores", ("--features", "redis", "--test", "cached"), name)


def web(name):
    return Test("cloakroom", ("--features", "templates", "--lib"), name)


def stack(name):
    return Test("cloakroom", ("--features", "templates", "--test", "stack"), name)


def pages(name):
    """Of the same tests those that want the library's own pages."""
    return Test("cloakroom", ("--features", "pages", "--test", "stack"), name)


def server(name):
    return Test("cloakroom-server", ("--lib",), name)


def command(name):
    return Test("cloakroom-server", ("--test", "cli"), name)

"""Access and refresh tokens of djangorestframework-simplejwt and ours: either side reads the other's."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

SECRET = "a secret key of thirty-two bytes and more, for tokens"
PASSWORD = "pbkdf2_sha256$1$s$h"
ROOT = Path(__file__).resolve().parents[2]


class Program:
    """A program that answers a line of JSON by another."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, **question):
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=10)


class Here(Program):
    """Our rules, with the settings of one site."""

    def __init__(self, **rules):
        super().__init__(str(ROOT / "target/debug/cloakroom-judge"))
        self.rules = {"keys": [SECRET.encode().hex()], "issuer": None, "audience": None, "checks_revoke": False, **rules}

    def now(self):
        return int(time.time() * 1_000_000)

    def user(self, password):
        return {"id": "7", "password": password, "is_active": True}

    def mint(self, kind, password=PASSWORD):
        user = self.user(password)
        return self.ask(op="jwt_mint", kind=kind, user=user, now=self.now(), **self.rules)["answer"]

    def read(self, kind, token, password=PASSWORD):
        user = self.user(password)
        return self.ask(op="jwt_read", kind=kind, token=token, user=user, now=self.now(), **self.rules)["answer"]


@pytest.fixture
def programs():
    started = []
    yield started
    for program in started:
        program.stop()


def sides(programs, place, simple_jwt=None, **rules):
    printed = place.cloakroom_command("jwt-key", SECRET_KEY=SECRET)
    assert printed.returncode == 0
    simple_jwt = {"SIGNING_KEY": printed.stdout.strip(), **(simple_jwt or {})}
    here = Here(**rules)
    there = Program(sys.executable, str(Path(__file__).parent / "simplejwt.py"), json.dumps(simple_jwt))
    programs += [here, there]
    assert there.ask(do="user", id=7, password=PASSWORD) == 7
    return here, there


SITES = {
    "plain": ({}, {}),
    "named": ({"ISSUER": "us", "AUDIENCE": "api"}, {"issuer": "us", "audience": "api"}),
    "several audiences": ({"ISSUER": "us", "AUDIENCE": ["web", "api"]}, {"issuer": "us", "audience": "api"}),
    "bound to the password": ({"CHECK_REVOKE_TOKEN": True}, {"checks_revoke": True}),
}


@pytest.mark.parametrize("site", SITES)
def test_either_side_reads_what_the_other_mints(programs, place, site):
    simple_jwt, rules = SITES[site]
    here, there = sides(programs, place, simple_jwt, **rules)
    theirs = there.ask(do="mint", id=7)
    assert here.read("access", theirs["access"]) == "7"
    assert here.read("refresh", theirs["refresh"]) == "7"
    assert here.read("access", theirs["refresh"]) is None
    assert here.read("refresh", theirs["access"]) is None
    access, refresh = here.mint("access"), here.mint("refresh")
    assert there.ask(do="read", token=access) == 7
    assert there.ask(do="read", token=refresh) == "InvalidToken"
    # What Django derives of our refresh token is read here.
    derived = there.ask(do="refresh", token=refresh)["access"]
    assert here.read("access", derived) == "7"


def test_tokens_of_another_key_are_nobody_s(programs, place):
    here, there = sides(programs, place, {"SIGNING_KEY": "another key, of thirty-two bytes and more"})
    assert here.read("access", there.ask(do="mint", id=7)["access"]) is None
    assert there.ask(do="read", token=here.mint("access")) == "InvalidToken"


def test_tokens_for_others_are_refused_on_both_sides(programs, place):
    here, there = sides(programs, place, {"AUDIENCE": "web"}, audience="api")
    assert here.read("access", there.ask(do="mint", id=7)["access"]) is None
    assert there.ask(do="read", token=here.mint("access")) == "InvalidToken"


def test_a_new_password_ends_tokens_on_both_sides_where_both_ask(programs, place):
    here, there = sides(programs, place, {"CHECK_REVOKE_TOKEN": True}, checks_revoke=True)
    theirs, ours = there.ask(do="mint", id=7)["access"], here.mint("access")
    assert here.read("access", theirs, password="changed") is None
    there.ask(do="user", id=7, password="changed")
    assert there.ask(do="read", token=ours) == "AuthenticationFailed"
    assert there.ask(do="read", token=here.mint("access", password="changed")) == 7


def test_a_token_ends_at_the_same_second(programs, place):
    here, there = sides(programs, place, {"ACCESS_TOKEN_LIFETIME": 1})
    theirs = there.ask(do="mint", id=7)["access"]
    deadline = time.monotonic() + 5
    while here.read("access", theirs) == "7":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert there.ask(do="read", token=theirs) == "InvalidToken"

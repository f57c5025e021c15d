"""A site whose user model is its own: a real Django makes its table, for each type of key and each database."""

import subprocess
import time
from pathlib import Path

import pytest

from client import Client
from databases import connect, server
from servers import DJANGO_PYTHON, PASSWORD, Cloakroom, Django, Place, environment

SITE = str(Path(__file__).with_name("customers") / "site.py")
EMAIL = "Ann@example.org"
# What the settings have to say of `customers/shop/models.py`.
TABLE = {
    "CLOAKROOM_AUTH_USER_MODEL": "shop.Customer",
    "CLOAKROOM_USERNAME_FIELD": "email",
    "CLOAKROOM_USERNAME_CASE": "ignore",
    "CLOAKROOM_USER_FIRST_NAME_COLUMN": "null",
    "CLOAKROOM_USER_LAST_NAME_COLUMN": "null",
    "CLOAKROOM_USER_STAFF_COLUMN": "null",
    "CLOAKROOM_USER_JOINED_COLUMN": "null",
    "CLOAKROOM_USER_COLUMNS": '["tenant"]',
    "CLOAKROOM_USER_HASH_COLUMNS": '["stamp", "newsletter"]',
    "CLOAKROOM_USER_EXTRA_COLUMNS": '["tenant=4", "stamp=new"]',
}


class Shop(Place):
    def __init__(self, folder: Path, kind: str, keys: str):
        super().__init__(folder)
        self.keys = keys
        self.url = f"sqlite:{self.database}" if kind == "sqlite" else server(kind).database()
        migrated = subprocess.run(
            [DJANGO_PYTHON, SITE, self.url, "migrate"],
            cwd=folder,
            env=self.environ(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert migrated.returncode == 0, migrated.stderr

    def environ(self) -> dict[str, str]:
        return environment(SITE_KEYS=self.keys)

    def settings(self, **more: str) -> dict[str, str]:
        return {"DATABASE_URL": self.url, "CLOAKROOM_USER_ID_TYPE": self.keys, **TABLE, **more}

    def run(self, *command: str, **more: str):
        return self.cloakroom_command(*command, **self.settings(**more))

    def here(self, **more: str) -> Cloakroom:
        # Waits until the database has been looked at, too.
        server = self.start_cloakroom(**self.settings(**more))
        for _ in range(100):
            if Client().get(f"{server.url}/readyz").status == 200:
                break
            time.sleep(0.05)
        return server

    def there(self) -> Django:
        process = self.start([DJANGO_PYTHON, SITE, self.url, "serve"], self.environ())
        line = process.process.stdout.readline().strip()
        assert line.isdigit(), process.log.read_text()
        process.await_port(int(line))
        return Django(f"http://127.0.0.1:{line}", process)

    def sql(self, statement: str) -> None:
        if self.url.startswith("sqlite:"):
            import sqlite3

            database = sqlite3.connect(self.database)
        else:
            database = connect(self.url)
        try:
            database.cursor().execute(statement)
            database.commit()
        finally:
            database.close()


@pytest.fixture(params=["integer", "uuid", "uuid-text", "text"])
def keys(request):
    return request.param


@pytest.fixture(params=["sqlite", "postgres", "mysql"])
def shop(request, tmp_path, keys):
    shop = Shop(tmp_path, request.param, keys)
    yield shop
    shop.stop()


def customer(there: Django, **fields) -> dict:
    return Client().post_json(f"{there.url}/people", {"email": EMAIL, **fields}).json()


def test_one_login_for_both_with_a_user_model_of_the_site_s_own(shop):
    here, there = shop.here(), shop.there()
    named = {"id": "ann"} if shop.keys == "text" else {}
    ann = customer(there, password=PASSWORD, **named)
    assert ann["last_login"] is None

    browser = Client()
    assert here.login(browser, EMAIL.upper()).status == 302, "allauth's rule: the case of an address is of no regard"
    seen = there.whoami(browser)
    assert (seen["user"], seen["id"]) == (EMAIL, ann["id"])
    assert seen["data"]["_auth_user_id"] == ann["id"]
    assert customer(there)["last_login"] is not None
    assert customer(there)["password"] == ann["password"], "beside a Django no hash is renewed"

    browser = Client()
    assert there.login(browser, EMAIL).status == 302
    assert here.knows(browser)
    other = Client()
    assert here.login(other, EMAIL).status == 302
    for column, value in (("stamp", "second"), ("newsletter", True), ("newsletter", False)):
        customer(there, **{column: value})
        assert not here.knows(browser), "a column that is part of the hash has changed"
        assert there.whoami(other)["user"] is None
        assert there.login(browser, EMAIL).status == 302
        assert here.knows(browser)
        assert here.login(other, EMAIL).status == 302
        assert there.whoami(other)["user"] == EMAIL
    customer(there, tenant=5)
    assert here.knows(browser), "one that is not, has"
    customer(there, is_active=False)
    assert not here.knows(browser)
    assert here.login(Client(), EMAIL).status == 200


def test_the_commands_work_on_it(shop):
    ran = shop.run("check", "--database")
    assert ran.returncode == 0, ran.stderr
    ran = shop.run("migrate")
    assert (ran.returncode, ran.stdout) == (0, "No migrations to apply.\n"), ran.stderr
    ada = ["createsuperuser", "--noinput", "--username", "ada@example.org", "--email", "ada@example.org"]
    ran = shop.run(*ada, DJANGO_SUPERUSER_PASSWORD=PASSWORD)
    if shop.keys == "text":
        assert ran.returncode == 1
        assert "texts of the site's own" in ran.stderr
        return
    assert ran.returncode == 0, ran.stderr
    here, there = shop.here(), shop.there()
    browser = Client()
    assert there.login(browser, "ada@example.org").status == 302
    assert here.knows(browser)
    ran = shop.run(*ada[:-1], "ADA@example.org", DJANGO_SUPERUSER_PASSWORD=PASSWORD)
    assert ran.returncode == 1 and "already taken" in ran.stderr


@pytest.mark.parametrize("keys", ["uuid"], indirect=True)
def test_what_is_missing_is_told_with_its_setting(shop):
    for setting, value, named in [
        ("USER_ACTIVE_COLUMN", "enabled", "shop_customer has no column enabled"),
        ("USER_COLUMNS", '["shoe_size"]', "shop_customer has no column shoe_size"),
        ("USER_HASH_COLUMNS", '["token"]', "shop_customer has no column token"),
        ("USER_GROUPS_TABLE", "clubs", "the table clubs is missing"),
        ("USER_TABLE", "people", "the table people is missing"),
    ]:
        ran = shop.run("check", "--database", **{f"CLOAKROOM_{setting}": value})
        assert ran.returncode == 1
        assert named in ran.stderr, ran.stderr
        assert f"the setting {setting} names it" in ran.stderr, ran.stderr
    ran = shop.run("check", CLOAKROOM_AUTH_USER_MODEL="Customer")
    assert ran.returncode == 1 and "AUTH_USER_MODEL should" in ran.stderr


@pytest.mark.parametrize("keys", ["uuid"], indirect=True)
def test_tables_of_second_factors_are_told(shop):
    assert "second factor" not in shop.run("check", "--database").stderr
    shop.sql("CREATE TABLE otp_totp_totpdevice (id integer, user_id char(36), confirmed boolean)")
    ran = shop.run("check", "--database")
    assert ran.returncode == 0, "a warning"
    assert "second factors (otp_totp_totpdevice)" in ran.stderr


@pytest.mark.parametrize("keys", ["uuid"], indirect=True)
def test_a_session_with_an_id_of_another_type_is_nobody_s(shop):
    here, there = shop.here(), shop.there()
    customer(there, password=PASSWORD)
    browser = Client()
    assert here.login(browser, EMAIL).status == 302
    assert here.knows(browser)
    # The same sessions, under settings that say something else of the keys.
    numbered = shop.start_cloakroom(**shop.settings(CLOAKROOM_USER_ID_TYPE="integer"))
    for _ in range(100):
        answer = browser.get(f"{numbered.url}/home/")
        if answer.status != 503:
            break
        time.sleep(0.05)
    assert answer.status == 302, "anonymous, and no error"


@pytest.mark.parametrize("keys", ["uuid"], indirect=True)
def test_a_backend_of_another_package_is_written_and_read_where_it_is_listed(shop):
    allauth = "allauth.account.auth_backends.AuthenticationBackend"
    model = "django.contrib.auth.backends.ModelBackend"
    there = shop.there()
    customer(there, password=PASSWORD)
    browser = Client()
    of_allauth = shop.here(CLOAKROOM_AUTHENTICATION_BACKENDS=f'["{allauth}"]')
    assert of_allauth.login(browser, EMAIL).status == 302
    assert there.whoami(browser)["data"]["_auth_user_backend"] == allauth
    assert shop.here(CLOAKROOM_AUTHENTICATION_BACKENDS=f'["{model}", "{allauth}"]').knows(browser)
    assert not shop.here().knows(browser), "not listed, so nobody's, as in Django"
    assert there.whoami(browser)["user"] is None
    assert of_allauth.knows(browser), "and the session stays as it is"

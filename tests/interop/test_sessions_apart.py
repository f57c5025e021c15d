"""Sessions in a database of their own, and in a table under a site's own names."""

import sqlite3
from pathlib import Path

import pytest

from client import Client
from databases import connect, server
from servers import PASSWORD, Place

ADA = ["createsuperuser", "--noinput", "--username", "ada", "--email", "a@example.com"]
NAMES = {
    "CLOAKROOM_SESSION_TABLE": "shop_ticket",
    "CLOAKROOM_SESSION_KEY_COLUMN": "ticket",
    "CLOAKROOM_SESSION_DATA_COLUMN": "data",
    "CLOAKROOM_SESSION_EXPIRE_COLUMN": "until",
    "CLOAKROOM_SESSION_EXTRA_COLUMNS": '["site_id=7", "note=it\'s=new"]',
}
TABLE = (
    "CREATE TABLE shop_ticket (ticket varchar(40) NOT NULL PRIMARY KEY, data text NOT NULL, until {moment} NOT NULL, "
    "site_id integer NOT NULL, note varchar(20) NOT NULL)"
)


class Apart(Place):
    """Users in one database, sessions in another."""

    def __init__(self, folder: Path, kind: str):
        super().__init__(folder)
        self.url = f"sqlite:{folder / 'sessions.db'}" if kind == "sqlite" else server(kind).database()
        self.sessions = {"CLOAKROOM_SESSIONS": self.url}

    def run(self, *command: str, **environ: str):
        return self.cloakroom_command(*command, **{**self.sessions, **environ})

    def sql(self, statement: str) -> list[tuple]:
        sqlite = self.url.startswith("sqlite:")
        database = sqlite3.connect(self.url.removeprefix("sqlite:")) if sqlite else connect(self.url)
        try:
            cursor = database.cursor()
            cursor.execute(statement)
            database.commit()
            return list(cursor.fetchall()) if cursor.description else []
        finally:
            database.close()


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    place = Apart(tmp_path, request.param)
    yield place
    place.stop()


def signed_in(site) -> Client:
    client = Client()
    assert site.login(client, "ada").status == 302
    assert site.knows(client)
    return client


def test_only_the_table_of_sessions_is_made_and_wanted_there(place):
    ran = place.run("migrate")
    assert ran.returncode == 0, ran.stderr
    assert "Made the tables of contenttypes, auth and sessions in" in ran.stdout
    assert "Made the table of sessions in" in ran.stdout
    assert place.run("migrate").stdout == "No migrations to apply.\n"
    assert place.sql("SELECT app, name FROM django_migrations") == [("sessions", "0001_initial")]
    assert place.sql("SELECT session_key FROM django_session") == []
    with pytest.raises(Exception, match="auth_user"):
        place.sql("SELECT id FROM auth_user")
    assert place.run("check", "--database").returncode == 0
    assert place.run(*ADA, DJANGO_SUPERUSER_PASSWORD=PASSWORD).returncode == 0
    client = signed_in(place.start_cloakroom(**place.sessions))
    assert [key for (key,) in place.sql("SELECT session_key FROM django_session")] == [client.cookies["sessionid"]]
    place.sql("UPDATE django_session SET expire_date = '2020-01-01 00:00:00'")
    assert place.run("clearsessions").returncode == 0
    assert place.sql("SELECT session_key FROM django_session") == []


def test_a_table_of_sessions_that_is_missing_is_named(place):
    if place.url.startswith("sqlite:"):
        sqlite3.connect(place.url.removeprefix("sqlite:")).close()
        Path(place.url.removeprefix("sqlite:")).touch()
    assert place.cloakroom_command("migrate").returncode == 0, "the users' database alone"
    ran = place.run("check", "--database")
    assert ran.returncode == 1
    assert "the table django_session is missing" in ran.stderr
    assert "auth_user" not in ran.stderr


def test_a_site_s_own_names_are_used_by_every_command(place):
    assert place.cloakroom_command("migrate").returncode == 0
    assert place.cloakroom_command(*ADA, DJANGO_SUPERUSER_PASSWORD=PASSWORD).returncode == 0
    if place.url.startswith("sqlite:"):
        Path(place.url.removeprefix("sqlite:")).touch()
    for command in (["migrate"], ["check", "--database"]):
        ran = place.run(*command, **NAMES)
        assert ran.returncode == 1
        assert "shop_ticket" in ran.stderr, "it is the site's, and never made by us"
    place.sql(TABLE.format(moment="datetime" if place.url.startswith("sqlite:") else "timestamptz"))
    for command in (["migrate"], ["check", "--database"]):
        ran = place.run(*command, **NAMES)
        assert ran.returncode == 0, ran.stderr
    server = place.start_cloakroom(**place.sessions, **NAMES)
    client = signed_in(server)
    rows = place.sql("SELECT ticket, site_id, note FROM shop_ticket")
    assert [tuple(row) for row in rows] == [(client.cookies["sessionid"], 7, "it's=new")]
    place.sql("UPDATE shop_ticket SET until = '2020-01-01 00:00:00'")
    assert not server.knows(client)
    assert place.run("clearsessions", **NAMES).returncode == 0
    assert place.sql("SELECT ticket FROM shop_ticket") == []


def test_a_malformed_name_is_refused_before_anything_opens(place):
    for name in ('a"; DROP TABLE auth_user; --', "", "a b", "1a"):
        for command in (["migrate"], ["check"], ["clearsessions"], ["serve"]):
            ran = place.run(*command, CLOAKROOM_SESSION_KEY_COLUMN=name)
            assert ran.returncode == 1, (command, name)
            assert "SESSION_KEY_COLUMN should name a table or a column" in ran.stderr
    assert not place.database.exists()

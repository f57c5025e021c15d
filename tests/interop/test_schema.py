"""Whoever made the database, the other finds it in order."""

import sqlite3

from client import Client
from servers import FOREIGN_APPS, PASSWORD, Place, made_by_cloakroom, made_by_django


def tables(place) -> dict[str, list[tuple]]:
    """Each table's columns and each index's, as SQLite understands them."""
    connection = sqlite3.connect(place.database)
    names = connection.execute(
        "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'index') AND name NOT LIKE 'sqlite_%'"
    )
    found = {}
    for name, kind in names.fetchall():
        if name.startswith("cloakroom_"):
            continue
        pragma = "table_info" if kind == "table" else "index_info"
        found[name] = connection.execute(f"PRAGMA {pragma}({name})").fetchall()
        if kind == "table":
            found[name + " foreign keys"] = sorted(
                row[2:] for row in connection.execute(f"PRAGMA foreign_key_list({name})")
            )
    connection.close()
    return found


def rows(place, query: str) -> list[tuple]:
    connection = sqlite3.connect(place.database)
    try:
        return sorted(connection.execute(query).fetchall())
    finally:
        connection.close()


def test_django_finds_nothing_left_to_do_in_our_database(tmp_path):
    place = made_by_cloakroom(tmp_path)
    checked = place.django_command("checkmigrations")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert place.django_command("migrate").returncode == 0


def test_our_tables_are_the_ones_that_django_makes(tmp_path):
    (tmp_path / "ours").mkdir()
    (tmp_path / "django").mkdir()
    ours = made_by_cloakroom(tmp_path / "ours")
    django_s = Place(tmp_path / "django")
    assert django_s.django_command("migrate").returncode == 0
    assert tables(ours) == tables(django_s)
    for query in (
        "SELECT app, name FROM django_migrations WHERE app != 'cloakroom'",
        "SELECT app_label, model FROM django_content_type",
        "SELECT app_label, model, codename, name FROM auth_permission JOIN django_content_type ON content_type_id = django_content_type.id",
    ):
        assert rows(ours, query) == rows(django_s, query)


def test_django_grows_our_database_by_its_own_apps(tmp_path):
    place = made_by_cloakroom(tmp_path)
    migrated = place.django_command("migrate", SITE_APPS=FOREIGN_APPS)
    assert migrated.returncode == 0, migrated.stderr
    checked = place.django_command("checkmigrations", SITE_APPS=FOREIGN_APPS)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_migrate_twice_changes_nothing(tmp_path):
    place = made_by_cloakroom(tmp_path)
    before = place.dump()
    assert place.cloakroom_command("migrate").returncode == 0
    assert place.dump() == before


def test_migrate_changes_nothing_in_django_s_database(tmp_path):
    place = made_by_django(tmp_path)
    before = place.dump()
    migrated = place.cloakroom_command("migrate")
    assert migrated.returncode == 0, migrated.stderr
    assert place.dump() == before


def test_a_table_that_a_django_shop_lacks_is_django_s_to_make(tmp_path):
    place = made_by_django(tmp_path)
    connection = sqlite3.connect(place.database)
    with connection:
        connection.execute("DROP TABLE django_session")
    before = place.dump()
    migrated = place.cloakroom_command("migrate")
    assert migrated.returncode == 1
    assert "manage.py migrate" in migrated.stderr
    assert place.dump() == before


def test_django_knows_a_superuser_made_here(place):
    assert place.cloakroom_command("migrate").returncode == 0
    made = place.cloakroom_command(
        "createsuperuser",
        "--noinput",
        "--username",
        "admin",
        "--email",
        "Admin@EXAMPLE.com",
        DJANGO_SUPERUSER_PASSWORD=PASSWORD,
    )
    assert made.returncode == 0, made.stderr
    there = place.start_django()
    client = Client()
    assert there.login(client, "admin").status == 302
    assert there.whoami(client)["user"] == "admin"
    person = there.person("admin", None)
    assert (person["email"], person["is_staff"], person["is_superuser"], person["is_active"]) == (
        "Admin@example.com",
        True,
        True,
        True,
    )
    again = place.cloakroom_command(
        "createsuperuser", "--noinput", "--username", "admin", "--email", "", DJANGO_SUPERUSER_PASSWORD=PASSWORD
    )
    assert again.returncode == 1
    assert "already taken" in again.stderr


def test_clearsessions_removes_what_django_would(place):
    assert place.django_command("migrate").returncode == 0
    connection = sqlite3.connect(place.database)
    with connection:
        insert = "INSERT INTO django_session (session_key, session_data, expire_date) VALUES (?, 'x', ?)"
        connection.execute(insert, ("expired", "2001-01-01 00:00:00"))
        connection.execute(insert, ("live", "2999-01-01 00:00:00.5"))
    cleared = place.cloakroom_command("clearsessions")
    assert cleared.returncode == 0, cleared.stderr
    assert connection.execute("SELECT session_key FROM django_session").fetchall() == [("live",)]


def test_check_finds_both_databases_in_order(tmp_path):
    for make in (made_by_django, made_by_cloakroom):
        folder = tmp_path / make.__name__
        folder.mkdir()
        checked = make(folder).cloakroom_command("check", "--database")
        assert checked.returncode == 0, checked.stdout + checked.stderr

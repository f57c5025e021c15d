//! Files that are made, Django's tables, and whose they are.

use std::path::Path;

use cloakroom_core::auth::UserStore as _;
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{Migrated, Problem, SqliteStore};
use rusqlite::Connection;

use crate::folder::{Folder, edit};

#[tokio::test]
async fn wal_is_asked_for_only_where_we_made_the_file() {
    let folder = Folder::new();
    for (store, mode, ours) in [
        (folder.ours().await, "wal", true),
        (folder.django().await, "delete", false),
    ] {
        assert_eq!(journal_mode(store.path()), mode);
        assert_eq!(store.made_by_us().await.unwrap(), ours);
        let again = SqliteStore::open(store.path()).await.unwrap();
        assert_eq!(again.made_by_us().await.unwrap(), ours, "it outlives us");
        drop((store, again));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_this_user_reads_a_database_we_made() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::new();
    let store = folder.ours().await;
    for suffix in ["", "-wal", "-shm"] {
        let name = format!("{}{suffix}", store.path().display());
        let mode = std::fs::metadata(name).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{suffix}");
    }
}

#[tokio::test]
async fn a_file_that_is_there_is_not_made_again() {
    let folder = Folder::new();
    let path = folder.ours().await.path().to_owned();
    let error = SqliteStore::create(&path).await.unwrap_err();
    assert!(error.to_string().contains("cannot be made"), "{error}");
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.check().await.unwrap(), []);
}

#[tokio::test]
async fn migrating_makes_django_s_tables_once() {
    let folder = Folder::new();
    let store = SqliteStore::create(folder.path()).await.unwrap();
    assert_eq!(
        store.check().await.unwrap(),
        [
            Problem::MissingTable {
                table: "django_session".into()
            },
            Problem::MissingTable {
                table: "auth_user".into()
            }
        ]
    );
    let now = Timestamp::from_unix_seconds(1_700_000_000);
    assert_eq!(store.migrate(now).await.unwrap(), Migrated::Created);
    assert_eq!(store.migrate(now).await.unwrap(), Migrated::NothingToDo);
    assert_eq!(store.check().await.unwrap(), []);
    assert!(store.foreign_apps().await.unwrap().is_empty());
    let database = Connection::open(store.path()).unwrap();
    let count = |sql: &str| -> i64 { database.query_row(sql, [], |row| row.get(0)).unwrap() };
    assert_eq!(count("SELECT count(*) FROM django_migrations"), 15);
    assert_eq!(count("SELECT count(*) FROM django_content_type"), 5);
    assert_eq!(count("SELECT count(*) FROM auth_permission"), 20);
    assert_eq!(
        count("SELECT count(*) FROM sqlite_master WHERE name LIKE 'cloakroom%'"),
        0,
        "the trial write leaves nothing"
    );
    let applied: String = database
        .query_row("SELECT applied FROM django_migrations", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(applied, "2023-11-14 22:13:20");
}

#[tokio::test]
async fn a_part_of_the_tables_is_an_error_that_names_the_fix() {
    for damage in [
        "DELETE FROM django_migrations WHERE app = 'sessions'",
        "DROP TABLE django_session",
        "DROP TABLE django_migrations",
        "DELETE FROM django_migrations WHERE name = '0012_alter_user_first_name_max_length'",
    ] {
        let folder = Folder::new();
        let store = folder.django().await;
        edit(store.path(), damage);
        let before = schema(store.path());
        let error = store.migrate(Timestamp::now()).await.unwrap_err();
        assert!(error.to_string().contains("manage.py migrate"), "{error}");
        assert_eq!(schema(store.path()), before, "{damage}");
    }
}

#[tokio::test]
async fn a_django_site_s_tables_are_left_to_django() {
    let folder = Folder::new();
    let store = folder.django().await;
    edit(
        store.path(),
        "INSERT INTO django_migrations (app, name, applied) VALUES ('shop', '0001_initial', '2024-01-01 00:00:00')",
    );
    assert_eq!(store.foreign_apps().await.unwrap(), ["shop"]);
    let now = Timestamp::now();
    let nothing = Migrated::LeftToDjango { missing: vec![] };
    assert_eq!(store.migrate(now).await.unwrap(), nothing);
    edit(store.path(), "DROP TABLE django_session");
    let before = schema(store.path());
    let missing = Migrated::LeftToDjango {
        missing: vec!["django_session".into()],
    };
    assert_eq!(store.migrate(now).await.unwrap(), missing);
    assert_eq!(schema(store.path()), before);
}

#[tokio::test]
async fn a_column_that_is_missing_is_named() {
    let folder = Folder::new();
    let store = folder.django().await;
    edit(
        store.path(),
        "ALTER TABLE auth_user RENAME COLUMN email TO mail",
    );
    let problems = store.check().await.unwrap();
    assert_eq!(
        problems,
        [Problem::MissingColumn {
            table: "auth_user".into(),
            column: "email".into()
        }]
    );
    let error = store.by_id("1").await.unwrap_err();
    assert!(error.to_string().contains("migrate"), "{error}");
}

fn journal_mode(path: &Path) -> String {
    let database = Connection::open(path).unwrap();
    database
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .unwrap()
}

fn schema(path: &Path) -> Vec<String> {
    let database = Connection::open(path).unwrap();
    let mut statement = database
        .prepare("SELECT name FROM sqlite_master ORDER BY name")
        .unwrap();
    let names = statement.query_map([], |row| row.get(0)).unwrap();
    names.collect::<Result<_, _>>().unwrap()
}

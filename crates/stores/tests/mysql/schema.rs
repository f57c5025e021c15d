//! Django's tables, and whose they are.

use std::path::{Path, PathBuf};
use std::process::Command;

use cloakroom_core::auth::UserStore as _;
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{Migrated, MySqlStore, Problem};
use cloakroom_testing::servers::MariaDb;

use crate::databases::{edit, empty, migrate, ours, says};

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn migrating_makes_django_s_tables_once() {
    let (name, store) = empty();
    assert!(!store.made_by_us().await.unwrap());
    let missing = ["django_session", "auth_user"].map(|table| Problem::MissingTable {
        table: table.into(),
    });
    assert_eq!(store.check().await.unwrap(), missing);
    let now = Timestamp::from_unix_seconds(1_700_000_000);
    assert_eq!(store.migrate(now).await.unwrap(), Migrated::Created);
    assert_eq!(store.migrate(now).await.unwrap(), Migrated::NothingToDo);
    assert_eq!(store.check().await.unwrap(), []);
    assert!(store.foreign_apps().await.unwrap().is_empty());
    assert!(store.made_by_us().await.unwrap());
    let counts = edit(
        &name,
        "SELECT (SELECT count(*) FROM django_migrations), (SELECT count(*) FROM django_content_type), \
         (SELECT count(*) FROM auth_permission), (SELECT count(*) FROM django_session), \
         (SELECT min(applied) FROM django_migrations)",
    );
    assert_eq!(
        counts.trim(),
        "15\t5\t20\t0\t2023-11-14 22:13:20.000000",
        "the trial write leaves nothing"
    );
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn migrations_at_the_same_time_make_the_tables_once() {
    let (_, store) = empty();
    let now = Timestamp::now();
    let migrations: Vec<_> = (0..4)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.migrate(now).await.unwrap() })
        })
        .collect();
    let mut created = 0;
    for migration in migrations {
        match migration.await.unwrap() {
            Migrated::Created => created += 1,
            other => assert_eq!(other, Migrated::NothingToDo),
        }
    }
    assert_eq!(created, 1);
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_migration_that_was_interrupted_is_completed() {
    for damage in [
        "DROP TABLE auth_user_user_permissions, auth_user_groups, django_session",
        "SELECT 1",
    ] {
        let (name, store) = ours().await;
        // As a run leaves it that ended before its last transaction.
        edit(
            &name,
            &format!(
                "DELETE FROM auth_permission; DELETE FROM django_content_type; DELETE FROM django_migrations; {damage}"
            ),
        );
        migrate(&store).await;
        assert_eq!(store.check().await.unwrap(), []);
        let (other, _) = ours().await;
        assert_eq!(tables(&name), tables(&other));
    }
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_part_of_the_tables_is_an_error_that_names_the_fix() {
    for damage in [
        "DELETE FROM django_migrations WHERE app = 'sessions'",
        "DROP TABLE django_session",
        "DROP TABLE django_migrations",
        "DELETE FROM django_migrations WHERE name = '0012_alter_user_first_name_max_length'",
        "DELETE FROM django_migrations; ALTER TABLE django_migrations COMMENT ''",
    ] {
        let (name, store) = ours().await;
        edit(&name, damage);
        let before = tables(&name);
        let error = store.migrate(Timestamp::now()).await.unwrap_err();
        says(&error, "manage.py migrate");
        assert_eq!(tables(&name), before, "{damage}");
    }
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_django_site_s_tables_are_left_to_django() {
    let (name, store) = ours().await;
    edit(
        &name,
        "INSERT INTO django_migrations (app, name, applied) VALUES ('shop', '0001_initial', now())",
    );
    assert_eq!(store.foreign_apps().await.unwrap(), ["shop"]);
    let now = Timestamp::now();
    let nothing = Migrated::LeftToDjango { missing: vec![] };
    assert_eq!(store.migrate(now).await.unwrap(), nothing);
    edit(&name, "DROP TABLE django_session");
    let before = tables(&name);
    let missing = Migrated::LeftToDjango {
        missing: vec!["django_session".into()],
    };
    assert_eq!(store.migrate(now).await.unwrap(), missing);
    assert_eq!(tables(&name), before);
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_column_that_is_missing_is_named() {
    let (name, store) = ours().await;
    edit(
        &name,
        "ALTER TABLE auth_user CHANGE COLUMN email mail varchar(254) NOT NULL",
    );
    let problems = store.check().await.unwrap();
    let email = Problem::MissingColumn {
        table: "auth_user".into(),
        column: "email".into(),
    };
    assert_eq!(problems, [email]);
    says(&store.by_id("1").await.unwrap_err(), "migrate");
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_user_without_rights_is_told_which() {
    let (name, _) = ours().await;
    let server = MariaDb::shared();
    server.execute(&format!(
        "CREATE OR REPLACE USER reader_of_{name}@'%' IDENTIFIED BY 'secret'; \
         GRANT SELECT ON {name}.* TO reader_of_{name}@'%'"
    ));
    let url = server
        .url(&name)
        .replace("cloakroom:", &format!("reader_of_{name}:"));
    let store = MySqlStore::open(&url).unwrap();
    let problems = store.check().await.unwrap();
    let [Problem::NotWritable(text)] = &problems[..] else {
        panic!("{problems:?}");
    };
    assert!(text.contains("grant SELECT, INSERT"), "{text}");
}

#[tokio::test]
#[ignore = "needs MariaDB and the environment that tests/setup makes"]
async fn django_finds_nothing_left_to_do_and_makes_the_same_tables() {
    let (name, _) = ours().await;
    let server = MariaDb::shared();
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = std::env::var_os("DJANGO_PYTHON").map_or_else(
        || crate_folder.join("../../target/venv/tests/bin/python"),
        PathBuf::from,
    );
    let ran = Command::new(python)
        .arg(crate_folder.join("tests/django_compares_mysql.py"))
        .args([server.url(&name), server.database()])
        .output()
        .expect("the Python of tests/setup runs");
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let complained = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}\n{complained}");
    assert!(said.ends_with("the same\n"), "{said}");
}

/// The tables as they would be made again, without counters.
fn tables(name: &str) -> Vec<String> {
    edit(name, "SHOW TABLES")
        .lines()
        .map(|table| {
            let made = edit(name, &format!("SHOW CREATE TABLE {table}"));
            made.split(" AUTO_INCREMENT=").next().unwrap().to_owned()
        })
        .collect()
}

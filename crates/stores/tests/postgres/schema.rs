//! Django's tables, whose they are, and what a Django says to them.

use std::path::{Path, PathBuf};
use std::process::Command;

use cloakroom_core::auth::{CreateUser, Permissions, User, UserCreated, UserStore as _};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{Migrated, PostgresStore, Problem};
use cloakroom_testing::servers::Postgres;

use crate::database::{edit, hasty, hasty_one, other, ours, says};

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn migrating_makes_django_s_tables_once() {
    let url = Postgres::shared().database();
    let store = hasty(&url);
    let missing = ["django_session", "auth_user"].map(|table| Problem::MissingTable {
        table: table.into(),
    });
    assert_eq!(store.check().await.unwrap(), missing);
    assert!(!store.made_by_us().await.unwrap());
    let now = Timestamp::from_unix_seconds(1_700_000_000);
    assert_eq!(store.migrate(now).await.unwrap(), Migrated::Created);
    assert_eq!(store.migrate(now).await.unwrap(), Migrated::NothingToDo);
    assert_eq!(store.check().await.unwrap(), []);
    assert!(store.made_by_us().await.unwrap());
    assert!(store.foreign_apps().await.unwrap().is_empty());
    let client = other(&url).await;
    for (sql, count) in [
        (
            "SELECT count(*) FROM django_migrations WHERE applied = '2023-11-14T22:13:20Z'",
            15_i64,
        ),
        ("SELECT count(*) FROM django_content_type", 5),
        ("SELECT count(*) FROM auth_permission", 20),
        ("SELECT count(*) FROM django_session", 0),
    ] {
        let found: i64 = client.query_one(sql, &[]).await.unwrap().get(0);
        assert_eq!(found, count, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn migrating_at_the_same_time_makes_the_tables_once() {
    let url = Postgres::shared().database();
    let stores: Vec<_> = (0..4).map(|_| PostgresStore::open(&url).unwrap()).collect();
    let migrating: Vec<_> = stores
        .iter()
        .map(|store| {
            let store = store.clone();
            tokio::spawn(async move { store.migrate(Timestamp::now()).await.unwrap() })
        })
        .collect();
    let mut created = 0;
    for migrated in migrating {
        match migrated.await.unwrap() {
            Migrated::Created => created += 1,
            other => assert_eq!(other, Migrated::NothingToDo),
        }
    }
    assert_eq!(created, 1);
    assert_eq!(stores[0].check().await.unwrap(), []);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_part_of_the_tables_is_an_error_that_names_the_fix() {
    for damage in [
        "DELETE FROM django_migrations WHERE app = 'sessions'",
        "DROP TABLE django_session",
        "DROP TABLE django_migrations",
    ] {
        let (store, url) = hasty_one().await;
        edit(&url, damage).await;
        let error = store.migrate(Timestamp::now()).await.unwrap_err();
        says(&error, "only a part of Django's tables");
        says(&error, "manage.py migrate");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_django_site_s_tables_are_left_to_django() {
    let (store, url) = hasty_one().await;
    edit(
        &url,
        "INSERT INTO django_migrations (app, name, applied) VALUES ('shop', '0001_initial', now())",
    )
    .await;
    assert_eq!(store.foreign_apps().await.unwrap(), ["shop"]);
    let now = Timestamp::now();
    let nothing = Migrated::LeftToDjango { missing: vec![] };
    assert_eq!(store.migrate(now).await.unwrap(), nothing);
    edit(&url, "DROP TABLE django_session").await;
    let missing = Migrated::LeftToDjango {
        missing: vec!["django_session".into()],
    };
    assert_eq!(store.migrate(now).await.unwrap(), missing);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_column_that_is_missing_is_named() {
    let (store, url) = hasty_one().await;
    edit(&url, "ALTER TABLE auth_user RENAME COLUMN email TO mail").await;
    let column = Problem::MissingColumn {
        table: "auth_user".into(),
        column: "email".into(),
    };
    assert_eq!(store.check().await.unwrap(), [column]);
    says(&store.by_id("1").await.unwrap_err(), "migrate");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_user_who_may_not_write_is_a_problem() {
    let (_, url) = hasty_one().await;
    edit(
        &url,
        "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN; \
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
    )
    .await;
    let store = hasty(&url.replace("cloakroom@", "reader@"));
    let problems = store.check().await.unwrap();
    let [Problem::NotWritable(words)] = &problems[..] else {
        panic!("{problems:?}");
    };
    assert!(words.contains("grant it SELECT, INSERT"), "{words}");
    let grant = "GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO reader";
    edit(&url, grant).await;
    assert_eq!(store.check().await.unwrap(), []);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn the_tables_of_the_first_schema_on_the_path_are_used() {
    let (_, url) = hasty_one().await;
    edit(&url, "CREATE SCHEMA site").await;
    let store = hasty(&format!("{url}?options=-c%20search_path%3Dsite"));
    let migrated = store.migrate(Timestamp::now()).await.unwrap();
    assert_eq!(migrated, Migrated::Created);
    assert_eq!(store.check().await.unwrap(), []);
    assert!(store.made_by_us().await.unwrap());
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn permissions_are_the_user_s_own_and_those_of_the_groups() {
    let (store, url) = hasty_one().await;
    let mut users = Vec::new();
    for name in ["ann", "ben"] {
        let user = User::new("", name, Timestamp::now());
        let made = store.create_user(&user, CreateUser::Always).await;
        let UserCreated::Created(user) = made.unwrap() else {
            panic!("the name was free");
        };
        users.push(user);
    }
    edit(
        &url,
        "INSERT INTO auth_group (name) VALUES ('clerks');
         INSERT INTO auth_user_groups (user_id, group_id) VALUES (1, 1);
         INSERT INTO auth_group_permissions (group_id, permission_id)
             SELECT 1, id FROM auth_permission WHERE codename IN ('view_user', 'view_group');
         INSERT INTO auth_user_user_permissions (user_id, permission_id)
             SELECT 1, id FROM auth_permission WHERE codename IN ('add_session', 'view_user');
         INSERT INTO auth_user_user_permissions (user_id, permission_id)
             SELECT 2, id FROM auth_permission WHERE codename = 'delete_user'",
    )
    .await;
    let of_ann = Permissions::load(&store, &users[0]).await.unwrap();
    let of_ben = Permissions::load(&store, &users[1]).await.unwrap();
    for (permission, ann_has, ben_has) in [
        ("auth.view_user", true, false),
        ("auth.view_group", true, false),
        ("sessions.add_session", true, false),
        ("auth.delete_user", false, true),
        ("auth.add_session", false, false),
    ] {
        assert_eq!(of_ann.has(permission), ann_has, "{permission}");
        assert_eq!(of_ben.has(permission), ben_has, "{permission}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL and the environment that tests/setup makes"]
async fn django_finds_nothing_left_to_do_and_makes_the_same_tables() {
    let store = ours().await;
    let ours = store.name().split(' ').next().unwrap().to_owned();
    let theirs = Postgres::shared().database();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/django_compares_postgres.py");
    let ran = Command::new(python())
        .arg(script)
        .args([Postgres::shared().url(&ours), theirs])
        .output()
        .expect("the Python of tests/setup runs");
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let complained = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}\n{complained}");
    assert!(said.ends_with("the same\n"), "{said}");
}

/// The Python that has Django and psycopg.
fn python() -> PathBuf {
    if let Some(path) = std::env::var_os("DJANGO_PYTHON") {
        return path.into();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/tests/bin/python");
    assert!(
        path.exists(),
        "{} is missing: run tests/setup",
        path.display()
    );
    path
}

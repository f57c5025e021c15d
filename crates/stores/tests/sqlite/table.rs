//! A table of sessions that is a site's own.

use std::sync::Arc;

use cloakroom_core::session::{SessionKey, Store};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{Contents, Migrated, Problem, SessionTable, SqliteOptions, SqliteStore};
use cloakroom_testing::{record, store_contract};
use rusqlite::Connection;

use crate::folder::{Folder, edit};

fn tickets() -> SqliteOptions {
    SqliteOptions {
        sessions: SessionTable {
            name: "site's \"tickets\"".into(),
            session_key: "ticket".into(),
            session_data: "data".into(),
            expire_date: "until".into(),
            extra: vec![("site".into(), "7".into()), ("note".into(), "it's".into())],
        },
        ..SqliteOptions::default()
    }
}

async fn open(folder: &Folder) -> SqliteStore {
    let store = folder.django().await;
    edit(
        store.path(),
        r#"CREATE TABLE "site's ""tickets""" ("ticket" varchar(128) NOT NULL PRIMARY KEY, "data" text NOT NULL,
           "until" datetime NOT NULL, "site" integer NOT NULL, "note" text NOT NULL)"#,
    );
    SqliteStore::open_with(store.path(), tickets())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_table_of_the_site_s_own_keeps_the_contract() {
    let folder = Folder::new();
    store_contract(|| async { Arc::new(open(&folder).await) as Arc<dyn Store> }).await;
}

#[tokio::test]
async fn a_new_row_fills_the_extra_columns() {
    let folder = Folder::new();
    let store = open(&folder).await;
    let key = SessionKey::generate().unwrap();
    let record = record("{}", Timestamp::MAX);
    let _ = store.create(&key, &record).await.unwrap();
    let row: (i64, String) = Connection::open(store.path())
        .unwrap()
        .query_row(
            r#"SELECT site, note FROM "site's ""tickets""""#,
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!(row, (7, "it's".to_owned()));
    assert!(store.newest_session().await.unwrap().is_some());
}

#[tokio::test]
async fn a_table_of_the_site_s_own_is_never_made() {
    let folder = Folder::new();
    let store = SqliteStore::create_with(folder.path(), tickets())
        .await
        .unwrap();
    let tables = ["site's \"tickets\"", "auth_user"].map(str::to_owned);
    assert_eq!(
        store.migrate(Timestamp::now()).await.unwrap(),
        Migrated::LeftToDjango {
            missing: tables.to_vec()
        }
    );
    let missing = tables.map(|table| Problem::MissingTable { table });
    assert_eq!(store.check().await.unwrap(), missing);
}

#[tokio::test]
async fn a_database_of_sessions_alone_has_their_table_and_keeps_the_contract() {
    let sessions_alone = || SqliteOptions {
        contents: Contents::Sessions,
        ..SqliteOptions::default()
    };
    let folder = Folder::new();
    let path = folder.path();
    let store = SqliteStore::create_with(&path, sessions_alone())
        .await
        .unwrap();
    let missing = |table: &str| Problem::MissingTable {
        table: table.to_owned(),
    };
    assert_eq!(store.check().await.unwrap(), [missing("django_session")]);
    let now = Timestamp::now();
    assert_eq!(store.migrate(now).await.unwrap(), Migrated::Created);
    assert_eq!(store.migrate(now).await.unwrap(), Migrated::NothingToDo);
    assert_eq!(store.check().await.unwrap(), []);
    let tables: Vec<String> = Connection::open(&path)
        .unwrap()
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(tables, ["django_migrations", "django_session"]);
    let whole = SqliteStore::open(&path).await.unwrap();
    assert_eq!(whole.check().await.unwrap(), [missing("auth_user")]);
    store_contract(|| async {
        let store = SqliteStore::create_with(folder.path(), sessions_alone())
            .await
            .unwrap();
        let _ = store.migrate(Timestamp::now()).await.unwrap();
        Arc::new(store) as Arc<dyn Store>
    })
    .await;
}

#[tokio::test]
async fn a_whole_site_s_database_has_what_sessions_alone_need() {
    let folder = Folder::new();
    let path = folder.ours().await.path().to_owned();
    let options = SqliteOptions {
        contents: Contents::Sessions,
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open_with(path, options).await.unwrap();
    assert_eq!(store.check().await.unwrap(), []);
    let migrated = store.migrate(Timestamp::now()).await.unwrap();
    assert_eq!(migrated, Migrated::NothingToDo);
}

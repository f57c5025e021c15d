//! A table of sessions that is a site's own, and columns that compare loosely.

use std::sync::Arc;

use cloakroom_core::session::Store;
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{Contents, Migrated, PostgresOptions, PostgresStore, SessionTable};
use cloakroom_testing::servers::Postgres;
use cloakroom_testing::store_contract;

use crate::database::{create, edit, migrated, other, says};

/// Keys and data are compared as a collation does for which `a` and `A` are the same.
const TABLE: &str = r#"
    CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
    CREATE TABLE "site's ""tickets""" (
        ticket varchar(128) COLLATE loose PRIMARY KEY, data text COLLATE loose NOT NULL,
        until timestamptz NOT NULL, site integer NOT NULL, active boolean NOT NULL, note text NOT NULL
    )"#;

fn tickets() -> SessionTable {
    SessionTable {
        name: "site's \"tickets\"".into(),
        session_key: "ticket".into(),
        session_data: "data".into(),
        expire_date: "until".into(),
        extra: vec![
            ("site".into(), "7".into()),
            ("active".into(), "true".into()),
            ("note".into(), r"it's \n".into()),
        ],
    }
}

async fn open() -> (PostgresStore, String) {
    let url = Postgres::shared().database();
    migrated(&PostgresStore::open(&url).unwrap()).await;
    edit(&url, TABLE).await;
    let options = PostgresOptions {
        sessions: tickets(),
        ..PostgresOptions::default()
    };
    (PostgresStore::open_with(&url, options).unwrap(), url)
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_table_of_the_site_s_own_keeps_the_contract() {
    store_contract(|| async { Arc::new(open().await.0) as Arc<dyn Store> }).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_new_row_fills_the_extra_columns() {
    let (store, url) = open().await;
    assert_eq!(store.check().await.unwrap(), []);
    create(&store, 1).await.unwrap();
    let row = other(&url).await;
    let row = row
        .query_one(
            r#"SELECT site, active, note FROM "site's ""tickets""""#,
            &[],
        )
        .await
        .unwrap();
    assert_eq!(row.get::<_, i32>(0), 7);
    assert!(row.get::<_, bool>(1));
    assert_eq!(row.get::<_, &str>(2), r"it's \n");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_table_of_the_site_s_own_is_never_made() {
    let options = PostgresOptions {
        sessions: tickets(),
        ..PostgresOptions::default()
    };
    let store = PostgresStore::open_with(&Postgres::shared().database(), options).unwrap();
    let missing = ["site's \"tickets\"", "auth_user"].map(str::to_owned);
    let left = Migrated::LeftToDjango {
        missing: missing.to_vec(),
    };
    assert_eq!(store.migrate(Timestamp::now()).await.unwrap(), left);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_column_that_is_not_filled_is_named() {
    let (_, url) = open().await;
    let mut sessions = tickets();
    sessions.extra.pop();
    let options = PostgresOptions {
        sessions,
        ..PostgresOptions::default()
    };
    let store = PostgresStore::open_with(&url, options).unwrap();
    says(&create(&store, 1).await.unwrap_err(), "extra columns");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_database_that_isolates_more_keeps_the_contract() {
    for level in ["repeatable read", "serializable"] {
        let level = &level;
        let open = || async {
            let url = Postgres::shared().database();
            let name = url.rsplit('/').next().unwrap();
            let set =
                format!("ALTER DATABASE {name} SET default_transaction_isolation = '{level}'");
            edit(&url, &set).await;
            let store = PostgresStore::open(&url).unwrap();
            migrated(&store).await;
            Arc::new(store) as Arc<dyn Store>
        };
        store_contract(open).await;
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn calls_by_key_use_the_index() {
    let (_, url) = crate::database::hasty_one().await;
    let other = other(&url).await;
    other
        .batch_execute(
            "INSERT INTO django_session SELECT md5(n::text), 'x', now() FROM generate_series(1, 2000) n; \
             ANALYZE django_session",
        )
        .await
        .unwrap();
    for (sql, index) in [
        (
            r#"SELECT 1 FROM django_session WHERE session_key = 'k' AND session_key COLLATE "C" = 'k'"#,
            "django_session_",
        ),
        (
            "SELECT 1 FROM django_session ORDER BY expire_date DESC LIMIT 1",
            "django_session_expire_date",
        ),
    ] {
        let rows = other.query(&format!("EXPLAIN {sql}"), &[]).await.unwrap();
        let plan: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        assert!(plan.contains("Index") && plan.contains(index), "{plan}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_database_of_sessions_alone_has_their_table_and_keeps_the_contract() {
    let open = || {
        let url = Postgres::shared().database();
        let options = PostgresOptions {
            contents: Contents::Sessions,
            ..PostgresOptions::default()
        };
        (PostgresStore::open_with(&url, options).unwrap(), url)
    };
    let (store, url) = open();
    let now = Timestamp::now();
    assert_eq!(store.check().await.unwrap().len(), 1);
    assert_eq!(store.migrate(now).await.unwrap(), Migrated::Created);
    assert_eq!(store.migrate(now).await.unwrap(), Migrated::NothingToDo);
    assert_eq!(store.check().await.unwrap(), []);
    assert!(store.made_by_us().await.unwrap());
    let count = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    let row = other(&url).await.query_one(count, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 2, "the table, and the record of it");
    let whole = PostgresStore::open(&url).unwrap();
    assert_eq!(
        whole.check().await.unwrap().len(),
        1,
        "the users' is missing"
    );
    store_contract(|| async {
        let (store, _) = open();
        migrated(&store).await;
        Arc::new(store) as Arc<dyn Store>
    })
    .await;
}

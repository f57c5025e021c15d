//! The contracts and the races, and a table of sessions that is a site's own.

use std::sync::Arc;

use cloakroom_core::auth::UserStore;
use cloakroom_core::session::{SessionKey, Store};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{Contents, Migrated, MySqlOptions, MySqlStore, Problem, SessionTable};
use cloakroom_testing::{record, store_contract, user_store_contract};

use crate::databases::{edit, empty, hasty, migrate, open, ours};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs MariaDB"]
async fn a_database_of_ours_keeps_the_contract() {
    store_contract(|| async { Arc::new(ours().await.1) as Arc<dyn Store> }).await;
    user_store_contract(|| async { Arc::new(ours().await.1) as Arc<dyn UserStore> }).await;
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn the_contract_holds_on_one_thread_and_one_connection() {
    let one = || MySqlOptions {
        connections: 1,
        ..MySqlOptions::default()
    };
    store_contract(|| async {
        let (name, _) = ours().await;
        Arc::new(open(&name, one())) as Arc<dyn Store>
    })
    .await;
}

/// The isolation that MariaDB has by itself, and a server that commits nothing unasked and cuts what is too long.
#[tokio::test]
#[ignore = "needs MariaDB"]
async fn the_contract_holds_whatever_the_server_s_own_settings() {
    let server = cloakroom_testing::servers::MariaDb::start(&[
        "--transaction-isolation=SERIALIZABLE",
        "--autocommit=0",
        "--sql-mode=",
        "--character-set-server=latin1",
        "--skip-character-set-client-handshake",
    ]);
    let make = || {
        let store = MySqlStore::open(&server.database()).unwrap();
        async move {
            let _ = store.migrate(Timestamp::now()).await.unwrap();
            store
        }
    };
    store_contract(|| async { Arc::new(make().await) as Arc<dyn Store> }).await;
    user_store_contract(|| async { Arc::new(make().await) as Arc<dyn UserStore> }).await;
}

fn tickets() -> MySqlOptions {
    MySqlOptions {
        sessions: SessionTable {
            name: "site's `tickets`".into(),
            session_key: "ticket".into(),
            session_data: "data".into(),
            expire_date: "until".into(),
            extra: vec![
                ("site".into(), "7".into()),
                ("note".into(), r"it's\n".into()),
            ],
        },
        ..hasty()
    }
}

async fn site_s_own() -> (String, MySqlStore) {
    let (name, _) = ours().await;
    edit(
        &name,
        "CREATE TABLE `site's ``tickets``` (ticket varchar(128) NOT NULL PRIMARY KEY, data longtext NOT NULL, \
         until datetime(6) NOT NULL, site integer NOT NULL, note longtext NOT NULL)",
    );
    let store = open(&name, tickets());
    (name, store)
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_table_of_the_site_s_own_keeps_the_contract() {
    store_contract(|| async { Arc::new(site_s_own().await.1) as Arc<dyn Store> }).await;
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_new_row_fills_the_extra_columns() {
    let (name, store) = site_s_own().await;
    assert_eq!(store.check().await.unwrap(), []);
    let key = SessionKey::parse(&"k".repeat(128)).unwrap();
    let record = record("{}", Timestamp::MAX);
    let _ = store.create(&key, &record).await.unwrap();
    let row = edit(
        &name,
        "SELECT site, hex(note), count(*) FROM `site's ``tickets```",
    );
    assert_eq!(row.trim(), "7\t697427735C6E\t1");
    assert!(store.newest_session().await.unwrap().is_some());
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_table_of_the_site_s_own_is_never_made() {
    let (name, _) = empty();
    let store = open(&name, tickets());
    let tables = ["site's `tickets`", "auth_user"].map(str::to_owned);
    assert_eq!(
        store.migrate(Timestamp::now()).await.unwrap(),
        Migrated::LeftToDjango {
            missing: tables.to_vec()
        }
    );
    let missing = tables.map(|table| Problem::MissingTable { table });
    assert_eq!(store.check().await.unwrap(), missing);
    assert_eq!(edit(&name, "SHOW TABLES"), "");
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_database_of_sessions_alone_has_their_table_and_keeps_the_contract() {
    let alone = || {
        let (name, whole) = empty();
        let options = MySqlOptions {
            contents: Contents::Sessions,
            ..MySqlOptions::default()
        };
        (open(&name, options), whole, name)
    };
    let (store, whole, name) = alone();
    let now = Timestamp::now();
    assert_eq!(store.check().await.unwrap().len(), 1);
    assert_eq!(store.migrate(now).await.unwrap(), Migrated::Created);
    assert_eq!(store.migrate(now).await.unwrap(), Migrated::NothingToDo);
    assert_eq!(store.check().await.unwrap(), []);
    assert!(store.made_by_us().await.unwrap());
    let count = "SELECT count(*) FROM information_schema.tables WHERE table_schema = database()";
    assert_eq!(
        edit(&name, count).trim(),
        "2",
        "the table, and the record of it"
    );
    let missing = Problem::MissingTable {
        table: "auth_user".into(),
    };
    assert_eq!(whole.check().await.unwrap(), [missing]);
    store_contract(|| async {
        let (store, ..) = alone();
        migrate(&store).await;
        Arc::new(store) as Arc<dyn Store>
    })
    .await;
}

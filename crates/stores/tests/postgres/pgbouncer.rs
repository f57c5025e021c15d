//! A pooler that gives each transaction another of the server's connections.

use std::sync::Arc;

use cloakroom_core::auth::UserStore;
use cloakroom_core::session::Store;
use cloakroom_core::time::Timestamp;
use cloakroom_stores::PostgresStore;
use cloakroom_testing::servers::{PgBouncer, Postgres};
use cloakroom_testing::{races, store_contract, user_store_contract};

use crate::database::{create, key, migrated, other};

async fn through(bouncer: &PgBouncer) -> PostgresStore {
    let url = Postgres::shared().database();
    let name = url.rsplit('/').next().unwrap();
    let store = PostgresStore::open(&bouncer.url(name)).unwrap();
    migrated(&store).await;
    store
}

/// One that refuses the settings that we ask for, and one that lets us ask in vain.
const KINDS: [&[&str]; 2] = [
    &["pool_mode = transaction", "default_pool_size = 3"],
    &[
        "pool_mode = transaction",
        "default_pool_size = 3",
        "ignore_startup_parameters = options",
    ],
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and PgBouncer"]
async fn transaction_mode_keeps_the_contract() {
    for settings in KINDS {
        let bouncer = PgBouncer::start(Postgres::shared(), settings);
        store_contract(|| async { Arc::new(through(&bouncer).await) as Arc<dyn Store> }).await;
        let open = || async { Arc::new(through(&bouncer).await) as Arc<dyn UserStore> };
        user_store_contract(open).await;
        let store = through(&bouncer).await;
        assert_eq!(store.check().await.unwrap(), []);
        races::histories_are_linearizable(&(Arc::new(store) as Arc<dyn Store>)).await;
    }
}

/// Django beside us leaves its own prepared statements and settings on the connections that we share.
#[tokio::test]
#[ignore = "needs PostgreSQL and PgBouncer"]
async fn what_others_leave_on_a_connection_harms_nobody() {
    let bouncer = PgBouncer::start(
        Postgres::shared(),
        &["pool_mode = transaction", "default_pool_size = 1"],
    );
    let store = through(&bouncer).await;
    let name = store.name().split(' ').next().unwrap().to_owned();
    let url = bouncer.url(&name);
    for number in 0..20 {
        let other = other(&url).await;
        other
            .batch_execute(&format!(
                "SET lock_timeout = 1; PREPARE s{number} AS DELETE FROM django_session"
            ))
            .await
            .unwrap();
        create(&store, number).await.unwrap();
        let found = store.load(&key(number), Timestamp::now()).await.unwrap();
        assert!(found.is_some());
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL and PgBouncer"]
async fn session_mode_works_too() {
    let bouncer = PgBouncer::start(Postgres::shared(), &["pool_mode = session"]);
    store_contract(|| async { Arc::new(through(&bouncer).await) as Arc<dyn Store> }).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL and PgBouncer"]
async fn many_stores_share_few_connections() {
    let bouncer = PgBouncer::start(Postgres::shared(), KINDS[0]);
    let first = through(&bouncer).await;
    let name = first.name().split(' ').next().unwrap().to_owned();
    let stores: Vec<_> = (0..10)
        .map(|_| PostgresStore::open(&bouncer.url(&name)).unwrap())
        .collect();
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..200 {
        let store = stores[number % 10].clone();
        let number = u32::try_from(number).unwrap();
        callers.spawn(async move {
            create(&store, number).await.unwrap();
            let found = store.load(&key(number), Timestamp::now()).await.unwrap();
            assert!(found.is_some());
        });
    }
    callers.join_all().await;
    let count = Postgres::shared().execute(
        &name,
        "SELECT count(*) <= 4 FROM pg_stat_activity WHERE datname = current_database()",
    );
    assert_eq!(count, "t\n", "three of PgBouncer's, and this one");
}

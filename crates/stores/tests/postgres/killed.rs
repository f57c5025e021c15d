//! A server that is killed while it writes has lost nothing that was acknowledged.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloakroom_core::session::{Created, SessionKey, Store as _};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::PostgresStore;
use cloakroom_testing::record;
use cloakroom_testing::servers::Postgres;

use crate::database::{hasty, migrated};

type Acknowledged = Arc<Mutex<Vec<SessionKey>>>;

/// `CLOAKROOM_KILLS` says how often the server is killed, 3 times if it says nothing.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn what_was_acknowledged_outlives_the_server() {
    let kills: usize =
        std::env::var("CLOAKROOM_KILLS").map_or(3, |text| text.parse().expect("it is a number"));
    let mut server = Postgres::start(&[]);
    let store = hasty(&server.database());
    migrated(&store).await;
    let acknowledged = Acknowledged::default();
    for kill in 1..=kills {
        let before = acknowledged.lock().unwrap().len();
        let writers: Vec<_> = (0..16)
            .map(|_| {
                tokio::spawn(write_until_it_fails(
                    store.clone(),
                    Arc::clone(&acknowledged),
                ))
            })
            .collect();
        while acknowledged.lock().unwrap().len() < before + 100 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.process().kill();
        for writer in writers {
            writer.await.unwrap();
        }
        server.restart();
        let new = acknowledged.lock().unwrap()[before..].to_vec();
        all_are_there(&store, &new, kill).await;
    }
    let all = acknowledged.lock().unwrap().clone();
    all_are_there(&store, &all, kills).await;
    let count = all.len();
    eprintln!("{count} writes acknowledged, the server killed {kills} times, none lost");
}

async fn all_are_there(store: &PostgresStore, keys: &[SessionKey], kill: usize) {
    for key in keys {
        let found = store.load(key, Timestamp::now()).await.unwrap();
        assert!(found.is_some(), "kill {kill}: it was acknowledged");
    }
}

async fn write_until_it_fails(store: PostgresStore, acknowledged: Acknowledged) {
    loop {
        let key = SessionKey::generate().unwrap();
        match store.create(&key, &record("{}", Timestamp::MAX)).await {
            Ok(Created::Created(_)) => acknowledged.lock().unwrap().push(key),
            Ok(Created::KeyTaken) => panic!("nobody else uses this key"),
            Err(_) => return,
        }
    }
}

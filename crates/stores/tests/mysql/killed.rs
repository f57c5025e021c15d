//! A server that is killed while it is written to has lost nothing that it acknowledged.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use cloakroom_core::session::{Created, SessionKey, Store as _};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::MySqlStore;
use cloakroom_testing::record;
use cloakroom_testing::servers::MariaDb;

/// `CLOAKROOM_KILLS` says how often, 3 times if it says nothing.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs MariaDB"]
async fn what_was_acknowledged_outlives_the_server() {
    let kills: u32 = std::env::var("CLOAKROOM_KILLS").map_or(3, |text| text.parse().unwrap());
    let mut server = MariaDb::start(&[]);
    let store = MySqlStore::open(&server.database()).unwrap();
    let _ = store.migrate(Timestamp::now()).await.unwrap();
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let mut slowest = Duration::ZERO;
    for _ in 0..kills {
        let before = acknowledged.lock().unwrap().len();
        let writers: Vec<_> = (0..8)
            .map(|_| {
                let (store, acknowledged) = (store.clone(), Arc::clone(&acknowledged));
                tokio::spawn(async move {
                    let record = record("{}", Timestamp::MAX);
                    loop {
                        let key = SessionKey::generate().unwrap();
                        match store.create(&key, &record).await {
                            Ok(Created::Created(_)) => acknowledged.lock().unwrap().push(key),
                            Ok(Created::KeyTaken) => panic!("keys are random"),
                            Err(_) => return,
                        }
                    }
                })
            })
            .collect();
        while acknowledged.lock().unwrap().len() < before + 200 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.process().kill();
        for writer in writers {
            writer.await.unwrap();
        }
        server.restart();
        let back = Instant::now();
        let probe = acknowledged.lock().unwrap()[0].clone();
        while store.load(&probe, Timestamp::now()).await.is_err() {
            assert!(back.elapsed() < Duration::from_secs(1));
        }
        slowest = slowest.max(back.elapsed());
    }
    let keys = acknowledged.lock().unwrap().clone();
    for key in &keys {
        let found = store.load(key, Timestamp::now()).await.unwrap();
        assert!(found.is_some(), "it was acknowledged");
    }
    eprintln!(
        "{kills} kills, {} acknowledged, 0 lost, back after {slowest:?}",
        keys.len()
    );
}

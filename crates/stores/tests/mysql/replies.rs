//! A reply never reaches another request (R14).

use std::time::Duration;

use cloakroom_core::session::{Created, Form, SessionKey, Store as _};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{MySqlOptions, MySqlStore};
use cloakroom_testing::record;

use crate::databases::{key, open, ours};

/// R14.
/// Calls that are given up at any moment, on few connections; each value carries its key.
///
/// `CLOAKROOM_CANCELLED` says how many, 3,000 if it says nothing.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs MariaDB"]
async fn a_call_that_is_given_up_leaves_its_reply_to_nobody() {
    let calls = std::env::var("CLOAKROOM_CANCELLED").map_or(3000, |text| text.parse().unwrap());
    let (name, _) = ours().await;
    let store = open(
        &name,
        MySqlOptions {
            connections: 3,
            ..MySqlOptions::default()
        },
    );
    let mut versions = Vec::new();
    for number in 0..SESSIONS {
        let carrying = record(&format!(r#"{{"key": {number}}}"#), Timestamp::MAX);
        let created = store.create(&key(number), &carrying).await.unwrap();
        let Created::Created(version) = created else {
            panic!("it is new");
        };
        versions.push(version);
    }
    let workers: Vec<_> = (0..8_u64)
        .map(|worker| {
            let (store, versions) = (store.clone(), versions.clone());
            tokio::spawn(async move {
                let (mut given_up, mut answered) = (0, 0);
                let mut random = worker + 1;
                // Follows how long a call takes here, so that about half of them end.
                let mut usual = 1000;
                for _ in 0..calls / 8 {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(99);
                    let number = u32::try_from((random >> 33) % u64::from(SESSIONS)).unwrap();
                    let patience = Duration::from_micros((random >> 20) % (2 * usual));
                    let call = load_its_own(&store, number, &versions);
                    if tokio::time::timeout(patience, call).await.is_ok() {
                        answered += 1;
                        usual -= usual / 20;
                    } else {
                        given_up += 1;
                        usual += usual / 20 + 1;
                    }
                }
                (given_up, answered)
            })
        })
        .collect();
    let (mut given_up, mut answered) = (0, 0);
    for worker in workers {
        let (some, others) = worker.await.unwrap();
        given_up += some;
        answered += others;
    }
    eprintln!("{given_up} calls were given up, {answered} answered");
    assert!(
        given_up * 20 > calls && answered * 20 > calls,
        "both happen"
    );
    for number in 0..SESSIONS {
        load_its_own(&store, number, &versions).await;
    }
}

async fn load_its_own(
    store: &MySqlStore,
    number: u32,
    versions: &[cloakroom_core::session::Version],
) {
    let key: SessionKey = key(number);
    let loaded = store.load(&key, Timestamp::now()).await.unwrap().unwrap();
    assert!(matches!(loaded.form, Form::Signed(_)));
    assert!(
        loaded.version == versions[number as usize],
        "another session's value"
    );
}

const SESSIONS: u32 = 50;

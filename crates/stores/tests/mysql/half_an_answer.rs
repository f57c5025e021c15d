//! A network that cuts an answer anywhere never makes a session another one, or none.

use cloakroom_core::session::{Created, Replaced, Store as _};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{MySqlOptions, MySqlStore};
use cloakroom_testing::record;
use cloakroom_testing::servers::{Fault, MariaDb, Proxy};

use crate::databases::{create, hasty, key, ours, says};

fn through(proxy: &Proxy, name: &str, options: MySqlOptions) -> MySqlStore {
    let url = format!("mysql://cloakroom:secret@127.0.0.1:{}/{name}", proxy.port());
    MySqlStore::open_with(&url, options).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs MariaDB"]
async fn an_answer_that_is_cut_at_any_byte_is_an_error() {
    let (name, direct) = ours().await;
    let now = Timestamp::now();
    let kept = record(r#"{"a": 1}"#, Timestamp::MAX);
    let Created::Created(version) = direct.create(&key(1), &kept).await.unwrap() else {
        panic!("it is the first");
    };
    let proxy = Proxy::to(MariaDb::shared().port());
    let mut whole = 0;
    for bytes in 1..5000 {
        let fault = if bytes % 2 == 0 {
            Fault::CutsAnswers(bytes)
        } else {
            Fault::ResetsAnswers(bytes)
        };
        proxy.set(fault);
        // A new one each time, so that the handshake is cut, too.
        let store = through(&proxy, &name, MySqlOptions::default());
        match store.load(&key(1), now).await {
            Ok(stored) => {
                assert!(stored.unwrap().version == version, "{bytes}");
                whole += 1;
            }
            Err(error) => {
                says(&error, "the database mysql://127.0.0.1:");
                assert_eq!(whole, 0, "{bytes}");
            }
        }
        // And one that waits on a connection of its own until a row is written.
        let replaced = store.replace(&key(1), &version, &kept, now).await;
        assert!(
            matches!(replaced, Err(_) | Ok(Replaced::Replaced(_))),
            "{bytes}: {replaced:?}"
        );
        if whole == 200 {
            return;
        }
    }
    panic!("an answer has no more than 5,000 bytes");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs MariaDB"]
async fn questions_that_never_arrive_whole_are_errors() {
    let (name, direct) = ours().await;
    create(&direct, 1).await.unwrap();
    let proxy = Proxy::to(MariaDb::shared().port());
    for bytes in (1..600).step_by(7) {
        proxy.set(Fault::CutsQuestions(bytes));
        let store = through(&proxy, &name, MySqlOptions::default());
        let loaded = store.load(&key(1), Timestamp::now()).await;
        assert!(
            matches!(loaded, Err(_) | Ok(Some(_))),
            "{bytes}: {loaded:?}"
        );
    }
}

/// The driver's own pool would wait for the rest of these answers, and lose the places of their connections.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs MariaDB"]
async fn a_network_that_hangs_takes_no_connection_s_place() {
    let (name, direct) = ours().await;
    create(&direct, 1).await.unwrap();
    let proxy = Proxy::to(MariaDb::shared().port());
    let options = MySqlOptions {
        connections: 2,
        ..hasty()
    };
    let store = through(&proxy, &name, options);
    let now = Timestamp::now();
    assert!(store.load(&key(1), now).await.unwrap().is_some());
    proxy.set(Fault::Hangs);
    let calls: Vec<_> = (0..6)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.load(&key(1), now).await.map(drop) })
        })
        .collect();
    for call in calls {
        assert!(call.await.unwrap().is_err());
    }
    proxy.set(Fault::None);
    assert!(store.load(&key(1), now).await.unwrap().is_some());
}

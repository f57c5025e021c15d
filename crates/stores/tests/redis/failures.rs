//! A Redis that fails is an error that says what to do, never an empty session; and it is used again when it is back.

use std::time::{Duration, Instant};

use cloakroom_core::session::{Store as _, StoreError};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{RedisAdvice, RedisOptions, RedisStore};
use cloakroom_testing::record;
use cloakroom_testing::servers::{Fault, Proxy, Redis, free_port};

use crate::{create, in_an_hour, new_key};

/// Shorter than the default, so that waiting for it is short.
fn impatient(url: &str) -> RedisStore {
    let options = RedisOptions {
        deadline: Duration::from_millis(300),
        ..RedisOptions::default()
    };
    RedisStore::open_with(url, options).unwrap()
}

fn through(proxy: &Proxy) -> RedisStore {
    impatient(&format!("redis://127.0.0.1:{}", proxy.port()))
}

async fn error_of(store: &RedisStore) -> StoreError {
    store.load(&new_key(), Timestamp::now()).await.unwrap_err()
}

/// Asks until there is an answer, which must come within a second.
async fn comes_back(store: &RedisStore) {
    let began = Instant::now();
    while let Err(error) = store.load(&new_key(), Timestamp::now()).await {
        assert!(began.elapsed() < Duration::from_secs(1), "{error}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn nobody_listens_and_the_error_says_so_at_once() {
    let store = RedisStore::open(&format!("redis://:secret@127.0.0.1:{}", free_port())).unwrap();
    let began = Instant::now();
    let error = error_of(&store).await;
    assert!(began.elapsed() < Duration::from_secs(1));
    assert!(error.to_string().contains("cannot be reached"), "{error}");
    assert!(
        !format!("{error:?} {store:?}").contains("secret"),
        "{error:?}"
    );
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_store_that_comes_up_later_is_used_then() {
    let mut server = Redis::start(&[]);
    server.process().kill();
    let store = impatient(&server.url());
    let _ = error_of(&store).await;
    server.restart();
    comes_back(&store).await;
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_server_that_hangs_ends_in_an_error_at_the_deadline() {
    let mut server = Redis::start(&[]);
    let store = impatient(&server.url());
    let key = new_key();
    let seen = create(&store, &key, r#"{"a":1}"#).await;
    server.process().freeze();
    let began = Instant::now();
    let (now, two) = (Timestamp::now(), record(r#"{"a":2}"#, in_an_hour()));
    let (loaded, created, replaced, deleted) = tokio::join!(
        store.load(&key, now),
        store.create(&key, &two),
        store.replace(&key, &seen, &two, now),
        store.delete(&key, None, now),
    );
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    for error in [
        loaded.unwrap_err(),
        created.unwrap_err(),
        replaced.unwrap_err(),
        deleted.unwrap_err(),
    ] {
        assert!(error.to_string().contains("within the deadline"), "{error}");
    }
    server.process().thaw();
    comes_back(&store).await;
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn what_was_acknowledged_outlives_a_kill_where_redis_keeps_it() {
    let mut server = Redis::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = impatient(&server.url());
    for _ in 0..3 {
        let key = new_key();
        let version = create(&store, &key, r#"{"a":1}"#).await;
        server.process().kill();
        let _ = error_of(&store).await;
        server.restart();
        comes_back(&store).await;
        let stored = store.load(&key, Timestamp::now()).await.unwrap().unwrap();
        assert_eq!(stored.version, version);
    }
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_restart_between_two_requests_fails_neither() {
    let mut server = Redis::start(&[]);
    let store = impatient(&server.url());
    comes_back(&store).await;
    server.process().kill();
    server.restart();
    // A request begins by reading, and reading is tried again.
    assert!(
        store
            .load(&new_key(), Timestamp::now())
            .await
            .unwrap()
            .is_none()
    );
    let _ = create(&store, &new_key(), "{}").await;
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn an_answer_that_is_cut_anywhere_is_an_error() {
    let server = Redis::start(&[]);
    let direct = RedisStore::open(&server.url()).unwrap();
    let key = new_key();
    let version = create(&direct, &key, r#"{"text":"a session of some length"}"#).await;
    let proxy = Proxy::to(server.port());
    let store = through(&proxy);
    let (mut failed, mut whole) = (0, 0);
    for length in 0..800 {
        proxy.set(if length % 2 == 0 {
            Fault::CutsAnswers(length / 2)
        } else {
            Fault::ResetsAnswers(length / 2)
        });
        match store.load(&key, Timestamp::now()).await {
            Err(_) => failed += 1,
            Ok(stored) => {
                assert_eq!(stored.expect("it is there").version, version);
                whole += 1;
            }
        }
        if whole > 9 {
            break;
        }
    }
    assert!(
        failed > 100 && whole > 0,
        "{failed} failed, {whole} did not"
    );
    proxy.set(Fault::None);
    comes_back(&store).await;
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_network_that_hangs_or_refuses_is_an_error_until_it_works() {
    let server = Redis::start(&[]);
    let proxy = Proxy::to(server.port());
    let store = through(&proxy);
    comes_back(&store).await;
    for fault in [Fault::Hangs, Fault::Refuses] {
        proxy.set(fault);
        let began = Instant::now();
        let _ = error_of(&store).await;
        assert!(began.elapsed() < Duration::from_secs(1), "{fault:?}");
        proxy.set(Fault::None);
        comes_back(&store).await;
    }
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_replica_takes_no_writes_and_says_so() {
    let master = Redis::start(&[]);
    let port = master.port().to_string();
    let replica = Redis::start(&["--replicaof", "127.0.0.1", &port]);
    let store = impatient(&replica.url());
    let record = record("{}", in_an_hour());
    let error = store.create(&new_key(), &record).await.unwrap_err();
    assert!(error.to_string().contains("is a replica"), "{error}");
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_full_memory_refuses_writes_and_says_what_to_do() {
    let server = Redis::start(&["--maxmemory", "1500kb"]);
    let store = impatient(&server.url());
    let key = new_key();
    let seen = create(&store, &key, r#"{"a":1}"#).await;
    let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(100_000));
    let mut refused = None;
    for _ in 0..50 {
        let record = record(&large, in_an_hour());
        if let Err(error) = store.create(&new_key(), &record).await {
            refused = Some(error.to_string());
        }
    }
    let refused = refused.expect("there is no room for all of them");
    assert!(refused.contains("raise its maxmemory"), "{refused}");
    let stored = store.load(&key, Timestamp::now()).await.unwrap().unwrap();
    assert_eq!(stored.version, seen);
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_wrong_password_is_not_repeated() {
    let server = Redis::start(&[]);
    assert_eq!(server.execute("CONFIG SET requirepass correct"), "+OK\r\n");
    for user in ["", ":secret@", "ann:secret@"] {
        let store = impatient(&format!("redis://{user}127.0.0.1:{}", server.port()));
        let error = error_of(&store).await;
        let shown = format!("{error} {:?}", std::error::Error::source(&error));
        assert!(
            shown.contains("refuses the user or the password"),
            "{shown}"
        );
        assert!(!shown.contains("secret"), "{shown}");
    }
    let store = impatient(&format!("redis://:correct@127.0.0.1:{}/3", server.port()));
    let _ = create(&store, &new_key(), "{}").await;
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn scripts_that_are_forgotten_are_sent_again() {
    let server = Redis::start(&[]);
    let store = impatient(&server.url());
    let key = new_key();
    let seen = create(&store, &key, "{}").await;
    assert_eq!(server.execute("SCRIPT FLUSH"), "+OK\r\n");
    let stored = store.load(&key, Timestamp::now()).await.unwrap().unwrap();
    assert_eq!(stored.version, seen);
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn an_older_server_tells_how_long_a_record_has_left() {
    let server = Redis::start(&["--rename-command", "PEXPIRETIME", ""]);
    let store = impatient(&server.url());
    let key = new_key();
    let end = in_an_hour();
    let one = record("{}", end);
    let _ = store.create(&key, &one).await.unwrap();
    let stored = store.load(&key, Timestamp::now()).await.unwrap().unwrap();
    let off = stored.expire_date.micros_since(end).abs();
    assert!(off < 500_000, "{off} microseconds");
    let two = record(r#"{"a":1}"#, end);
    let replaced = store
        .replace(&key, &stored.version, &two, Timestamp::now())
        .await;
    assert!(matches!(
        replaced,
        Ok(cloakroom_core::session::Replaced::Replaced(_))
    ));
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn a_redis_that_may_lose_sessions_is_warned_of() {
    let rows: [(&[&str], &[RedisAdvice]); 4] = [
        (&[], &[RedisAdvice::KeepsNothingOnDisk]),
        (&["--save", "60 1000"], &[RedisAdvice::KeepsSnapshotsOnly]),
        (
            &[
                "--appendonly",
                "yes",
                "--maxmemory",
                "100mb",
                "--maxmemory-policy",
                "allkeys-lru",
            ],
            &[RedisAdvice::MayEvict],
        ),
        (
            &["--rename-command", "CONFIG", ""],
            &[RedisAdvice::WouldNotSay],
        ),
    ];
    for (options, advice) in rows {
        let server = Redis::start(options);
        let store = impatient(&server.url());
        assert_eq!(store.advice().await.unwrap(), advice, "{options:?}");
    }
    let good = Redis::start(&["--appendonly", "yes"]);
    assert_eq!(impatient(&good.url()).advice().await.unwrap(), []);
}

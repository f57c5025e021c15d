//! Many requests on one connection, cut off at random moments: no reply reaches another request.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use cloakroom_core::session::{SessionData, SessionKey, Store as _};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::RedisStore;
use cloakroom_testing::servers::Redis;

use crate::{create, new_key};

const KEYS: usize = 50;

/// How many requests; more with `CLOAKROOM_REPLIES`.
fn requests() -> usize {
    std::env::var("CLOAKROOM_REPLIES").map_or(10_000, |number| number.parse().unwrap())
}

/// R14.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs redis-server"]
async fn no_reply_reaches_another_request() {
    let server = Redis::start(&[]);
    let direct = RedisStore::open(&server.url()).unwrap();
    let mut keys = Vec::new();
    for _ in 0..KEYS {
        let key = new_key();
        // Each value says whose it is; their lengths differ, so that half a reply is not the half of another.
        let filler = "x".repeat(keys.len() * 40);
        let json = format!(r#"{{"key":"{}","filler":"{filler}"}}"#, key.as_str());
        let _ = create(&direct, &key, &json).await;
        keys.push(key);
    }
    let keys: Arc<[SessionKey]> = keys.into();
    let store = RedisStore::open(&server.url()).unwrap();
    let (answered, cut_off) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let workers: Vec<_> = (0..40)
        .map(|worker| {
            let (store, keys) = (store.clone(), Arc::clone(&keys));
            let (answered, cut_off) = (Arc::clone(&answered), Arc::clone(&cut_off));
            tokio::spawn(async move {
                let mut random: u64 = worker + 1;
                for _ in 0..requests() / 40 {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    let key = &keys[usize::try_from(random >> 33).unwrap() % KEYS];
                    // Cut off after it was asked for the first, second, third … time; the timer's milliseconds
                    // would be too coarse.
                    let mut patience = (random >> 20) % 6;
                    let mut load = pin!(store.load(key, Timestamp::now()));
                    let loaded = poll_fn(|context| match (load.as_mut().poll(context), patience) {
                        (Poll::Ready(loaded), _) => Poll::Ready(Some(loaded)),
                        (Poll::Pending, 1) => Poll::Ready(None),
                        (Poll::Pending, _) => {
                            patience = patience.saturating_sub(1);
                            Poll::Pending
                        }
                    });
                    match loaded.await {
                        None => drop(cut_off.fetch_add(1, Ordering::Relaxed)),
                        Some(loaded) => {
                            let stored = loaded.unwrap().expect("each of them is there");
                            let data = SessionData::from_pickle(stored.version.as_bytes()).unwrap();
                            let whose: String = data.get("key").unwrap().unwrap();
                            assert_eq!(whose, key.as_str(), "another request's reply");
                            answered.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    let (answered, cut_off) = (
        answered.load(Ordering::Relaxed),
        cut_off.load(Ordering::Relaxed),
    );
    eprintln!("{answered} answered, {cut_off} cut off, 0 foreign values");
    assert!(
        answered > requests() / 10 && cut_off > requests() / 10,
        "{answered}, {cut_off}"
    );
}

//! Whatever is cut off, cancelled or falls apart: a reply belongs to its request (R14).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cloakroom_core::session::{Form, Replaced, SessionKey, Store as _, Version};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::PostgresStore;
use cloakroom_testing::record;
use cloakroom_testing::servers::{Fault, PgBouncer, Postgres, Proxy};

use crate::database::{create, hasty, hasty_one, key, migrated, ours};

/// R14.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_reply_never_reaches_another_request() {
    cancel_at_random(ours().await).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and PgBouncer"]
async fn a_reply_never_reaches_another_request_through_pgbouncer() {
    let url = Postgres::shared().database();
    let name = url.rsplit('/').next().unwrap();
    let bouncer = PgBouncer::start(Postgres::shared(), &["pool_mode = transaction"]);
    let store = PostgresStore::open(&bouncer.url(name)).unwrap();
    migrated(&store).await;
    cancel_at_random(store).await;
}

/// Each session's data names its key. Requests are dropped at any of their steps; what is answered must be theirs.
async fn cancel_at_random(store: PostgresStore) {
    const KEYS: u32 = 50;
    let requests: u32 = std::env::var("CLOAKROOM_OPERATIONS")
        .map_or(5_000, |text| text.parse().expect("it is a number"));
    for number in 0..KEYS {
        create(&store, number).await.unwrap();
    }
    let next = Arc::new(AtomicU32::new(0));
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let (store, next) = (store.clone(), Arc::clone(&next));
            tokio::spawn(async move {
                let mut answered = 0;
                loop {
                    let request = next.fetch_add(1, Ordering::Relaxed);
                    if request >= requests {
                        return answered;
                    }
                    // Steps that a multiplication makes look random.
                    let random = request.wrapping_mul(2_654_435_761) >> 16;
                    let number = random % KEYS;
                    let ask = async {
                        let found = store.load(&key(number), Timestamp::now()).await.unwrap();
                        assert_is(&found.unwrap().form, number);
                        if random % 8 == 0 {
                            let new = record(&format!(r#"{{"n": {number}}}"#), Timestamp::MAX);
                            let seen = Version::of_text("never stored");
                            let now = Timestamp::now();
                            let replaced = store.replace(&key(number), &seen, &new, now).await;
                            let Replaced::Changed(found) = replaced.unwrap() else {
                                panic!("it is another version");
                            };
                            assert_is(&found.form, number);
                        }
                    };
                    let moments = random / KEYS % 12;
                    let gone = async {
                        for _ in 0..moments {
                            tokio::task::yield_now().await;
                        }
                    };
                    tokio::select! {
                        biased;
                        () = ask => answered += 1,
                        () = gone, if moments < 10 => {}
                    }
                }
            })
        })
        .collect();
    let mut answered = 0;
    for caller in callers {
        answered += caller.await.unwrap();
    }
    eprintln!("{requests} requests, {answered} of them answered, each with its own session");
    assert!(
        answered * 10 > requests && answered < requests,
        "{answered}"
    );
}

fn assert_is(form: &Form, number: u32) {
    let expected = record(&format!(r#"{{"n": {number}}}"#), Timestamp::MAX);
    assert!(
        matches!(form, Form::Signed(text) if text == expected.signed_text()),
        "another session's data came back for {number}"
    );
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn an_answer_that_ends_anywhere_is_an_error_or_whole() {
    let (_, url) = hasty_one().await;
    let server = Postgres::shared().port();
    let proxy = Proxy::to(server);
    let url = url.replace(&format!(":{server}/"), &format!(":{}/", proxy.port()));
    create(&hasty(&url), 1).await.unwrap();
    // A connection that begins and is asked once takes about 550 bytes of answers.
    let mut errors = 0;
    for bytes in 1..=700 {
        proxy.set(Fault::CutsAnswers(bytes));
        let store = hasty(&url);
        match store.load(&key(1), Timestamp::now()).await {
            Ok(found) => assert_is(&found.unwrap().form, 1),
            Err(_) => errors += 1,
        }
        // A write cannot be asked twice, so it takes fewer connections, and is made less often.
        if bytes % 8 == 0 {
            let made = SessionKey::generate().unwrap();
            let created = store.create(&made, &record("{}", Timestamp::MAX)).await;
            proxy.set(Fault::None);
            let found = store.load(&made, Timestamp::now()).await.unwrap();
            let kept = "acknowledged, and not there";
            assert!(created.is_err() || found.is_some(), "{bytes} bytes: {kept}");
        }
    }
    eprintln!("cut after each of 700 bytes: {errors} errors, no false answer");
    assert!((400..700).contains(&errors), "{errors}");
}

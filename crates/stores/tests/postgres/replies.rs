//! Whatever is cut off, cancelled or falls apart: a reply belongs to its request (R14).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cloakroom_core::session::{Form, Replaced, SessionKey, Store as _, Version};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::PostgresStore;
use cloakroom_testing::record;
use cloakroom_testing::servers::{PgBouncer, Postgres};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::database::{create, hasty, hasty_one, key, migrated, ours};

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
    let proxy = Proxy::start(&url).await;
    let store = hasty(&proxy.url);
    create(&store, 1).await.unwrap();
    let whole = proxy.sent.load(Ordering::Relaxed);
    // Each byte of an ordinary conversation, and some more.
    let mut errors = 0;
    for bytes in 1..whole + 200 {
        proxy.cut_after.store(bytes, Ordering::Relaxed);
        let store = hasty(&proxy.url);
        match store.load(&key(1), Timestamp::now()).await {
            Ok(found) => assert_is(&found.unwrap().form, 1),
            Err(_) => errors += 1,
        }
        // A write cannot be asked twice, so it takes fewer connections, and is made less often.
        if bytes % 8 == 0 {
            let made = SessionKey::generate().unwrap();
            let created = store.create(&made, &record("{}", Timestamp::MAX)).await;
            proxy.cut_after.store(u32::MAX, Ordering::Relaxed);
            let found = store.load(&made, Timestamp::now()).await.unwrap();
            let kept = "acknowledged, and not there";
            assert!(created.is_err() || found.is_some(), "{bytes} bytes: {kept}");
        }
    }
    eprintln!("cut after each of {whole} bytes and 200 more: {errors} errors, no false answer");
    assert!(errors > whole / 4, "{errors} of {whole}");
}

/// Hands on bytes between a client and a server until it has handed on so many of the server's; then it closes.
struct Proxy {
    url: String,
    cut_after: Arc<AtomicU32>,
    /// How many bytes of the server's the last connection has seen.
    sent: Arc<AtomicU32>,
}

impl Proxy {
    async fn start(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Postgres::shared().port();
        let cut_after = Arc::new(AtomicU32::new(u32::MAX));
        let sent = Arc::new(AtomicU32::new(0));
        let this = Self {
            url: url.replace(&format!(":{server}/"), &format!(":{port}/")),
            cut_after: Arc::clone(&cut_after),
            sent: Arc::clone(&sent),
        };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let limit = cut_after.load(Ordering::Relaxed);
                tokio::spawn(hand_on(client, server, limit, Arc::clone(&sent)));
            }
        });
        this
    }
}

async fn hand_on(client: TcpStream, server: u16, limit: u32, sent: Arc<AtomicU32>) {
    let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let asking = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
    });
    let mut left = limit;
    let mut buffer = [0; 4096];
    while left > 0 {
        let room = buffer.len().min(usize::try_from(left).unwrap());
        let Ok(count @ 1..) = from_server.read(&mut buffer[..room]).await else {
            break;
        };
        if to_client.write_all(&buffer[..count]).await.is_err() {
            break;
        }
        left -= u32::try_from(count).unwrap();
        sent.store(limit - left, Ordering::Relaxed);
    }
    // What the client still asks must not be handed on: the connection ends here, in both directions.
    asking.abort();
    drop(to_client);
}

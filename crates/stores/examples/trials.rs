//! Writes sessions while their server is killed or the network goes wrong, and counts what was acknowledged and lost.
//!
//! ```sh
//! cargo run --release -p cloakroom-stores --all-features --example trials -- postgres kills
//! ```
//!
//! | trial | what happens, while sixteen writers write |
//! |---|---|
//! | `kills` | the server is killed without warning, twenty times, and starts again |
//! | `network` | every connection goes wrong at a random byte, in one of seven ways |
//! | `cuts` | answers end after one byte, after two, and so on up to a thousand |
//!
//! It prints one line of JSON; exit status 1 if anything was lost.

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cloakroom_core::secret::{SecretKey, Secrets};
use cloakroom_core::session::{
    Codec, Created, Record, Replaced, SessionKey, SessionState, Store, Stored, Version,
};
use cloakroom_core::signing::Compression;
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{MySqlStore, PostgresStore, RedisStore};
use cloakroom_testing::servers::{Fault, MariaDb, Postgres, Process, Proxy, Redis};
use serde_json::json;

const WRITERS: usize = 16;
const KILLS: u32 = 20;
const SEED: u64 = 1;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [engine, trial] = arguments.as_slice() else {
        return usage();
    };
    let Some(server) = Server::start(engine) else {
        return usage();
    };
    let proxy = Arc::new(Proxy::to(server.port()));
    let store = server.open(proxy.port()).await;
    let tally = Arc::new(Tally::default());
    let mut writers = Vec::new();
    for _ in 0..WRITERS {
        writers.push(Writer::new(&store, &tally).await);
    }
    let writers: Vec<_> = writers
        .into_iter()
        .map(|writer| tokio::spawn(writer.write()))
        .collect();
    let began = Instant::now();
    let told = {
        let (tally, proxy) = (Arc::clone(&tally), Arc::clone(&proxy));
        let trial = trial.clone();
        tokio::task::spawn_blocking(move || match trial.as_str() {
            "kills" => kills(server, &tally),
            "network" => network(server, &proxy),
            "cuts" => cuts(server, &proxy),
            _ => None,
        })
    };
    let Some(happened) = told.await.expect("it does not panic") else {
        return usage();
    };
    tally.stop.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await.expect("no writer panics");
    }
    tally.report(engine, trial, &happened, began.elapsed())
}

fn usage() -> ExitCode {
    eprintln!("usage: trials postgres|mysql|redis kills|network|cuts");
    ExitCode::from(2)
}

/// The server stays until the value that is returned is dropped: what was acknowledged is looked at once more.
fn kills(mut server: Server, tally: &Tally) -> Option<(u32, Server)> {
    for kill in 0..KILLS {
        // Long enough to open all connections again, and never in step with the writers.
        std::thread::sleep(Duration::from_millis(400 + u64::from(kill * 37 % 300)));
        server.process().kill();
        std::thread::sleep(Duration::from_millis(50));
        server.restart();
        tally.is_back();
        eprintln!(
            "killed {}, acknowledged {}",
            kill + 1,
            tally.acknowledged.load(Ordering::SeqCst)
        );
    }
    std::thread::sleep(Duration::from_secs(2));
    Some((KILLS, server))
}

fn network(server: Server, proxy: &Proxy) -> Option<(u32, Server)> {
    // A connection that stays whole would be kept for all that follows.
    for round in 0..300 {
        proxy.set(Fault::Random(SEED + round * 1_000));
        std::thread::sleep(Duration::from_millis(100));
    }
    let connections = u32::try_from(proxy.connections()).ok()?;
    proxy.set(Fault::None);
    std::thread::sleep(Duration::from_secs(6));
    Some((connections, server))
}

fn cuts(server: Server, proxy: &Proxy) -> Option<(u32, Server)> {
    for bytes in 0..1_000 {
        proxy.set(Fault::CutsAnswers(bytes));
        std::thread::sleep(Duration::from_millis(30));
    }
    proxy.set(Fault::None);
    std::thread::sleep(Duration::from_secs(6));
    Some((1_000, server))
}

enum Server {
    Postgres(Postgres),
    MySql(MariaDb),
    Redis(Redis),
}

impl Server {
    fn start(engine: &str) -> Option<Self> {
        Some(match engine {
            "postgres" => Self::Postgres(Postgres::start(&[])),
            "mysql" => Self::MySql(MariaDb::start(&[])),
            "redis" => Self::Redis(Redis::start(&[
                "--appendonly",
                "yes",
                "--appendfsync",
                "always",
            ])),
            _ => return None,
        })
    }

    const fn port(&self) -> u16 {
        match self {
            Self::Postgres(server) => server.port(),
            Self::MySql(server) => server.port(),
            Self::Redis(server) => server.port(),
        }
    }

    const fn process(&mut self) -> &mut Process {
        match self {
            Self::Postgres(server) => server.process(),
            Self::MySql(server) => server.process(),
            Self::Redis(server) => server.process(),
        }
    }

    fn restart(&mut self) {
        match self {
            Self::Postgres(server) => server.restart(),
            Self::MySql(server) => server.restart(),
            Self::Redis(server) => server.restart(),
        }
    }

    /// A store that reaches the server by another port.
    async fn open(&self, port: u16) -> Arc<dyn Store> {
        let by = |url: String, own: u16| url.replace(&format!(":{own}"), &format!(":{port}"));
        let now = Timestamp::now();
        match self {
            Self::Postgres(server) => {
                let store =
                    PostgresStore::open(&by(server.database(), server.port())).expect("a URL");
                let _ = store.migrate(now).await.expect("the server is new");
                Arc::new(store)
            }
            Self::MySql(server) => {
                let store = MySqlStore::open(&by(server.database(), server.port())).expect("a URL");
                let _ = store.migrate(now).await.expect("the server is new");
                Arc::new(store)
            }
            Self::Redis(server) => {
                Arc::new(RedisStore::open(&by(server.url(), server.port())).expect("a URL"))
            }
        }
    }
}

/// What all writers met.
#[derive(Default)]
struct Tally {
    stop: AtomicBool,
    acknowledged: AtomicU64,
    errors: AtomicU64,
    /// Less was there than was acknowledged, or nothing.
    lost: AtomicU64,
    /// What was there was never written to this session.
    foreign: AtomicU64,
    back: Mutex<Option<Instant>>,
    recoveries: Mutex<Vec<Duration>>,
}

impl Tally {
    fn is_back(&self) {
        *self.back.lock().expect("nobody panics with it") = Some(Instant::now());
    }

    fn acknowledge(&self) {
        self.acknowledged.fetch_add(1, Ordering::SeqCst);
        if let Some(back) = self.back.lock().expect("nobody panics with it").take() {
            self.recoveries
                .lock()
                .expect("nobody panics with it")
                .push(back.elapsed());
        }
    }

    #[expect(clippy::print_stdout, reason = "the figures are the result")]
    fn report(
        &self,
        engine: &str,
        trial: &str,
        happened: &(u32, Server),
        took: Duration,
    ) -> ExitCode {
        let count = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        let recoveries = self.recoveries.lock().expect("nobody panics with it");
        let slowest = recoveries.iter().max().copied().unwrap_or_default();
        let (lost, foreign) = (count(&self.lost), count(&self.foreign));
        println!(
            "{}",
            json!({
                "engine": engine,
                "trial": trial,
                "happened": happened.0,
                "seconds": took.as_secs(),
                "acknowledged": count(&self.acknowledged),
                "errors": count(&self.errors),
                "lost": lost,
                "foreign": foreign,
                "slowest_recovery_ms": u64::try_from(slowest.as_millis()).unwrap_or(u64::MAX),
            })
        );
        let met = count(&self.errors) > 0 && count(&self.acknowledged) > 0;
        ExitCode::from(u8::from(lost > 0 || foreign > 0 || !met))
    }
}

/// Counts upwards in a session of its own.
struct Writer {
    store: Arc<dyn Store>,
    tally: Arc<Tally>,
    key: SessionKey,
    codec: Codec,
    acknowledged: u64,
    tried: u64,
    /// What is there, as far as the last answer told.
    seen: Option<(Version, u64)>,
}

impl Writer {
    async fn new(store: &Arc<dyn Store>, tally: &Arc<Tally>) -> Self {
        let secret = SecretKey::new("a key for trials, of 32 bytes and more").expect("a good one");
        let mut writer = Self {
            store: Arc::clone(store),
            tally: Arc::clone(tally),
            key: SessionKey::generate().expect("the system has random numbers"),
            codec: Codec::new(
                &Secrets::new(secret),
                Codec::DJANGO_SALT,
                Compression::Never,
            ),
            acknowledged: 0,
            tried: 0,
            seen: None,
        };
        match store
            .create(&writer.key, &writer.record(0))
            .await
            .expect("it works as yet")
        {
            Created::Created(version) => writer.seen = Some((version, 0)),
            Created::KeyTaken => unreachable!("the key is new"),
        }
        writer
    }

    async fn write(mut self) {
        while !self.tally.stop.load(Ordering::SeqCst) {
            self.step().await;
        }
        self.seen = None;
        while self.seen.is_none() {
            self.step().await;
        }
    }

    async fn step(&mut self) {
        let now = Timestamp::now();
        let Some((version, number)) = self.seen.take() else {
            return match self.store.load(&self.key, now).await {
                Ok(Some(stored)) => self.look(stored),
                Ok(None) => self.lose(),
                Err(_) => self.wait().await,
            };
        };
        self.tried = number + 1;
        let record = self.record(self.tried);
        match self.store.replace(&self.key, &version, &record, now).await {
            Ok(Replaced::Replaced(version)) => {
                self.acknowledged = self.tried;
                self.seen = Some((version, self.tried));
                self.tally.acknowledge();
            }
            // A write that nobody knew the end of may be done late.
            Ok(Replaced::Changed(stored)) => self.look(stored),
            Ok(Replaced::Gone) => self.lose(),
            Err(_) => self.wait().await,
        }
    }

    fn look(&mut self, stored: Stored) {
        let version = stored.version.clone();
        let session = SessionState::from_stored(self.key.clone(), stored, &self.codec);
        let own: Option<String> = session.get("key").unwrap_or_default();
        let number: u64 = session.get("number").ok().flatten().unwrap_or(u64::MAX);
        if own.as_deref() != Some(self.key.as_str()) || number > self.tried {
            self.tally.foreign.fetch_add(1, Ordering::SeqCst);
        } else if number < self.acknowledged {
            self.tally.lost.fetch_add(1, Ordering::SeqCst);
        }
        self.acknowledged = number;
        self.seen = Some((version, number));
    }

    /// The session is gone, and with it all that was acknowledged; what follows would count it again and again.
    fn lose(&mut self) {
        self.tally.lost.fetch_add(1, Ordering::SeqCst);
        self.tally.stop.store(true, Ordering::SeqCst);
        self.seen = Some((Version::of_text(""), 0));
    }

    async fn wait(&self) {
        self.tally.errors.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    fn record(&self, number: u64) -> Record {
        let text = json!({"key": self.key.as_str(), "number": number}).to_string();
        let now = Timestamp::now();
        Record::new(
            text.into(),
            now.plus_seconds(86_400),
            self.codec.clone(),
            now,
        )
    }
}

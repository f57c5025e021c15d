//! Expired sessions are cleared as by the server's `clearsessions`, while others are read at a steady rate.
//!
//! Reader and clearing share one store, as in a server that clears on its schedule.

mod database;
mod readers;

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use cloakroom_core::session::{Created, Record, SessionKey, Store};
use cloakroom_core::time::Timestamp;
use cloakroom_server::clearing::clear;
use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::{Value, json};

use crate::case::name;
use crate::engines::codec;
use crate::servers::Server;
use crate::visitors::Visitors;
use database::Database;
use readers::{Delays, Readers};

/// What is cleared, and who reads meanwhile.
#[derive(Args)]
pub(crate) struct Plan {
    /// Where sessions are kept.
    #[arg(long, value_enum)]
    engine: Engine,
    /// Expired sessions.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Sessions that have not expired; these are read.
    #[arg(long, default_value_t = 10_000)]
    live: usize,
    /// How many sessions are read in a second, whether or not the last answer has come.
    #[arg(long, default_value_t = 200)]
    reads: u32,
    /// For how many seconds is read before anything is cleared.
    #[arg(long, default_value_t = 30)]
    idle: u64,
}

/// The databases with rows that expire. Redis removes its records by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
    Mysql,
}

impl Plan {
    pub(crate) const fn server(&self) -> Option<Server> {
        match self.engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(Server::Postgres),
            Engine::Mysql => Some(Server::MariaDb),
        }
    }
}

const HEADING: &str = "| engine | expired | live | cleared in | rows/s | reads/s | idle: p50, p99, most ms \
                       | while clearing: p50, p99, most ms | p99 is | failed reads | expired left | live lost |\n\
                       |---|---:|---:|---:|---:|---:|---|---|---:|---:|---:|---:|";

/// Does it once; the table and the same as JSON.
pub(crate) fn run(plan: &Plan) -> io::Result<(String, Value)> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let (database, store) = runtime.block_on(Database::new(plan.engine));
    say(format_args!("{} expired sessions are made", plan.rows))?;
    database.fill(plan.rows, &expired_text(), |made| {
        say(format_args!("{made} of {} made", plan.rows))
    })?;
    let keys: Arc<[SessionKey]> = runtime.block_on(keep(&*store, plan.live)).into();
    database.settle();
    let before = database.count();
    assert_eq!(before, plan.rows + plan.live as u64, "all were made");

    say(format_args!(
        "reading for {} s while nothing is cleared",
        plan.idle
    ))?;
    let readers = || Readers::start(runtime.handle(), &store, &keys, plan.reads);
    let reading = readers();
    std::thread::sleep(Duration::from_secs(plan.idle));
    let idle = reading.stop();

    say(format_args!("clearing"))?;
    let reading = readers();
    let began = Instant::now();
    let mut said = began;
    let cleared = runtime.block_on(clear(&*store, |total| {
        if said.elapsed() > Duration::from_secs(5) {
            said = Instant::now();
            // What cannot be said is no reason to stop.
            let _ = say(format_args!("{total} of {} cleared", plan.rows));
        }
    }));
    let took = began.elapsed();
    let busy = reading.stop();

    let cleared = cleared.expect("the database answers");
    let left = database.count();
    let alive = runtime.block_on(found(&*store, &keys));
    let (lost, expired_left) = (keys.len() - alive, left.saturating_sub(alive as u64));
    Ok(report(
        plan,
        took,
        cleared,
        &idle,
        &busy,
        lost,
        expired_left,
    ))
}

fn report(
    plan: &Plan,
    took: Duration,
    cleared: u64,
    idle: &Delays,
    busy: &Delays,
    lost: usize,
    expired_left: u64,
) -> (String, Value) {
    let seconds = took.as_secs_f64();
    let rate = cleared as f64 / seconds;
    let ratio = busy.at(0.99) / idle.at(0.99);
    let engine = name(&plan.engine);
    let failed = idle.failed + busy.failed;
    let table = format!(
        "{HEADING}\n| {engine} | {cleared} | {} | {seconds:.1} s | {rate:.0} | {} | {idle} | {busy} | {ratio:.2} × | {failed} | {expired_left} | {lost} |",
        plan.live, plan.reads,
    );
    let json = json!({
        "engine": engine, "expired": plan.rows, "live": plan.live, "cleared": cleared,
        "seconds": seconds, "rows_per_second": rate, "reads_per_second": plan.reads,
        "idle": idle.json(), "clearing": busy.json(), "p99_ratio": ratio,
        "failed_reads": failed, "expired_left": expired_left, "live_lost": lost,
    });
    (table, json)
}

/// A signed text as long as most: a login and a counter.
fn expired_text() -> String {
    let json = &Visitors::all()[0].json;
    codec().encode(json, Timestamp::now())
}

/// Makes the sessions that go on.
async fn keep(store: &dyn Store, count: usize) -> Vec<SessionKey> {
    let codec = &codec();
    let json: &Arc<str> = &Visitors::all()[0].json.as_str().into();
    let one = |_| async move {
        let key = SessionKey::generate().expect("the system has random numbers");
        let now = Timestamp::now();
        let end = now.plus_seconds(1_209_600);
        let record = Record::new(json.clone(), end, codec.clone(), now);
        let created = store.create(&key, &record).await;
        assert!(
            matches!(created, Ok(Created::Created(_))),
            "a session was not kept"
        );
        key
    };
    stream::iter(0..count)
        .map(one)
        .buffer_unordered(32)
        .collect()
        .await
}

/// How many of the sessions are there and verify.
async fn found(store: &dyn Store, keys: &[SessionKey]) -> usize {
    let codec = codec();
    let mut count = 0;
    for key in keys {
        let stored = store.load(key, Timestamp::now()).await;
        let stored = stored.expect("the database answers");
        count += usize::from(stored.is_some_and(|stored| stored.form.data(&codec).is_some()));
    }
    count
}

fn say(what: std::fmt::Arguments<'_>) -> io::Result<()> {
    writeln!(io::stderr(), "{what}")
}

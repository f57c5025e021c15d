//! The session engines beside the bare calls of their drivers.
//!
//! A bare call has one connection of its own, the same statement or script, prepared, and the same reading and
//! verifying of what it finds. It has no deadline, no pool, and nobody looks at what went wrong.

mod file;
pub(crate) mod mysql;
pub(crate) mod postgres;
pub(crate) mod redis;
mod side;
pub(crate) mod sqlite;

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use clap::ValueEnum;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::case::name;
use crate::pairs::{Pairs, Turn};
use crate::servers::{self, Server};
pub(crate) use side::codec;
use side::{Comparison, Ours, Task, Way, run};

/// Where sessions are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
    Mysql,
    Redis,
    File,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Operation {
    /// A session is read and verified.
    Load,
    /// Changed data take the place of those that were seen.
    Replace,
    /// A new session is kept.
    Create,
}

/// An operation on an engine, as `load/redis`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    operation: Operation,
    engine: Engine,
}

impl Cell {
    pub(crate) fn all() -> Vec<Self> {
        let of_engine = |engine: &Engine| {
            let engine = *engine;
            let cell = move |operation: &Operation| Self {
                operation: *operation,
                engine,
            };
            Operation::value_variants().iter().map(cell)
        };
        Engine::value_variants()
            .iter()
            .flat_map(of_engine)
            .collect()
    }

    /// The server without which this cannot be measured.
    pub(crate) const fn server(self) -> Option<Server> {
        match self.engine {
            Engine::Sqlite | Engine::File => None,
            Engine::Postgres => Some(Server::Postgres),
            Engine::Mysql => Some(Server::MariaDb),
            Engine::Redis => Some(Server::Redis),
        }
    }

    fn comparisons(self) -> Vec<Comparison> {
        let one = |way| Comparison { way, at_once: 1 };
        match (self.engine, self.operation) {
            (Engine::Sqlite, Operation::Load) => vec![one(Way::Here)],
            (Engine::Sqlite, _) => vec![
                one(Way::Handed),
                one(Way::Here),
                Comparison {
                    way: Way::Here,
                    at_once: 32,
                },
            ],
            (Engine::File, _) => vec![one(Way::Handed), one(Way::Here)],
            _ => vec![one(Way::Async)],
        }
    }

    /// How many calls one measurement has. Each visitor's session is replaced at most once.
    const fn calls(self) -> usize {
        match (self.engine, self.operation) {
            (Engine::Sqlite, Operation::Load) => 2048,
            (_, Operation::Load) | (Engine::Redis, Operation::Create) => 1024,
            _ => 256,
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}/{}",
            name(&self.operation),
            name(&self.engine)
        )
    }
}

impl FromStr for Cell {
    type Err = String;

    /// Reads `load/redis`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (operation, engine) = text
            .split_once('/')
            .ok_or("it should look like load/redis")?;
        Ok(Self {
            operation: Operation::from_str(operation, false)?,
            engine: Engine::from_str(engine, false)?,
        })
    }
}

/// Our overhead over the bare call may be this part of it.
const AIM: f64 = 0.20;

const HEADING: &str = "| engine | call | bare call | ours µs | bare µs | overhead, median (least to most) | aim | |\n\
                       |---|---|---|---:|---:|---:|---:|---|";

/// Measures these cells and prints their table.
pub(crate) fn table(
    runtime: &Runtime,
    cells: &[Cell],
    rounds: usize,
    output: &mut impl Write,
) -> io::Result<Vec<Value>> {
    let mut rows = Vec::new();
    writeln!(output, "{HEADING}")?;
    for cell in cells {
        for comparison in cell.comparisons() {
            let (line, row) = measured(runtime, *cell, comparison, rounds);
            writeln!(output, "{line}")?;
            output.flush()?;
            rows.push(row);
        }
    }
    Ok(rows)
}

/// Makes so many calls of one side and nothing else, for counting instructions.
pub(crate) fn count(runtime: &Runtime, cell: Cell, turn: Turn, calls: usize) {
    run_on(
        runtime,
        cell,
        cell.comparisons()[0],
        Task::Count(turn, calls),
    );
}

fn run_on(runtime: &Runtime, cell: Cell, comparison: Comparison, task: Task) -> Option<Pairs> {
    let folder = tempfile::tempdir().expect("the temporary folder is writable");
    let (ours_at, bare_at) = (folder.path().join("ours"), folder.path().join("bare"));
    let (way, operation, calls) = (comparison.way, cell.operation, cell.calls());
    match cell.engine {
        Engine::Sqlite => {
            let ours = Ours::new(runtime.block_on(sqlite::store(&ours_at)));
            let bare = runtime.block_on(sqlite::Bare::open(&bare_at, way));
            run(runtime, operation, calls, comparison, ours, bare, task)
        }
        Engine::Postgres => {
            let server = servers::postgres();
            let ours = Ours::new(runtime.block_on(postgres::store(&server.database())));
            let bare = runtime.block_on(postgres::Bare::open(&server.database()));
            run(runtime, operation, calls, comparison, ours, bare, task)
        }
        Engine::Mysql => {
            let server = servers::mariadb();
            let ours = Ours::new(runtime.block_on(mysql::store(&server.database())));
            let bare = runtime.block_on(mysql::Bare::open(&server.database()));
            run(runtime, operation, calls, comparison, ours, bare, task)
        }
        Engine::Redis => {
            let url = servers::redis().url();
            let ours = Ours::new(redis::store(&url, &servers::new_prefix()));
            let bare = runtime.block_on(redis::Bare::open(&url, &servers::new_prefix()));
            run(runtime, operation, calls, comparison, ours, bare, task)
        }
        Engine::File => {
            let ours = Ours::new(file::store(&ours_at));
            let bare = file::Bare::open(bare_at, way);
            run(runtime, operation, calls, comparison, ours, bare, task)
        }
    }
}

fn measured(
    runtime: &Runtime,
    cell: Cell,
    comparison: Comparison,
    rounds: usize,
) -> (String, Value) {
    let pairs = run_on(runtime, cell, comparison, Task::Measure(rounds));
    let pairs = pairs.expect("it was measured");
    let (way, calls) = (comparison.way, cell.calls());
    let percent = |ratio: f64| (ratio - 1.0) * 100.0;
    let (least, median, most) = pairs.ratios();
    let (ours, bare) = (pairs.ours(), pairs.theirs());
    let (engine, operation) = (name(&cell.engine), name(&cell.operation));
    let at_once = match comparison.at_once {
        1 => String::new(),
        many => format!(", {many} of ours at once"),
    };
    let way = match way {
        Way::Async => "async",
        Way::Here => "blocks its caller",
        Way::Handed => "on a thread for what blocks",
    };
    let met = if median <= 1.0 + AIM { "met" } else { "missed" };
    let line = format!(
        "| {engine} | {operation} | {way}{at_once} | {ours:.2} | {bare:.2} | {:+.0} % ({:+.0} to {:+.0}) | {:.0} % | {met} |",
        percent(median),
        percent(least),
        percent(most),
        AIM * 100.0,
    );
    let row = json!({
        "engine": engine, "call": operation, "bare": way, "at_once": comparison.at_once,
        "rounds": rounds, "calls": calls, "ours_us": ours, "bare_us": bare,
        "overhead_percent": {"least": percent(least), "median": percent(median), "most": percent(most)},
        "aim_percent": AIM * 100.0,
    });
    (line, row)
}

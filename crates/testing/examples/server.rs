//! Runs a throwaway server for tests in other languages, until its standard input ends.
//!
//! ```sh
//! cargo run -p cloakroom-testing --example server -- postgres
//! ```
//!
//! It prints the server's URL, and answers each line that it reads with one: `database` makes an empty database (Redis: the same
//! server) and says its URL; `kill`, `start`, `freeze` and `thaw` do that to the server and say so.

#![forbid(unsafe_code)]

use std::io::BufRead as _;
use std::process::ExitCode;

use cloakroom_testing::servers::{MariaDb, Postgres, Process, Redis};

/// What the three have in common.
trait Server {
    fn database(&self) -> String;
    fn restart(&mut self);
    fn process(&mut self) -> &mut Process;
}

macro_rules! is_server {
    ($server:ty, $database:ident) => {
        impl Server for $server {
            fn database(&self) -> String {
                <$server>::$database(self)
            }

            fn restart(&mut self) {
                <$server>::restart(self);
            }

            fn process(&mut self) -> &mut Process {
                <$server>::process(self)
            }
        }
    };
}

is_server!(Postgres, database);
is_server!(MariaDb, database);
is_server!(Redis, url);

#[expect(clippy::print_stdout, reason = "the answers are its result")]
fn main() -> ExitCode {
    let kind = std::env::args().nth(1).unwrap_or_default();
    let mut server: Box<dyn Server> = match kind.as_str() {
        "postgres" => Box::new(Postgres::start(&[])),
        "mysql" => Box::new(MariaDb::start(&[])),
        // What is acknowledged outlives a kill, as with the other two.
        "redis" => Box::new(Redis::start(&[
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
        ])),
        _ => {
            eprintln!("usage: server postgres|mysql|redis");
            return ExitCode::from(2);
        }
    };
    println!("{}", server.database());
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        match line.as_str() {
            "database" => {
                println!("{}", server.database());
                continue;
            }
            "kill" => server.process().kill(),
            "start" => server.restart(),
            "freeze" => server.process().freeze(),
            "thaw" => server.process().thaw(),
            _ => {
                eprintln!("unknown: {line}");
                return ExitCode::from(2);
            }
        }
        println!("{line}");
    }
    ExitCode::SUCCESS
}

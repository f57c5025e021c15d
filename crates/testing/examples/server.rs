//! Runs a throwaway server for tests in other languages, until its standard input ends.
//!
//! ```sh
//! cargo run -p cloakroom-testing --example server -- postgres
//! ```
//!
//! It prints the server's URL. For each line that it reads it makes an empty database (Redis: the same server) and
//! prints that URL.

#![forbid(unsafe_code)]

use std::io::BufRead as _;
use std::process::ExitCode;

use cloakroom_testing::servers::{MariaDb, Postgres, Redis};

#[expect(clippy::print_stdout, reason = "the URLs are its result")]
fn main() -> ExitCode {
    let database: Box<dyn Fn() -> String> = match std::env::args().nth(1).as_deref() {
        Some("postgres") => {
            let server = Postgres::start(&[]);
            Box::new(move || server.database())
        }
        Some("mysql") => {
            let server = MariaDb::start(&[]);
            Box::new(move || server.database())
        }
        Some("redis") => {
            let server = Redis::start(&[]);
            Box::new(move || server.url())
        }
        _ => {
            eprintln!("usage: server postgres|mysql|redis");
            return ExitCode::from(2);
        }
    };
    println!("{}", database());
    for _ in std::io::stdin().lock().lines() {
        println!("{}", database());
    }
    ExitCode::SUCCESS
}

//! Real database servers for tests: each on a free port of 127.0.0.1, in a temporary folder, gone with its test.
//!
//! A test that needs one is `#[ignore]`d with the server's name, so that `cargo test` alone says what it left out;
//! `cargo test -- --include-ignored` runs it, and then a program that is missing is a failure.

#![expect(
    clippy::missing_panics_doc,
    reason = "a test's server that does not start is a failure of the test"
)]
#![expect(
    clippy::must_use_candidate,
    reason = "a statement is executed for its effect as often as for its rows"
)]

mod faults;
mod mariadb;
mod pgbouncer;
mod postgres;
mod process;
mod redis;

pub use faults::{Fault, Proxy};
pub use mariadb::MariaDb;
pub use pgbouncer::PgBouncer;
pub use postgres::Postgres;
pub use process::Process;
pub use redis::{Redis, RedisCluster, RedisSentinel};

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// A port that nobody listens on, as the operating system gives them out.
#[must_use]
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("a port is free")
        .port()
}

/// A name that no other database of this process has.
fn new_name() -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    format!("site{}", MADE.fetch_add(1, Ordering::Relaxed))
}

/// Where a program is: on the path, or where Debian keeps what is not for every user.
fn program(name: &str, package: &str) -> PathBuf {
    find(name, package).unwrap_or_else(|missing| panic!("{missing}"))
}

fn find(name: &str, package: &str) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    folders
        .into_iter()
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| format!("{name} is missing: install it (Debian: {package})"))
}

/// The first of these programs, each with its Debian package, that is not installed.
fn missing(programs: &[(&str, &str)]) -> Option<String> {
    programs
        .iter()
        .find_map(|(name, package)| find(name, package).err())
}

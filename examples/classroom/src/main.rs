//! The classroom: every use of cookies and sessions, as pages that people click.
//!
//! ```sh
//! cargo run --release -p classroom
//! ```

#![forbid(unsafe_code)]

mod app;
mod assets;
mod contents;
mod database;
mod first_start;
mod lessons;
mod refused;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Every use of cookies and sessions, as pages that people click.
#[derive(Parser)]
struct Options {
    /// Where to listen
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8000")]
    listen: SocketAddr,
    /// Where everything is kept; made at the first start
    #[arg(long, value_name = "PATH", default_value = "classroom.sqlite3")]
    database: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("classroom: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Failure> {
    if !options.listen.ip().is_loopback() {
        return Err("everybody knows the pupils' passwords: listen on 127.0.0.1 or [::1]".into());
    }
    let listener = TcpListener::bind(options.listen).await?;
    let classroom = listener.local_addr()?;
    let evil_listener = beside(classroom).await?;
    let evil = evil_listener.local_addr()?;
    let place = first_start::open(&options.database).await?;
    let evil_app = lessons::csrf::evil::router(place.templates.clone(), classroom);
    eprintln!("The classroom is open at http://{classroom}/, and an evil page at http://{evil}/");

    // With the visitors' addresses: tries to log in are counted by them too, and users see them in their list of sessions.
    let app = app::router(&place, evil).into_make_service_with_connect_info::<SocketAddr>();
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        served = axum::serve(listener, app) => served?,
        served = axum::serve(evil_listener, evil_app) => served?,
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminated.recv() => {}
    }
    // What visitors did in the last half second.
    place
        .recorder
        .flush()
        .await
        .map_err(|_| "the last visits could not be written".into())
}

/// The next port if it is free, else any: another origin for the evil page.
async fn beside(classroom: SocketAddr) -> io::Result<TcpListener> {
    if let Some(port) = classroom.port().checked_add(1)
        && let Ok(listener) = TcpListener::bind((classroom.ip(), port)).await
    {
        return Ok(listener);
    }
    TcpListener::bind((classroom.ip(), 0)).await
}

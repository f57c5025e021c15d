//! Measures what Cloakroom costs beside code that is written by hand for one page, and beside its databases' drivers.
//!
//! The figures are CPU time of this process, which serves; `docs/benchmarks.md` says how to read them.

#![forbid(unsafe_code)]

mod app;
mod case;
mod clearing;
mod clock;
mod drive;
mod engines;
mod limit;
mod ours;
mod pairs;
mod password;
mod primitives;
mod rounds;
mod servers;
mod tcp;
mod upload;
mod visitors;

use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand, ValueEnum};
use serde_json::Value;

use case::{Case, Side};
use engines::Cell;
use pairs::Turn;
use servers::Server;

#[derive(Parser)]
#[command(about)]
struct Options {
    /// Pairs of measurements for each cell of the table.
    #[arg(long, default_value_t = 41, global = true)]
    rounds: usize,
    /// Writes the figures to this file too.
    #[arg(long, global = true)]
    json: Option<PathBuf>,
    /// Only this cell, as `me/sqlite`; may be given several times.
    #[arg(long)]
    only: Vec<Case>,
    /// What stands between the requests and the service.
    #[arg(long, value_enum, default_value_t = Network::None)]
    network: Network,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What stands between the requests and the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Network {
    /// The service is called.
    None,
    /// HTTP/1.1 over a connection in memory, one request after the other.
    Memory,
    /// HTTP/1.1 over the loopback interface, on eight connections.
    Tcp,
}

#[derive(Subcommand)]
enum Command {
    /// Measures the session engines beside the bare calls of their drivers.
    Engines {
        /// Only this cell, as `load/redis`; may be given several times.
        #[arg(long)]
        only: Vec<Cell>,
    },
    /// Clears expired sessions while others are read.
    Clearing(clearing::Plan),
    /// Serves this many requests of one cell and nothing else, for counting instructions.
    Count {
        case: Case,
        side: Side,
        requests: usize,
    },
    /// Makes this many calls of one cell of `engines` and nothing else, for counting instructions.
    CountCalls {
        cell: Cell,
        side: Turn,
        calls: usize,
    },
    /// Sends the requests of `--network tcp`; the program starts it itself.
    #[command(hide = true)]
    Client { orders: SocketAddr, case: Case },
    /// Measures what looking for a form's token costs an upload.
    Upload,
    /// Measures signed cookies, CSRF tokens and cookie headers beside the bare primitives.
    Primitives,
    /// Measures PBKDF2 beside the `pbkdf2` crate and Python.
    Pbkdf2,
}

fn main() -> io::Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut output = io::stdout().lock();
    let figures = match options.command {
        None => {
            let mut cases = chosen(options.only, Case::all, Case::server)?;
            cases.retain(|case| options.network == Network::None || case.at_once == 1);
            writeln!(output, "{}", rounds::HEADING)?;
            let mut figures = Vec::new();
            for case in cases {
                let (line, row) = rounds::row(&runtime, case, options.network, options.rounds);
                writeln!(output, "{line}")?;
                figures.push(row);
            }
            Value::Array(figures)
        }
        Some(Command::Engines { only }) => {
            let cells = chosen(only, Cell::all, Cell::server)?;
            let rows = engines::table(&runtime, &cells, options.rounds, &mut output)?;
            Value::Array(rows)
        }
        Some(Command::Clearing(plan)) => {
            installed(plan.server())?;
            let (table, figures) = clearing::run(&plan)?;
            writeln!(output, "{table}")?;
            figures
        }
        Some(Command::Count {
            case,
            side,
            requests,
        }) => {
            installed(case.server())?;
            let folder = tempfile::tempdir()?;
            let mut app = case.app(side, &runtime, folder.path());
            drive::counted(&runtime, &mut app, case.requests(requests));
            return Ok(());
        }
        Some(Command::CountCalls { cell, side, calls }) => {
            installed(cell.server())?;
            engines::count(&runtime, cell, side, calls);
            return Ok(());
        }
        Some(Command::Client { orders, case }) => return tcp::client(orders, case),
        Some(Command::Upload) => {
            let (table, figures) = upload::table(&runtime, options.rounds);
            writeln!(output, "{table}")?;
            figures
        }
        Some(Command::Primitives) => {
            let (table, figures) = primitives::table(options.rounds);
            writeln!(output, "{table}")?;
            figures
        }
        Some(Command::Pbkdf2) => {
            writeln!(output, "{}", password::table())?;
            return Ok(());
        }
    };
    match options.json {
        Some(path) => write(&path, &figures),
        None => Ok(()),
    }
}

/// The cells that were asked for; if none was, all whose server is installed. What is left out is said.
fn chosen<T: Copy>(
    only: Vec<T>,
    all: impl FnOnce() -> Vec<T>,
    server: impl Fn(T) -> Option<Server>,
) -> io::Result<Vec<T>> {
    if !only.is_empty() {
        for cell in &only {
            installed(server(*cell))?;
        }
        return Ok(only);
    }
    let mut left_out = Vec::new();
    let mut all = all();
    all.retain(|cell| match installed(server(*cell)) {
        Ok(()) => true,
        Err(missing) => {
            left_out.push(missing.to_string());
            false
        }
    });
    left_out.dedup();
    for missing in left_out {
        writeln!(io::stderr(), "left out: {missing}")?;
    }
    Ok(all)
}

fn installed(server: Option<Server>) -> io::Result<()> {
    match server.and_then(Server::missing) {
        Some(missing) => Err(io::Error::new(io::ErrorKind::NotFound, missing)),
        None => Ok(()),
    }
}

fn write(path: &Path, figures: &Value) -> io::Result<()> {
    fs::write(path, format!("{figures:#}\n"))
}

//! Measures what Cloakroom costs beside code that is written by hand for one page.
//!
//! The figures are CPU time of this process, which serves; `docs/benchmarks.md` says how to read them.

#![forbid(unsafe_code)]

mod app;
mod case;
mod clock;
mod drive;
mod limit;
mod ours;
mod password;
mod rounds;
mod tcp;
mod visitors;

use std::io::{self, Write as _};
use std::net::SocketAddr;

use clap::{Parser, Subcommand, ValueEnum};

use case::{Case, Side};

#[derive(Parser)]
#[command(about)]
struct Options {
    /// Pairs of measurements for each cell of the table.
    #[arg(long, default_value_t = 41)]
    rounds: usize,
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
    /// Serves this many requests of one cell and nothing else, for counting instructions.
    Count {
        case: Case,
        side: Side,
        requests: usize,
    },
    /// Sends the requests of `--network tcp`; the program starts it itself.
    #[command(hide = true)]
    Client { orders: SocketAddr, case: Case },
    /// Measures PBKDF2 beside the `pbkdf2` crate and Python.
    Pbkdf2,
}

fn main() -> io::Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut output = io::stdout().lock();
    match options.command {
        None => {
            let mut cases = if options.only.is_empty() {
                Case::all()
            } else {
                options.only
            };
            cases.retain(|case| options.network == Network::None || case.at_once == 1);
            writeln!(output, "{}", rounds::HEADING)?;
            for case in cases {
                let row = rounds::row(&runtime, case, options.network, options.rounds);
                writeln!(output, "{row}")?;
            }
        }
        Some(Command::Count {
            case,
            side,
            requests,
        }) => {
            let folder = tempfile::tempdir()?;
            let mut app = case.app(side, &runtime, folder.path());
            drive::counted(&runtime, &mut app, case.requests(requests));
        }
        Some(Command::Client { orders, case }) => tcp::client(orders, case)?,
        Some(Command::Pbkdf2) => writeln!(output, "{}", password::table())?,
    }
    Ok(())
}

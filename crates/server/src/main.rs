//! A login site that runs from one command and shares its login with Django.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser as _;
use cloakroom_server::cli::Cli;

fn main() -> ExitCode {
    // Wrong usage ends here with status 2 and clap's own message.
    Cli::parse().run()
}

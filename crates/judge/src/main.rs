//! Answers questions about Django's rules, so that Django's own tests and random input can be run against Cloakroom.
//!
//! One question a line on standard input, one answer a line on standard output, both JSON. Nothing here reads
//! a clock, and nothing is remembered but the sessions that a question names by their handle. A store that
//! the rules need is reached by asking back: see [`pipe::call`].

#![forbid(unsafe_code)]

mod auth;
mod cookies;
mod csrf;
mod csrf_cookie;
mod json;
mod passwords;
mod pipe;
mod question;
mod response;
mod sessions;
mod signing;
mod store;
mod times;
mod urls;

use std::process::ExitCode;

fn main() -> ExitCode {
    match pipe::serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

//! Questions to the person at the terminal, or to the script that stands in for one.

use std::io::{self, BufRead as _, IsTerminal as _, stdin};

use zeroize::Zeroizing;

use super::Failure;
use crate::output;

/// One line of the answer.
pub(super) fn line(question: &str) -> Result<String, Failure> {
    output::ask(question);
    read_line().map(|line| line.to_string())
}

/// One line that is not shown while it is typed. A script gives it on standard input.
pub(super) fn password(question: &str) -> Result<Zeroizing<String>, Failure> {
    if stdin().is_terminal() {
        let answer = rpassword::prompt_password(question).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::Interrupted => cancelled(),
            _ => error.into(),
        });
        answer.map(Zeroizing::new)
    } else {
        output::ask(question);
        let answer = read_line();
        // The answer's end of line is not seen where nothing is typed.
        output::message("");
        answer
    }
}

fn read_line() -> Result<Zeroizing<String>, Failure> {
    let mut line = Zeroizing::new(String::new());
    if stdin().lock().read_line(&mut line)? == 0 {
        return Err(cancelled());
    }
    if line.ends_with('\n') {
        line.pop();
        if line.ends_with('\r') {
            line.pop();
        }
    }
    Ok(line)
}

/// As Django says when the input ends.
fn cancelled() -> Failure {
    Failure::new("Operation cancelled.")
}

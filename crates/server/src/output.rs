//! The two streams of a command. Nothing is lost by ignoring that one of them is closed: there is no other way to
//! say so.

use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _, stderr, stdout};

/// A line of the command's result, on standard output.
pub(crate) fn result(line: impl Display) {
    let _ = writeln!(stdout().lock(), "{line}");
}

/// A line for the person at the terminal, on standard error.
pub(crate) fn message(line: impl Display) {
    let _ = writeln!(stderr().lock(), "{line}");
}

/// Asks, without ending the line.
pub(crate) fn ask(question: impl Display) {
    let mut stderr = stderr().lock();
    let _ = write!(stderr, "{question}").and_then(|()| stderr.flush());
}

/// Replaces the line for the person at the terminal; nothing in a script's log.
pub(crate) fn progress(line: impl Display) {
    let mut stderr = stderr().lock();
    if stderr.is_terminal() {
        let _ = write!(stderr, "\r{line}\x1b[K").and_then(|()| stderr.flush());
    }
}

/// Ends a line of [`progress`].
pub(crate) fn progress_ends() {
    if stderr().is_terminal() {
        message("");
    }
}

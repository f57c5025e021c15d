//! Other processes: this test program again, for one function of it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Runs `body` of this program in a process of its own, after what `shell` does there, in the folder's name.
pub(crate) fn spawn(body: &str, folder: &Path, shell: &str) -> Child {
    Command::new("sh")
        .args(["-c", &format!("{shell} exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", body, "--nocapture"])
        .env(FOLDER, folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The same, waited for: it must not fail, and must say that it did what it is for.
pub(crate) fn run(body: &str, folder: &Path, shell: &str) {
    let output = spawn(body, folder, shell).wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains(DONE), "{text}");
}

/// The folder, in such a process; `None` where it is a test like any other, which has nothing to do.
pub(crate) fn folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

pub(crate) fn done() {
    say(DONE);
}

/// One line, whole, and written at once.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout();
    out.write_all(format!("\n{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// What a process says in lines that begin with `prefix`.
pub(crate) fn said(child: &mut Child, prefix: &str) -> impl Iterator<Item = String> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let prefix = prefix.to_owned();
    lines
        .map_while(Result::ok)
        .filter_map(move |line| line.strip_prefix(&prefix).map(str::to_owned))
}

const FOLDER: &str = "CLOAKROOM_TEST_FOLDER_OF_THE_CHILD";
const DONE: &str = "the child is through";

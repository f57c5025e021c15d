//! A server's process: it can be killed, frozen and started again, and it ends when the test's process ends.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// No server takes longer to begin or to end, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Starts the program that follows the log's name, says its process id, and kills it when the pipe from the test
/// ends: so also when the test's process is killed.
const SUPERVISOR: &str = r#"
log=$1; shift
"$@" >>"$log" 2>&1 </dev/null &
echo $!
cat >/dev/null
kill -9 $! 2>/dev/null
wait
"#;

/// Removes the folder that follows when the pipe from the test ends.
const CARETAKER: &str =
    r#"cat >/dev/null; for _ in 1 2 3 4 5; do rm -rf "$1" && break; sleep 0.2; done"#;

/// A server of a test, with a folder of its own.
#[derive(Debug)]
pub struct Process {
    command: Vec<OsString>,
    folder: PathBuf,
    running: Option<Running>,
    /// Last of all: what removes the folder.
    _caretaker: Child,
}

#[derive(Debug)]
struct Running {
    supervisor: Child,
    server: Pid,
}

impl Process {
    /// A new folder that only its servers' users can change, removed when the test's process ends.
    pub(super) fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("cloakroom-test-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .tempdir()
            .expect("a temporary folder")
            .keep();
        let caretaker = shell(CARETAKER)
            .arg(&folder)
            .spawn()
            .expect("a shell is there");
        Self {
            command: Vec::new(),
            folder,
            running: None,
            _caretaker: caretaker,
        }
    }

    /// What [`start`](Self::start) starts.
    pub(super) fn set_command<A: Into<OsString>>(&mut self, command: impl IntoIterator<Item = A>) {
        self.command = command.into_iter().map(Into::into).collect();
    }

    /// The server's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts the server, again if it was killed, and waits until `answers` says that it does.
    pub(super) fn start(&mut self, answers: impl Fn() -> bool) {
        let began = Instant::now();
        self.spawn();
        while !answers() {
            // A server that was killed may have left what the next one must wait for.
            if !self.is_running() {
                self.spawn();
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{:?} does not answer; its log ends with:\n{}",
                self.command,
                self.last_words()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn spawn(&mut self) {
        self.running = None;
        let mut supervisor = shell(SUPERVISOR)
            .arg(self.log())
            .args(&self.command)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell is there");
        let mut line = String::new();
        BufReader::new(supervisor.stdout.take().expect("it is piped"))
            .read_line(&mut line)
            .expect("the shell says the process id");
        let pid = line.trim().parse().ok().and_then(Pid::from_raw);
        self.running = Some(Running {
            supervisor,
            server: pid.expect("a process id"),
        });
    }

    /// Kills the server and all its processes without any warning, as `kill -9` does, and waits until they are gone.
    pub fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            let family = family(running.server);
            signal(&family, Signal::KILL);
            drop(running);
            let began = Instant::now();
            while family.iter().any(|&pid| is_alive(pid)) {
                assert!(began.elapsed() < PATIENCE, "the server outlives a kill");
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }

    /// Stops the server and all its processes from running: connections stay open and nothing answers.
    pub fn freeze(&self) {
        let family = self.family();
        signal(&family, Signal::STOP);
        // Threads that are running stop a little later, and might answer until then.
        let began = Instant::now();
        while !family.iter().all(|&pid| is_stopped(pid)) {
            assert!(began.elapsed() < PATIENCE, "the server does not stop");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Lets a frozen server go on.
    pub fn thaw(&self) {
        signal(&self.family(), Signal::CONT);
    }

    /// The server's process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.running.as_ref().map_or(0, |running| {
            running.server.as_raw_nonzero().get().unsigned_abs()
        })
    }

    fn family(&self) -> Vec<Pid> {
        self.running
            .as_ref()
            .map(|running| family(running.server))
            .unwrap_or_default()
    }

    fn is_running(&self) -> bool {
        self.running
            .as_ref()
            .is_some_and(|running| is_alive(running.server))
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn last_words(&self) -> String {
        let log = fs::read(self.log()).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(2000)..]).into_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The end of its pipe is what it waits for.
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        drop(self._caretaker.stdin.take());
        let _ = self._caretaker.wait();
    }
}

/// A shell in a process group of its own, so that what interrupts the test leaves it its work.
fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", script, "sh"])
        .stdin(Stdio::piped())
        .process_group(0);
    command
}

/// A process and all that came from it.
fn family(pid: Pid) -> Vec<Pid> {
    let mut all = vec![pid];
    let mut next = 0;
    while let Some(parent) = all.get(next) {
        let number = parent.as_raw_nonzero();
        let tasks = fs::read_dir(format!("/proc/{number}/task"))
            .into_iter()
            .flatten();
        for task in tasks.flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            all.extend(
                children
                    .split_whitespace()
                    .filter_map(|child| Pid::from_raw(child.parse().ok()?)),
            );
        }
        next += 1;
    }
    all
}

fn signal(pids: &[Pid], signal: Signal) {
    for &pid in pids {
        // It may have ended by itself meanwhile.
        let _ = kill_process(pid, signal);
    }
}

/// Whether all its threads were stopped, or have ended.
fn is_stopped(pid: Pid) -> bool {
    let tasks = fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero()));
    tasks.into_iter().flatten().flatten().all(|task| {
        fs::read_to_string(task.path().join("stat")).is_ok_and(|stat| {
            stat.rsplit_once(')')
                .is_some_and(|(_, state)| state.trim_start().starts_with(['T', 'Z', 'X']))
        })
    })
}

/// Whether it still runs; one that is dead and only waits to be counted does not.
fn is_alive(pid: Pid) -> bool {
    fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).is_ok_and(|stat| {
        stat.rsplit_once(')')
            .is_some_and(|(_, state)| !state.trim_start().starts_with('Z'))
    })
}

//! PostgreSQL.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use super::process::Process;
use super::{free_port, missing, new_name, program};

/// A PostgreSQL server; its superuser is `cloakroom` and needs no password from 127.0.0.1.
#[derive(Debug)]
pub struct Postgres {
    process: Process,
    port: u16,
}

impl Postgres {
    /// Makes a cluster and starts its server. `settings` are lines of `postgresql.conf`.
    #[must_use]
    pub fn start(settings: &[&str]) -> Self {
        let mut process = Process::new();
        let port = free_port();
        let folder = process.folder().to_owned();
        let data = folder.join("data");
        fs::create_dir(&data).expect("the folder is new");
        give_away(&data);
        let made = as_postgres(&program("initdb", "postgresql"))
            .args([
                "--username=cloakroom",
                "--auth=trust",
                "--encoding=UTF8",
                // It knows which letters are one in upper case, as most databases do.
                "--locale=C.UTF-8",
                "--no-sync",
                "-D",
            ])
            .arg(&data)
            .output()
            .expect("initdb starts");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let mut lines = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\n"
        );
        for line in settings {
            lines += line;
            lines.push('\n');
        }
        let file = data.join("postgresql.auto.conf");
        fs::write(&file, lines).expect("the cluster is ours");
        give_away(&file);
        let server = as_postgres(&program("postgres", "postgresql"));
        let command = [server.get_program()].into_iter().chain(server.get_args());
        let mut command: Vec<_> = command.map(Into::into).collect();
        command.extend([std::ffi::OsString::from("-D"), data.into()]);
        process.set_command(command);
        let mut this = Self { process, port };
        this.restart();
        this
    }

    /// What of it is not installed, and the package to install; none if all is there.
    #[must_use]
    pub fn missing() -> Option<String> {
        missing(&[
            ("initdb", "postgresql"),
            ("postgres", "postgresql"),
            ("psql", "postgresql-client"),
        ])
    }

    /// One for all tests of this process, with PostgreSQL's own defaults.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[]))
    }

    /// Starts the server again after a [`Process::kill`].
    pub fn restart(&mut self) {
        let port = self.port.to_string();
        let ready = program("pg_isready", "postgresql");
        self.process.start(|| {
            Command::new(&ready)
                .args(["-q", "-h", "127.0.0.1", "-p", &port])
                .status()
                .is_ok_and(|status| status.success())
        });
    }

    /// Makes an empty database and says its URL.
    #[must_use]
    pub fn database(&self) -> String {
        let name = new_name();
        self.execute("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// The URL of the database of this name.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!("postgres://cloakroom@127.0.0.1:{}/{name}", self.port)
    }

    /// Has `psql` run one statement in a database and hands back the rows as it prints them.
    pub fn execute(&self, database: &str, sql: &str) -> String {
        let ran = Command::new(program("psql", "postgresql-client"))
            .args([
                "-XqAt",
                "-v",
                "ON_ERROR_STOP=1",
                "-c",
                sql,
                &self.url(database),
            ])
            .output()
            .expect("psql starts");
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
        String::from_utf8_lossy(&ran.stdout).into_owned()
    }

    /// Gives a file, such as a private key, to the user as whom servers run.
    pub fn owns(path: &Path) {
        give_away(path);
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The server's process, to be killed or frozen.
    pub const fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// PostgreSQL refuses to run as root; then it runs as Debian's user for it.
pub(super) fn as_postgres(program: &Path) -> Command {
    if rustix::process::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args([
            "--reuid=postgres",
            "--regid=postgres",
            "--clear-groups",
            "--",
        ]);
        command.arg(program).current_dir("/");
        command
    } else {
        Command::new(program)
    }
}

pub(super) fn give_away(path: &Path) {
    if rustix::process::geteuid().is_root() {
        let given = Command::new("chown")
            .arg("-R")
            .arg("postgres:postgres")
            .arg(path)
            .status();
        assert!(
            given.is_ok_and(|status| status.success()),
            "the user postgres is there"
        );
    }
}

//! MariaDB.

use std::ffi::OsString;
use std::process::Command;
use std::sync::OnceLock;

use super::process::Process;
use super::{free_port, missing, new_name, program};

/// A MariaDB server; its superuser is `cloakroom` with the password `secret`.
#[derive(Debug)]
pub struct MariaDb {
    process: Process,
    port: u16,
}

impl MariaDb {
    /// Makes the system tables and starts the server. `options` go on its command line.
    #[must_use]
    pub fn start(options: &[&str]) -> Self {
        let mut process = Process::new();
        let port = free_port();
        let folder = process.folder().to_owned();
        let data = folder.join("data");
        let grants = folder.join("grants.sql");
        std::fs::write(
            &grants,
            "CREATE OR REPLACE USER cloakroom@'%' IDENTIFIED BY 'secret';\n\
             GRANT ALL PRIVILEGES ON *.* TO cloakroom@'%' WITH GRANT OPTION;\n",
        )
        .expect("the folder is ours");
        let root = rustix::process::geteuid().is_root();
        let as_root: &[&str] = if root { &["--user=root"] } else { &[] };
        let made = Command::new(program("mariadb-install-db", "mariadb-server-core"))
            .args([
                "--no-defaults",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ])
            .args(as_root)
            .arg(with_path("--datadir=", &data))
            // A server that starts clears such a folder of what looks like a server's, another's too.
            .arg(with_path("--tmpdir=", &folder))
            .output()
            .expect("mariadb-install-db starts");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let mut command = vec![
            program("mariadbd", "mariadb-server-core").into(),
            OsString::from("--no-defaults"),
            with_path("--datadir=", &data),
            with_path("--tmpdir=", &folder),
            with_path("--socket=", &folder.join("socket")),
            with_path("--pid-file=", &folder.join("pid")),
            with_path("--init-file=", &grants),
            "--bind-address=127.0.0.1".into(),
            format!("--port={port}").into(),
            "--skip-name-resolve".into(),
            "--innodb-buffer-pool-size=64M".into(),
        ];
        command.extend(as_root.iter().chain(options).map(Into::into));
        process.set_command(command);
        let mut this = Self { process, port };
        this.restart();
        this
    }

    /// What of it is not installed, and the package to install; none if all is there.
    #[must_use]
    pub fn missing() -> Option<String> {
        missing(&[
            ("mariadb-install-db", "mariadb-server-core"),
            ("mariadbd", "mariadb-server-core"),
            ("mariadb", "mariadb-client-core"),
        ])
    }

    /// One for all tests of this process, with MariaDB's own defaults.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<MariaDb> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[]))
    }

    /// Starts the server again after a [`Process::kill`].
    pub fn restart(&mut self) {
        let port = self.port;
        self.process.start(|| {
            client(port, "SELECT 1")
                .output()
                .is_ok_and(|ran| ran.status.success())
        });
    }

    /// Makes an empty database, as Django's documentation asks for (utf8mb4), and says its URL.
    #[must_use]
    pub fn database(&self) -> String {
        let name = new_name();
        self.execute(&format!("CREATE DATABASE {name} CHARACTER SET utf8mb4"));
        self.url(&name)
    }

    /// The URL of the database of this name.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!("mysql://cloakroom:secret@127.0.0.1:{}/{name}", self.port)
    }

    /// Has the client run statements and hands back the rows as it prints them.
    pub fn execute(&self, sql: &str) -> String {
        let ran = client(self.port, sql).output().expect("mariadb starts");
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
        String::from_utf8_lossy(&ran.stdout).into_owned()
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

fn client(port: u16, sql: &str) -> Command {
    let mut command = Command::new(program("mariadb", "mariadb-client-core"));
    command
        .args([
            "--no-defaults",
            "--protocol=tcp",
            "-h",
            "127.0.0.1",
            "-u",
            "cloakroom",
            "-psecret",
            "-N",
            "-B",
        ])
        .args(["-P", &port.to_string(), "-e", sql]);
    command
}

fn with_path(option: &str, path: &std::path::Path) -> OsString {
    let mut argument = OsString::from(option);
    argument.push(path);
    argument
}

//! PgBouncer in front of a PostgreSQL server.

use std::ffi::OsString;
use std::fs;

use super::postgres::{as_postgres, give_away};
use super::process::Process;
use super::{Postgres, free_port, program};

/// A PgBouncer in front of all databases of one server.
#[derive(Debug)]
pub struct PgBouncer {
    process: Process,
    port: u16,
}

impl PgBouncer {
    /// Starts it. `settings` are lines of its configuration, such as `pool_mode = transaction`.
    #[must_use]
    pub fn start(server: &Postgres, settings: &[&str]) -> Self {
        let mut process = Process::new();
        let port = free_port();
        let folder = process.folder().join("pgbouncer");
        fs::create_dir(&folder).expect("the folder is new");
        let file = folder.join("pgbouncer.ini");
        // Whoever connects is the server's superuser there, as without PgBouncer.
        let text = format!(
            "[databases]\n* = user=cloakroom host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = any\n{}\n",
            server.port(),
            settings.join("\n")
        );
        fs::write(&file, text).expect("the folder is ours");
        give_away(&folder);
        let bouncer = as_postgres(&program("pgbouncer", "pgbouncer"));
        let command = [bouncer.get_program()]
            .into_iter()
            .chain(bouncer.get_args());
        let mut command: Vec<OsString> = command.map(Into::into).collect();
        command.push(file.into());
        process.set_command(command);
        let mut this = Self { process, port };
        let ready = program("pg_isready", "postgresql-client");
        this.process.start(|| {
            std::process::Command::new(&ready)
                .args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()])
                .status()
                .is_ok_and(|status| status.success())
        });
        this
    }

    /// The URL of the server's database of this name, through PgBouncer.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!("postgres://cloakroom@127.0.0.1:{}/{name}", self.port)
    }
}

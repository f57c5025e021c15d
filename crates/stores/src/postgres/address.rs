//! Where a database is: its URL, read once.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use cloakroom_core::session::StoreError;
use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls::{self, Trust};

/// A server's address and how to sign in there.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
    /// The database and its server in words, without user and password.
    pub(super) name: String,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Address({})", self.name)
    }
}

impl Address {
    /// Reads a URL as libpq does, which Django hands it to. `patience` bounds each attempt to reach a host.
    pub(super) fn parse(url: &str, patience: Duration) -> Result<Self, StoreError> {
        let (scheme, rest) = url.split_once("://").ok_or_else(no_url)?;
        if !SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) {
            return Err(no_url());
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut security = Security::default();
        let mut others = String::new();
        for option in query.split('&').filter(|option| !option.is_empty()) {
            if !security.take(option)? {
                others.push(if others.is_empty() { '?' } else { '&' });
                others.push_str(option);
            }
        }
        let mut config =
            Config::from_str(&format!("postgres://{rest}{others}")).map_err(|_| no_url())?;
        // A port among the options would be one more than there are hosts, if a host has its own before.
        let ports = config.get_ports().len();
        if ports > 1 && ports != config.get_hosts().len().max(config.get_hostaddrs().len()) {
            return Err(no_url());
        }
        let trust = security.trust()?;
        config.ssl_mode(match security.mode {
            Mode::Disable => SslMode::Disable,
            Mode::Prefer => SslMode::Prefer,
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
        });
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            if Path::new(SOCKETS).is_dir() {
                config.host_path(SOCKETS);
            } else {
                config.host("localhost");
            }
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(patience);
        }
        if config.get_application_name().is_none() {
            config.application_name("cloakroom");
        }
        Ok(Self {
            name: name(&config),
            tls: tls::connector(
                trust,
                security.certificate.as_deref().zip(security.key.as_deref()),
            )?,
            config,
        })
    }
}

/// The options of a URL that say how far the connection is trusted, by libpq's names.
#[derive(Debug, Default)]
struct Security {
    mode: Mode,
    roots: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    Disable,
    #[default]
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl Security {
    /// True if the option was one of these.
    fn take(&mut self, option: &str) -> Result<bool, StoreError> {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let value = percent_decode_str(value)
            .decode_utf8()
            .map_err(|_| no_url())?
            .into_owned();
        match name {
            "sslmode" => {
                self.mode = match value.as_str() {
                    "disable" => Mode::Disable,
                    // Unlike libpq we never begin without encryption where it is allowed.
                    "allow" | "prefer" => Mode::Prefer,
                    "require" => Mode::Require,
                    "verify-ca" => Mode::VerifyCa,
                    "verify-full" => Mode::VerifyFull,
                    _ => {
                        return Err(StoreError::new(
                            "sslmode in the database's URL should be disable, allow, prefer, require, verify-ca or \
                             verify-full",
                        ));
                    }
                }
            }
            "sslrootcert" => self.roots = Some(value),
            "sslcert" => self.certificate = Some(value),
            "sslkey" => self.key = Some(value),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What must hold of the server's certificate.
    fn trust(&self) -> Result<Trust<'_>, StoreError> {
        let roots = self.roots.as_deref().filter(|roots| *roots != "system");
        Ok(match (self.mode, roots) {
            (Mode::VerifyFull, roots) => Trust::Host(roots),
            (Mode::VerifyCa, roots) => Trust::Chain(roots),
            // As in libpq: whoever names a root certificate wants it to be looked at.
            (Mode::Require, Some(roots)) => Trust::Chain(Some(roots)),
            _ => Trust::Anyone,
        })
    }
}

/// Django's own name, PostgreSQL's two, and the one of dj-database-url.
const SCHEMES: [&str; 3] = ["postgres", "postgresql", "pgsql"];

/// Where Debian's servers have their sockets; libpq looks there too if no host is named.
const SOCKETS: &str = "/var/run/postgresql";

fn name(config: &Config) -> String {
    let database = config
        .get_dbname()
        .or_else(|| config.get_user())
        .unwrap_or("?");
    let ports = config.get_ports();
    let hosts = config.get_hosts().iter().enumerate();
    let hosts: Vec<String> = hosts
        .map(|(place, host)| {
            let port = ports.get(place).or_else(|| ports.first()).unwrap_or(&5432);
            match host {
                Host::Tcp(host) => format!("{host}:{port}"),
                #[cfg(unix)]
                Host::Unix(folder) => format!("{} (port {port})", folder.display()),
            }
        })
        .collect();
    format!("{database} at {}", hosts.join(", "))
}

/// Shows nothing of the URL, which may hold a password.
fn no_url() -> StoreError {
    StoreError::new(
        "the database's URL is none of PostgreSQL's; write postgres://USER:PASSWORD@HOST:PORT/DATABASE, with options of \
         libpq such as ?sslmode=verify-full after it and %40 for an @ in the password",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address, StoreError> {
        Address::parse(url, Duration::from_secs(1))
    }

    #[test]
    fn the_forms_that_django_s_users_write() {
        for (url, name) in [
            (
                "postgres://u:p@db.example:5433/site",
                "site at db.example:5433",
            ),
            ("postgresql://u@127.0.0.1/site", "site at 127.0.0.1:5432"),
            (
                "PGSQL://u:p%40%2F@[::1]/site?sslmode=disable",
                "site at ::1:5432",
            ),
            (
                "postgres://u@%2Frun%2Fpg:6000/site?sslmode=require&application_name=x",
                "site at /run/pg (port 6000)",
            ),
            (
                "postgres:///site?user=u&host=/run/pg&port=6000",
                "site at /run/pg (port 6000)",
            ),
            (
                "postgres://u@a:1,b:2/site?target_session_attrs=read-write",
                "site at a:1, b:2",
            ),
        ] {
            assert_eq!(parse(url).unwrap().name, name, "{url}");
        }
    }

    #[test]
    fn a_refused_url_is_not_repeated() {
        for url in [
            "",
            "mysql://u:hunter2@h/d",
            "postgres:hunter2",
            "postgres://u:hunter2@h:port/d",
            "postgres://u:hunter2@h/d?sslmode=hunter2",
            "postgres://u:hunter2@h/d?hunter2=1",
            "postgres://u:hunter2@h/d?port=6000",
            "postgres://u:hunter2@h/d?sslmode=%ff",
            "postgres://u:hunter2@h/d?sslrootcert=/nowhere&sslmode=verify-ca",
        ] {
            let error = parse(url).unwrap_err();
            assert!(
                !format!("{error} {error:?}").contains("hunter2"),
                "{error:?}"
            );
        }
        let address = parse("postgres://u:hunter2@h/d").unwrap();
        assert!(!format!("{address:?}").contains("hunter2"));
    }

    #[test]
    fn how_far_a_connection_is_trusted_follows_from_its_options() {
        for (options, mode, trust) in [
            ("", Mode::Prefer, Trust::Anyone),
            ("sslmode=allow", Mode::Prefer, Trust::Anyone),
            ("sslmode=disable", Mode::Disable, Trust::Anyone),
            ("sslmode=require", Mode::Require, Trust::Anyone),
            (
                "sslmode=require&sslrootcert=ca",
                Mode::Require,
                Trust::Chain(Some("ca")),
            ),
            ("sslmode=verify-ca", Mode::VerifyCa, Trust::Chain(None)),
            (
                "sslmode=verify-full&sslrootcert=system",
                Mode::VerifyFull,
                Trust::Host(None),
            ),
            (
                "sslmode=verify-full&sslrootcert=c%20a",
                Mode::VerifyFull,
                Trust::Host(Some("c a")),
            ),
        ] {
            let mut security = Security::default();
            for option in options.split('&').filter(|option| !option.is_empty()) {
                assert!(security.take(option).unwrap(), "{option}");
            }
            assert_eq!(security.mode, mode, "{options}");
            assert_eq!(security.trust().unwrap(), trust, "{options}");
        }
    }
}

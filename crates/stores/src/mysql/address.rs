//! A database's URL, and the name that may be shown of it.

use std::path::PathBuf;

use cloakroom_core::session::StoreError;
use mysql_async::{OptsBuilder, SslOpts};
use percent_encoding::percent_decode_str;
use url::Url;

/// Where a database is and who asks it.
#[derive(Clone)]
pub(super) struct Address {
    options: OptsBuilder,
    name: String,
}

impl Address {
    /// Reads a URL in the form that `MySqlStore::open` describes.
    pub(super) fn parse(text: &str) -> Result<Self, StoreError> {
        let url = Url::parse(text).map_err(|_| no_url())?;
        if !matches!(url.scheme(), "mysql" | "mariadb") {
            return Err(no_url());
        }
        let database = decoded(url.path().strip_prefix('/').unwrap_or_default())?;
        if database.is_empty() || database.contains('/') {
            return Err(no_url());
        }
        let host = decoded(url.host_str().unwrap_or_default())?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let port = url.port().unwrap_or(PORT);
        let mut socket = host.starts_with('/').then(|| host.clone());
        let mut tls = Tls::default();
        for (name, value) in url.query_pairs() {
            match &*name {
                "unix_socket" | "socket" => socket = Some(value.into_owned()),
                "ssl-mode" | "ssl_mode" => tls.mode = Some(value.to_ascii_uppercase()),
                "ssl-ca" | "ssl_ca" => tls.ca = Some(PathBuf::from(value.into_owned())),
                _ => return Err(unknown_option()),
            }
        }
        if host.is_empty() && socket.is_none() {
            return Err(no_url());
        }
        let name = match &socket {
            Some(path) => format!("mysql:{path}:{database}"),
            None if host.contains(':') => format!("mysql://[{host}]:{port}/{database}"),
            None => format!("mysql://{host}:{port}/{database}"),
        };
        let options = OptsBuilder::default()
            .user(Some(decoded(url.username())?).filter(|user| !user.is_empty()))
            .pass(url.password().map(decoded).transpose()?)
            .db_name(Some(database))
            .ip_or_hostname(if socket.is_some() { "localhost" } else { &host })
            .tcp_port(port)
            .socket(socket)
            .ssl_opts(tls.options()?);
        Ok(Self { options, name })
    }

    /// The URL without user and password.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What the driver needs to know of it.
    pub(super) fn options(&self) -> OptsBuilder {
        self.options.clone()
    }
}

/// How the connection is encrypted, in the words of MySQL's own clients.
#[derive(Default)]
struct Tls {
    mode: Option<String>,
    ca: Option<PathBuf>,
}

impl Tls {
    fn options(self) -> Result<Option<SslOpts>, StoreError> {
        let options = SslOpts::default();
        let options = match self.mode.as_deref() {
            Some("DISABLED") => return Ok(None),
            None if self.ca.is_none() => return Ok(None),
            Some("REQUIRED") => options.with_danger_accept_invalid_certs(true),
            Some("VERIFY_IDENTITY") | None => options,
            // Not VERIFY_CA: the driver refuses another host's certificate whatever it is told.
            Some(_) => return Err(unknown_option()),
        };
        // The driver asks rustls for the process's provider, which panics if two are built in and none is chosen.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        Ok(Some(match self.ca {
            Some(file) => options
                .with_disable_built_in_roots(true)
                .with_root_certs(vec![file.into()]),
            None => options,
        }))
    }
}

fn decoded(text: &str) -> Result<String, StoreError> {
    let text = percent_decode_str(text).decode_utf8();
    text.map(Into::into).map_err(|_| no_url())
}

fn no_url() -> StoreError {
    StoreError::new(
        "the database's URL is none; write mysql://USER:PASSWORD@HOST:PORT/DATABASE, and percent-encode what is \
         not a letter or a digit in user, password and database",
    )
}

fn unknown_option() -> StoreError {
    StoreError::new(
        "the database's URL has an option that is not known; there are unix_socket=PATH, ssl-ca=FILE and ssl-mode= \
         with DISABLED, REQUIRED or VERIFY_IDENTITY",
    )
}

const PORT: u16 = 3306;

#[cfg(test)]
mod tests {
    use mysql_async::Opts;

    use super::*;

    #[test]
    fn the_forms_that_django_s_users_write() {
        let rows = [
            ("mysql://u:p@db/site", "mysql://db:3306/site", "db", None),
            (
                "mariadb://u:p@db:3307/site",
                "mysql://db:3307/site",
                "db",
                None,
            ),
            (
                "mysql://u:p@[::1]/site",
                "mysql://[::1]:3306/site",
                "::1",
                None,
            ),
            (
                "mysql://u:p@%2Frun%2Fmysql.sock/site",
                "mysql:/run/mysql.sock:site",
                "localhost",
                Some("/run/mysql.sock"),
            ),
            (
                "mysql://u:p@localhost/site?unix_socket=/run/my.sock",
                "mysql:/run/my.sock:site",
                "localhost",
                Some("/run/my.sock"),
            ),
        ];
        for (url, name, host, socket) in rows {
            let address = Address::parse(url).unwrap();
            assert_eq!(address.name(), name, "{url}");
            let options = Opts::from(address.options());
            assert_eq!(options.ip_or_hostname(), host, "{url}");
            assert_eq!(options.socket(), socket, "{url}");
            assert_eq!((options.user(), options.pass()), (Some("u"), Some("p")));
            assert_eq!(options.db_name(), Some("site"));
        }
    }

    #[test]
    fn what_is_percent_encoded_is_decoded() {
        let address = Address::parse("mysql://u%40x:p%2F%3A%25@h/my%20site").unwrap();
        let options = Opts::from(address.options());
        assert_eq!(
            (options.user(), options.pass()),
            (Some("u@x"), Some("p/:%"))
        );
        assert_eq!(options.db_name(), Some("my site"));
    }

    #[test]
    fn tls_is_as_strict_as_the_url_says() {
        let rows = [
            ("", None),
            ("?ssl-mode=DISABLED&ssl-ca=/ca", None),
            ("?ssl-mode=required", Some((true, false))),
            ("?ssl-mode=VERIFY_IDENTITY", Some((false, false))),
            ("?ssl_ca=/ca", Some((false, true))),
        ];
        for (query, expected) in rows {
            let address = Address::parse(&format!("mysql://u:p@h/site{query}")).unwrap();
            let options = Opts::from(address.options());
            let found = options.ssl_opts().map(|tls| {
                assert!(!tls.skip_domain_validation());
                (tls.accept_invalid_certs(), tls.disable_built_in_roots())
            });
            assert_eq!(found, expected, "{query}");
        }
    }

    #[test]
    fn what_is_refused_is_not_repeated() {
        for url in [
            "",
            "hunter2",
            "postgres://u:hunter2@h/site",
            "mysql://u:hunter2@h",
            "mysql://u:hunter2@h/",
            "mysql://u:hunter2@/site",
            "mysql://u:hunter2@h/a/b",
            "mysql://u:hunter2%ff@h/site",
            "mysql://u:hunter2@h:port/site",
            "mysql://u@h/site?password=hunter2",
            "mysql://u@h/site?ssl-mode=hunter2",
            "mysql://u:hunter2@h/site?ssl-mode=VERIFY_CA",
        ] {
            let Err(error) = Address::parse(url) else {
                panic!("{url}");
            };
            assert!(!format!("{error:?}").contains("hunter2"), "{url}");
        }
    }
}

//! `DATABASE_URL`: which database, in the forms that Django's users write.

use std::fmt;
use std::path::{Path, PathBuf};

/// A database's address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DatabaseUrl {
    /// The file of an SQLite database; a relative path is relative to the working folder.
    Sqlite(PathBuf),
    /// A PostgreSQL server's database.
    Postgres(NetworkUrl),
    /// The database of a MySQL or MariaDB server.
    MySql(NetworkUrl),
}

/// A server's address as it was given. It may hold a password, so it shows nothing of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct NetworkUrl(String);

impl NetworkUrl {
    /// `text` with the scheme that its driver knows.
    pub(crate) fn new(scheme: &str, rest: &str) -> Self {
        Self(format!("{scheme}:{rest}"))
    }

    /// The whole URL, with its password.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for NetworkUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("NetworkUrl(..)")
    }
}

impl DatabaseUrl {
    /// The file that is used when none is named.
    pub const DEFAULT_FILE: &str = "cloakroom.sqlite3";

    /// Reads a URL.
    ///
    /// | form | database |
    /// |---|---|
    /// | `sqlite:PATH` | the file `PATH`, as it stands |
    /// | `sqlite:///PATH` | `PATH`, relative: after dj-database-url, the third slash belongs to the URL |
    /// | `sqlite:////PATH` | `/PATH` |
    /// | `sqlite://PATH` | `PATH`, relative |
    /// | `postgres://…`, `postgresql://…`, `pgsql://…` | PostgreSQL |
    /// | `mysql://…`, `mariadb://…` | MySQL or MariaDB |
    ///
    /// In SQLite's forms with two slashes and more, `%20` is a space, as in every URL.
    ///
    /// # Errors
    /// It is no such URL. The message shows nothing of it, as it may hold a password.
    pub fn parse(text: &str) -> Result<Self, DatabaseUrlError> {
        let (scheme, rest) = text.split_once(':').ok_or(DatabaseUrlError::NoUrl)?;
        match scheme.to_ascii_lowercase().as_str() {
            "sqlite" => sqlite_file(rest).map(Self::Sqlite),
            "postgres" | "postgresql" | "pgsql" => {
                Ok(Self::Postgres(NetworkUrl::new("postgres", rest)))
            }
            "mysql" | "mariadb" => Ok(Self::MySql(NetworkUrl::new("mysql", rest))),
            _ => Err(DatabaseUrlError::NoUrl),
        }
    }

    /// True for the file that is used when none is named, under whatever spelling.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.file().is_some_and(|path| {
            let default = Path::new(Self::DEFAULT_FILE);
            path.components().eq(default.components())
                || path
                    .components()
                    .eq(Path::new(".").join(default).components())
        })
    }

    /// The database's file, if it is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) | Self::MySql(_) => None,
        }
    }
}

/// The file, or what kind of server it is: enough for a message, and no password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(formatter),
            Self::Postgres(_) => formatter.write_str("PostgreSQL"),
            Self::MySql(_) => formatter.write_str("MySQL"),
        }
    }
}

fn sqlite_file(rest: &str) -> Result<PathBuf, DatabaseUrlError> {
    let path = match rest.strip_prefix("//") {
        None => rest.to_owned(),
        Some(path) => {
            let path = path.strip_prefix('/').unwrap_or(path);
            if path.contains('?') {
                return Err(DatabaseUrlError::Options);
            }
            percent_decoded(path).ok_or(DatabaseUrlError::NoUrl)?
        }
    };
    match path.as_str() {
        "" | ":memory:" => Err(DatabaseUrlError::Memory),
        _ if path.contains('\0') => Err(DatabaseUrlError::NoUrl),
        _ => Ok(path.into()),
    }
}

impl Default for DatabaseUrl {
    fn default() -> Self {
        Self::Sqlite(Self::DEFAULT_FILE.into())
    }
}

/// Why a database's URL is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DatabaseUrlError {
    /// It has none of the forms.
    NoUrl,
    /// It names no file.
    Memory,
    /// It goes on after a question mark.
    Options,
}

impl fmt::Display for DatabaseUrlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoUrl => formatter.write_str(
                "the database's URL is none; write sqlite:PATH (sqlite:////PATH from the root), postgres://… or mysql://…",
            ),
            Self::Memory => formatter.write_str(
                "the database's URL names no file; what is kept in memory is gone with the process: write sqlite:PATH",
            ),
            Self::Options => formatter.write_str(
                "the database's URL has options after a question mark, and SQLite's has none; \
                 a question mark in a file's name is written %3F",
            ),
        }
    }
}

impl std::error::Error for DatabaseUrlError {}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            u8::try_from(digit()? * 16 + digit()?).ok()?
        } else {
            byte
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_that_djangos_users_write() {
        for (url, file) in [
            ("sqlite:site.db", "site.db"),
            ("sqlite:/var/lib/site.db", "/var/lib/site.db"),
            ("sqlite:odd%20name?", "odd%20name?"),
            ("sqlite:///site.db", "site.db"),
            ("sqlite:////var/lib/site.db", "/var/lib/site.db"),
            ("sqlite://site.db", "site.db"),
            ("SQLite:///a%20b", "a b"),
        ] {
            assert_eq!(
                DatabaseUrl::parse(url).unwrap().file(),
                Some(Path::new(file)),
                "{url}"
            );
        }
    }

    /// S11.
    #[test]
    fn what_is_refused_is_not_repeated() {
        for (url, error) in [
            ("", DatabaseUrlError::NoUrl),
            ("site.db", DatabaseUrlError::NoUrl),
            ("oracle://u:hunter2@h/d", DatabaseUrlError::NoUrl),
            ("sqlite:", DatabaseUrlError::Memory),
            ("sqlite://", DatabaseUrlError::Memory),
            ("sqlite::memory:", DatabaseUrlError::Memory),
            ("sqlite://:memory:", DatabaseUrlError::Memory),
            ("sqlite:///site.db?mode=hunter2", DatabaseUrlError::Options),
            ("sqlite:///%zz", DatabaseUrlError::NoUrl),
            ("sqlite:///a%00b", DatabaseUrlError::NoUrl),
            ("rediss://:hunter2@h", DatabaseUrlError::NoUrl),
        ] {
            assert_eq!(DatabaseUrl::parse(url), Err(error), "{url}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn the_schemes_of_a_server_are_those_that_django_s_users_write() {
        for scheme in ["postgres", "postgresql", "pgsql", "POSTGRES"] {
            let url = DatabaseUrl::parse(&format!("{scheme}://u:hunter2@h/d")).unwrap();
            assert_eq!(
                url,
                DatabaseUrl::Postgres(NetworkUrl::new("postgres", "//u:hunter2@h/d"))
            );
            assert!(!format!("{url:?}").contains("hunter2"));
        }
        for scheme in ["mysql", "mariadb"] {
            let url = DatabaseUrl::parse(&format!("{scheme}://u:hunter2@h/d")).unwrap();
            let DatabaseUrl::MySql(given) = &url else {
                panic!("{url:?}")
            };
            assert_eq!(given.as_str(), "mysql://u:hunter2@h/d");
            assert!(url.file().is_none() && !url.is_default());
        }
    }

    #[test]
    fn the_default_is_known_under_each_of_its_spellings() {
        for url in [
            "sqlite:cloakroom.sqlite3",
            "sqlite:./cloakroom.sqlite3",
            "sqlite:///cloakroom.sqlite3",
        ] {
            assert!(DatabaseUrl::parse(url).unwrap().is_default(), "{url}");
        }
        for url in [
            "sqlite:/cloakroom.sqlite3",
            "sqlite:../cloakroom.sqlite3",
            "sqlite:a/cloakroom.sqlite3",
        ] {
            assert!(!DatabaseUrl::parse(url).unwrap().is_default(), "{url}");
        }
    }
}

//! `DATABASE_URL`: which database, in the forms that Django's users write.

use std::fmt;
use std::path::{Path, PathBuf};

/// A database's address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DatabaseUrl {
    /// The file of an SQLite database; a relative path is relative to the working folder.
    Sqlite(PathBuf),
}

impl DatabaseUrl {
    /// The file that is used when none is named.
    pub const DEFAULT_FILE: &str = "cloakroom.sqlite3";

    /// Reads a URL.
    ///
    /// | form | file |
    /// |---|---|
    /// | `sqlite:PATH` | `PATH`, as it stands |
    /// | `sqlite:///PATH` | `PATH`, relative: after dj-database-url, the third slash belongs to the URL |
    /// | `sqlite:////PATH` | `/PATH` |
    /// | `sqlite://PATH` | `PATH`, relative |
    ///
    /// In the forms with two slashes and more, `%20` is a space, as in every URL.
    ///
    /// # Errors
    /// It is no such URL, or one of a database that is not built in. The message shows nothing of the URL,
    /// which may hold a password.
    pub fn parse(text: &str) -> Result<Self, DatabaseUrlError> {
        let (scheme, rest) = text.split_once(':').ok_or(DatabaseUrlError::NoUrl)?;
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "sqlite" {
            let known = NOT_BUILT_IN.iter().find(|known| **known == scheme);
            return Err(known.map_or(DatabaseUrlError::NoUrl, |known| {
                DatabaseUrlError::NotBuiltIn(known)
            }));
        }
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
            _ => Ok(Self::Sqlite(path.into())),
        }
    }

    /// True for the file that is used when none is named, under whatever spelling.
    #[must_use]
    pub fn is_default(&self) -> bool {
        let Self::Sqlite(path) = self;
        path.components()
            .eq(Path::new(Self::DEFAULT_FILE).components())
            || path
                .components()
                .eq(Path::new(".").join(Self::DEFAULT_FILE).components())
    }

    /// The database's file.
    #[must_use]
    pub fn file(&self) -> &Path {
        let Self::Sqlite(path) = self;
        path
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
    /// It names a kind of database that this build does not have.
    NotBuiltIn(&'static str),
    /// It names no file.
    Memory,
    /// It goes on after a question mark.
    Options,
}

impl fmt::Display for DatabaseUrlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoUrl => formatter.write_str(
                "the database's URL is none; write sqlite:PATH, or sqlite:////PATH from the root",
            ),
            Self::NotBuiltIn(scheme) => write!(
                formatter,
                "databases of the kind {scheme}: are not built in yet; use sqlite:PATH"
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

const NOT_BUILT_IN: [&str; 11] = [
    "postgres",
    "postgresql",
    "pgsql",
    "mysql",
    "mariadb",
    "redis",
    "rediss",
    "valkey",
    "file",
    "cookie",
    "memory",
];

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
                Path::new(file),
                "{url}"
            );
        }
    }

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
            (
                "postgres://u:hunter2@h/d",
                DatabaseUrlError::NotBuiltIn("postgres"),
            ),
            (
                "rediss://:hunter2@h",
                DatabaseUrlError::NotBuiltIn("rediss"),
            ),
        ] {
            assert_eq!(DatabaseUrl::parse(url), Err(error), "{url}");
            assert!(!error.to_string().contains("hunter2"));
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

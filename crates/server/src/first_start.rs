//! What `serve` may make by itself, and when it refuses to start rather than guess.
//!
//! A wrong working folder or a mistyped URL must not end in a new, empty site under a new key: users would
//! be gone and sessions invalid, without any error. So things are made only where nothing can be lost: for the
//! default database, on a loopback address, and a key only while nobody has an account or a session.

mod key_file;

use std::fmt;
use std::path::{Path, PathBuf};

pub use self::key_file::{KeyFileError, make_key_file, read_key_file};

/// The state of things before the start.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the caller looks at each of these"
)]
pub struct Situation {
    /// The database's file.
    pub file: PathBuf,
    /// True if it is the file that is used when none is named.
    pub is_default: bool,
    /// True if only this machine can connect to the address we listen at.
    pub loopback: bool,
    /// What is in the database.
    pub database: Database,
    /// Where the secret key comes from.
    pub key: Key,
}

/// What is in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every case")]
pub enum Database {
    /// There is no file.
    Missing,
    /// There are neither users nor sessions.
    Unused,
    /// There are users or sessions.
    Used,
}

/// Where the secret key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers must handle every case")]
pub enum Key {
    /// From the settings, or from the file that an earlier start made beside the database.
    Given,
    /// From nowhere.
    Missing,
}

impl Situation {
    /// Whether the server may start, and make the database and the key if they are missing.
    ///
    /// # Errors
    /// Something is missing that must not be made here; the message says what to do.
    pub fn check(&self) -> Result<(), Refusal> {
        let refuse = |why| {
            Err(Refusal {
                why,
                file: self.file.clone(),
            })
        };
        let may_make = self.is_default && self.loopback;
        if self.database == Database::Missing && !may_make {
            return refuse(Why::NoDatabase {
                from_the_root: self.is_there_from_the_root(),
            });
        }
        if self.key == Key::Missing {
            if self.database == Database::Used {
                return refuse(Why::UsersButNoKey);
            }
            if !may_make {
                return refuse(Why::NoKey);
            }
        }
        Ok(())
    }

    /// Who writes `sqlite:///var/lib/site.db` probably means the root.
    fn is_there_from_the_root(&self) -> bool {
        self.file.is_relative() && Path::new("/").join(&self.file).exists()
    }
}

/// Why the server does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    why: Why,
    file: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    NoDatabase { from_the_root: bool },
    UsersButNoKey,
    NoKey,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Absolute, since a wrong working folder is what this is most often about.
        let file = std::path::absolute(&self.file);
        let file = file.as_deref().unwrap_or(&self.file).display();
        match self.why {
            Why::NoDatabase { from_the_root } => {
                write!(
                    formatter,
                    "there is no database {file}; is this the right folder and URL? `cloakroom migrate` with the \
                     same --database makes a new one"
                )?;
                if from_the_root {
                    write!(
                        formatter,
                        ". A path from the root has four slashes: sqlite:////…"
                    )?;
                }
                Ok(())
            }
            Why::UsersButNoKey => write!(
                formatter,
                "the database {file} has users or sessions, and no secret key is given; a new key would sign \
                 everybody out. Give the site's key in SECRET_KEY_FILE or SECRET_KEY"
            ),
            Why::NoKey => write!(
                formatter,
                "no secret key is given for the database {file}; make one with `openssl rand -base64 48 > FILE` \
                 and name the file in SECRET_KEY_FILE, or give the Django site's key in SECRET_KEY"
            ),
        }
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    fn situation(is_default: bool, loopback: bool, database: Database, key: Key) -> Situation {
        Situation {
            file: "site.db".into(),
            is_default,
            loopback,
            database,
            key,
        }
    }

    #[test]
    fn things_are_made_only_for_the_default_database_on_loopback() {
        for database in [Database::Missing, Database::Unused, Database::Used] {
            for key in [Key::Given, Key::Missing] {
                for (is_default, loopback) in [(true, false), (false, true), (false, false)] {
                    let start = situation(is_default, loopback, database, key).check();
                    let complete = database != Database::Missing && key == Key::Given;
                    assert_eq!(start.is_ok(), complete, "{database:?} {key:?}");
                }
            }
        }
    }

    #[test]
    fn there_only_users_without_a_key_are_refused() {
        for database in [Database::Missing, Database::Unused, Database::Used] {
            for key in [Key::Given, Key::Missing] {
                let start = situation(true, true, database, key).check();
                let lost = (database, key) == (Database::Used, Key::Missing);
                assert_eq!(start.is_err(), lost, "{database:?} {key:?}");
            }
        }
    }

    #[test]
    fn a_refusal_names_the_whole_path_and_the_way_out() {
        let folder = std::env::current_dir().unwrap();
        for (database, key, hint) in [
            (Database::Missing, Key::Given, "cloakroom migrate"),
            (Database::Used, Key::Missing, "SECRET_KEY_FILE"),
            (Database::Unused, Key::Missing, "openssl rand"),
        ] {
            let refusal = situation(false, true, database, key)
                .check()
                .unwrap_err()
                .to_string();
            assert!(refusal.contains(hint), "{refusal}");
            assert!(
                refusal.contains(folder.join("site.db").to_str().unwrap()),
                "{refusal}"
            );
        }
    }
}

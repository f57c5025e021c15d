//! Opening a database file, and what its errors mean.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cloakroom_core::session::StoreError;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::worker::Fault;

/// One connection to the database, opened when it is first needed and again after it broke.
#[derive(Debug)]
pub(super) struct Link {
    path: PathBuf,
    access: Access,
    mmap_size: i64,
    connection: Option<Connection>,
}

/// What a connection may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

impl Link {
    pub(super) fn new(path: &Path, access: Access, mmap_size: u64) -> Self {
        Self {
            path: path.to_owned(),
            access,
            mmap_size: i64::try_from(mmap_size).unwrap_or(i64::MAX),
            connection: None,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The connection, waiting at most `patience` for anyone else's lock.
    pub(super) fn connection(&mut self, patience: Duration) -> rusqlite::Result<&Connection> {
        // An option without the value it is about to get would need a second look-up below.
        let connection = match self.connection.take() {
            Some(connection) => {
                connection.busy_timeout(patience)?;
                connection
            }
            None => open(&self.path, self.access, self.mmap_size, patience)?,
        };
        Ok(self.connection.insert(connection))
    }

    pub(super) fn close_if_broken(&mut self, error: &rusqlite::Error) {
        if is_broken(error) {
            self.close();
        }
    }

    /// Forgets the connection; the next use opens another.
    pub(super) fn close(&mut self) {
        self.connection = None;
    }
}

fn open(
    path: &Path,
    access: Access,
    mmap_size: i64,
    patience: Duration,
) -> rusqlite::Result<Connection> {
    // Never CREATE: a mistyped path must not become a new, empty site. Readers too are opened for writing,
    // because whoever comes first after a crash has to roll the journal back; `query_only` keeps them
    // from anything else. NO_MUTEX: each connection is used by one thread at a time.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(patience)?;
    connection.set_prepared_statement_cache_capacity(32);
    connection.pragma_update(None, "mmap_size", mmap_size)?;
    match access {
        Access::Read => connection.pragma_update(None, "query_only", true)?,
        Access::Write => {
            // FULL: what was acknowledged outlives a power cut, in either journal mode.
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "foreign_keys", true)?;
        }
    }
    Ok(connection)
}

/// True if someone else holds a lock, so that waiting may help.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::FileLockingProtocolFailed
        )
    )
}

/// True if the connection's next use would only meet this error again, though its cause may be over: the
/// file was replaced or its rights were changed, its disk failed and came back.
pub(super) fn is_broken(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::CannotOpen
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
        )
    )
}

/// The time left until `end`.
pub(super) fn left_until(end: Instant) -> Duration {
    end.saturating_duration_since(Instant::now())
}

/// Says what failed in the database at `path`, and what to do about it.
pub(super) fn explain_fault(path: &Path, fault: &Fault) -> StoreError {
    match fault {
        Fault::Sqlite(error) => explain(path, error),
        Fault::Panicked => StoreError::new("a call on the database panicked"),
    }
}

/// A column that may not be null was given no value.
fn is_missing(error: &rusqlite::Error) -> bool {
    error
        .sqlite_error()
        .is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_NOTNULL)
}

/// Says what failed in the database at `path`, and what to do about it. The driver's words become the
/// source, as text: one failed commit is the error of many calls.
pub(super) fn explain(path: &Path, error: &rusqlite::Error) -> StoreError {
    let path = path.display();
    let message = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => format!(
            "the database {path} stayed locked by another connection until the deadline; \
             end the program that holds its lock"
        ),
        Some(ErrorCode::CannotOpen) => format!(
            "the database {path} cannot be opened; check the path and that its folder is writable, or make it \
             with `cloakroom migrate --database sqlite:{path}`"
        ),
        Some(ErrorCode::NotADatabase) => format!(
            "the file {path} is not an SQLite database; name another with `--database sqlite:PATH`"
        ),
        Some(ErrorCode::DatabaseCorrupt) => format!(
            "the database {path} is damaged; restore it from a backup (`PRAGMA integrity_check` says what is wrong)"
        ),
        Some(ErrorCode::ReadOnly) => format!(
            "the database {path} is read-only; give this user write access to the file and its folder"
        ),
        Some(ErrorCode::DiskFull) => {
            format!("the database {path} cannot grow, the disk is full; free some space")
        }
        Some(ErrorCode::SystemIoFailure) => {
            format!("the disk under the database {path} fails to read or write")
        }
        Some(ErrorCode::ConstraintViolation) if is_missing(error) => format!(
            "the database {path} has a column that every new row must fill; name it among the table's extra columns"
        ),
        _ => {
            let text = error.to_string();
            if ["no such table", "no such column", "has no column named"]
                .iter()
                .any(|complaint| text.contains(complaint))
            {
                format!(
                    "the database {path} lacks a table or a column; run `cloakroom migrate --database sqlite:{path}`, \
                     or `manage.py migrate` if the database is Django's"
                )
            } else {
                format!("the database {path} refused a call")
            }
        }
    };
    StoreError::new(message).with_source(error.to_string())
}

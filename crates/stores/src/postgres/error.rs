//! What the server's and the driver's errors mean, and what is to be done about them.

use std::error::Error as _;

use cloakroom_core::session::StoreError;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

/// What a failed call leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing was done, and the same call may succeed now.
    Again,
    /// Nothing was done, because the connection is not what we took it for; another one may do it.
    AgainElsewhere,
    /// The call failed, and the connection is good.
    Failed,
    /// The connection is of no use any more; nobody knows whether the call was done.
    Lost,
}

impl Verdict {
    pub(super) fn of(error: &Error) -> Self {
        let Some(answer) = error.as_db_error() else {
            // Cut off, or not what the protocol says: whatever comes next on it belongs to nobody.
            return Self::Lost;
        };
        if matches!(
            answer.parsed_severity(),
            Some(Severity::Fatal | Severity::Panic)
        ) {
            return Self::Lost;
        }
        let code = answer.code();
        if [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
        ]
        .contains(code)
        {
            Self::Again
        } else if names_a_statement(answer) || *code == SqlState::FEATURE_NOT_SUPPORTED {
            // The latter says that a column has changed its type underneath a prepared statement.
            Self::AgainElsewhere
        } else if *code == SqlState::READ_ONLY_SQL_TRANSACTION {
            // A primary that has become a replica stays one; the address may lead to another server by now.
            Self::Lost
        } else {
            Self::Failed
        }
    }
}

/// True if a prepared statement is not there, or is another one: somebody shares out the server's connections.
pub(super) fn is_pooled(error: &Error) -> bool {
    error.as_db_error().is_some_and(names_a_statement)
}

/// True if a parameter of the connection's start was refused, as PgBouncer refuses those that it cannot follow.
pub(super) fn refuses_options(error: &Error) -> bool {
    error.as_db_error().is_some_and(|answer| {
        *answer.code() == SqlState::PROTOCOL_VIOLATION && answer.message().contains("startup")
    })
}

fn names_a_statement(answer: &DbError) -> bool {
    [
        SqlState::INVALID_SQL_STATEMENT_NAME,
        SqlState::DUPLICATE_PSTATEMENT,
        SqlState::PROTOCOL_VIOLATION,
    ]
    .contains(answer.code())
}

/// Says what failed in the database `name`, and what to do about it.
///
/// The driver's words become the source without the server's details: these repeat values.
pub(super) fn explain(name: &str, error: &Error) -> StoreError {
    let Some(answer) = error.as_db_error() else {
        return explain_connection(name, error);
    };
    let advice = match *answer.code() {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "refuses this user; check the user and the password in its URL, and the server's pg_hba.conf"
        }
        SqlState::INVALID_CATALOG_NAME => {
            "is not there; make it with `createdb`, or name another in its URL"
        }
        SqlState::TOO_MANY_CONNECTIONS => {
            "has no connection left; raise the server's max_connections, or end programs that hold some"
        }
        SqlState::CANNOT_CONNECT_NOW
        | SqlState::ADMIN_SHUTDOWN
        | SqlState::CRASH_SHUTDOWN
        | SqlState::DATABASE_DROPPED => {
            "is starting or stopping; it is used again as soon as it is up"
        }
        SqlState::READ_ONLY_SQL_TRANSACTION => {
            "is read-only; name the primary in its URL rather than a replica, or set default_transaction_read_only off"
        }
        SqlState::LOCK_NOT_AVAILABLE => {
            "keeps what is asked for locked for another connection; end the program that holds the lock"
        }
        SqlState::QUERY_CANCELED => {
            "did not finish a call in time; look in pg_stat_activity for what it waits for"
        }
        SqlState::T_R_DEADLOCK_DETECTED | SqlState::T_R_SERIALIZATION_FAILURE => {
            "undid a call again and again for the sake of others; look for programs that lock many of its rows"
        }
        SqlState::DISK_FULL => "cannot grow, the disk is full; free some space",
        SqlState::OUT_OF_MEMORY | SqlState::CONFIGURATION_LIMIT_EXCEEDED => {
            "is out of memory; give the server more, or fewer connections"
        }
        SqlState::UNDEFINED_TABLE
        | SqlState::UNDEFINED_COLUMN
        | SqlState::INVALID_SCHEMA_NAME
        | SqlState::INVALID_COLUMN_REFERENCE => {
            "lacks a table, a column or an index; run `cloakroom migrate`, or `manage.py migrate` if the database is \
             Django's"
        }
        SqlState::INSUFFICIENT_PRIVILEGE => {
            "does not let this user read and write its tables; grant it SELECT, INSERT, UPDATE and DELETE on them"
        }
        SqlState::STRING_DATA_RIGHT_TRUNCATION => {
            "has a column that is too short for a value; run the migrations of the Django that made it"
        }
        SqlState::NOT_NULL_VIOLATION => {
            "has a column that every new row must fill; name it among the table's extra columns"
        }
        // PgBouncer says so of its own limits and of a server that is gone.
        SqlState::PROTOCOL_VIOLATION | SqlState::CONNECTION_FAILURE => {
            "is not reached through its pooler; see the pooler's log"
        }
        _ => "refused a call",
    };
    let source = format!(
        "{} {}: {}",
        answer.severity(),
        answer.code().code(),
        answer.message()
    );
    StoreError::new(format!("the database {name} {advice}")).with_source(source)
}

fn explain_connection(name: &str, error: &Error) -> StoreError {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        words.push_str(": ");
        words.push_str(&error.to_string());
        source = error.source();
    }
    let advice = if has_source::<rustls::Error>(error) {
        "shows a certificate that is not believed; name the authority that signed it with sslrootcert in its URL, or \
         another sslmode"
    } else if words.contains("TLS") {
        "does not offer the encryption that sslmode in its URL asks for; turn it on at the server"
    } else if words.contains("authentication") || words.contains("password") {
        "asks for a password or another way to sign in than its URL has; write postgres://USER:PASSWORD@HOST/DATABASE"
    } else if error.is_closed() {
        "closed the connection in the middle of a call; see the server's log"
    } else if has_source::<std::io::Error>(error) {
        "cannot be reached; check that the server runs, and the host and the port in its URL"
    } else {
        "gave an answer that cannot be read"
    };
    StoreError::new(format!("the database {name} {advice}")).with_source(words)
}

/// Says that the time was over before the database `name` had answered.
pub(super) fn too_late(name: &str) -> StoreError {
    StoreError::new(format!(
        "the database {name} did not answer within the deadline; check that the server runs and is not overloaded, and \
         look in pg_stat_activity for what it waits for"
    ))
}

fn has_source<T: std::error::Error + 'static>(error: &Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if error.is::<T>() {
            return true;
        }
        // An `io::Error` hides what it wraps from `source`.
        if let Some(inner) = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            && inner.is::<T>()
        {
            return true;
        }
        source = error.source();
    }
    false
}

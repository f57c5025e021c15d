//! What the driver's errors mean, and what to do about them.

use cloakroom_core::session::StoreError;
use mysql_async::{DriverError, Error};

/// What becomes of a statement and its connection after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The statement was undone for another's sake and may be made again.
    Deadlock,
    /// A unique column has the value already.
    Taken,
    /// A text was compared with a column whose character set lacks one of its characters.
    NoSuchText,
    /// The statement failed; the next one need not.
    Refused,
    /// The connection's next statement would fail too, or meet an answer that is not its own.
    Broken,
}

impl Fate {
    pub(super) fn of(error: &Error) -> Self {
        match code(error) {
            // A deadlock over the next id of a row is told as one that could not be read.
            Some(1213 | 1467) => Self::Deadlock,
            Some(1062) => Self::Taken,
            Some(1267) => Self::NoSuchText,
            // A lock was waited for too long, the statement took too long or was killed, or a value does not fit.
            Some(1048 | 1205 | 1317 | 1364 | 1366 | 1406 | 1969 | 3024) => Self::Refused,
            // Also what is the server's state rather than the connection's, such as "read-only": after a
            // failover another server may answer at the same address.
            _ => Self::Broken,
        }
    }
}

/// Says what failed in the database called `name`, and what to do about it.
///
/// The server's own words are left out, because they quote keys and data; its numbers are in its manual.
pub(super) fn explain(name: &str, error: &Error) -> StoreError {
    let (what, source) = match error {
        Error::Server(server) => (
            server_s_reason(server.code),
            format!("error {} ({})", server.code, server.state),
        ),
        Error::Io(io) => (
            "cannot be reached, or closed the connection; check that its server runs and that host and port are right",
            io.to_string(),
        ),
        Error::Driver(DriverError::NoClientSslFlagFromServer) => (
            "has a server without TLS; give it a certificate, or leave ssl-mode and ssl-ca out of the URL",
            String::new(),
        ),
        // Some of the driver's errors show the values that they are about.
        Error::Driver(driver) => (
            "gave an answer that is not understood",
            match driver {
                DriverError::FromRow { .. } | DriverError::FromValue { .. } => String::new(),
                other => other.to_string(),
            },
        ),
        _ => ("refused a call", String::new()),
    };
    let error = StoreError::new(format!("the database {name} {what}"));
    if source.is_empty() {
        error
    } else {
        error.with_source(source)
    }
}

const fn server_s_reason(code: u16) -> &'static str {
    match code {
        1040 | 1203 | 1226 => {
            "has no connection left; raise its max_connections, or use fewer connections here"
        }
        1044 | 1045 | 1698 | 3118 | 4151 => {
            "does not let this user in; check user, password and rights"
        }
        1142 | 1143 | 1227 | 1370 => {
            "does not give this user enough rights; grant SELECT, INSERT, UPDATE and DELETE on its tables"
        }
        1049 => {
            "is not there; make it with `CREATE DATABASE … CHARACTER SET utf8mb4`, or correct the URL"
        }
        1146 | 1054 => {
            "lacks a table or a column; run `cloakroom migrate`, or `manage.py migrate` if the database is Django's"
        }
        1048 | 1364 => {
            "has a column that every new row must fill; name it among the table's extra columns"
        }
        1205 => {
            "has a row that stayed locked by another connection until the deadline; end what holds its lock"
        }
        1213 => "met one deadlock after another; end what locks many rows at once",
        1969 | 3024 => {
            "was slower than the deadline allows; look for a lock, or for what keeps its server busy"
        }
        1467 => "has no number for a new row; look whether a table's ids have reached their end",
        1317 => "had the call ended by its administrator",
        1290 | 1792 | 1836 => "is read-only; name the server that takes writes in the URL",
        3 | 1021 | 1026 | 1114 | 1041 | 1037 | 1038 => {
            "cannot grow, its disk or its memory is full; free some space"
        }
        1153 => "takes no packet of this size; raise its max_allowed_packet",
        1366 | 1406 => {
            "cannot keep a value that is too long or has a character that its column lacks"
        }
        1053 | 1077..=1079 | 1152 | 1184 | 1927 | 4031 => {
            "is being stopped or closed the connection"
        }
        _ => "refused a call",
    }
}

fn code(error: &Error) -> Option<u16> {
    match error {
        Error::Server(server) => Some(server.code),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use mysql_async::ServerError;

    use super::*;

    fn server(code: u16) -> Error {
        Error::Server(ServerError {
            code,
            message: "Duplicate entry 'the-visitor-s-key'".into(),
            state: "23000".into(),
        })
    }

    #[test]
    fn the_server_s_words_are_not_repeated() {
        for code in [3, 1040, 1062, 1146, 1205, 1366, 1969, 9999] {
            let error = explain("mysql://h:3306/site", &server(code));
            let source = std::error::Error::source(&error).unwrap().to_string();
            assert!(
                error
                    .to_string()
                    .starts_with("the database mysql://h:3306/site ")
            );
            assert_eq!(source, format!("error {code} (23000)"));
            assert!(!format!("{error:?}").contains("visitor"));
        }
    }

    #[test]
    fn only_what_leaves_the_connection_in_step_keeps_it() {
        let rows = [
            (1213, Fate::Deadlock),
            (1467, Fate::Deadlock),
            (1062, Fate::Taken),
            (1267, Fate::NoSuchText),
            (1205, Fate::Refused),
            (1969, Fate::Refused),
            (1290, Fate::Broken),
            (1146, Fate::Broken),
            (1053, Fate::Broken),
        ];
        for (code, fate) in rows {
            assert_eq!(Fate::of(&server(code)), fate, "{code}");
        }
        let closed = Error::Driver(DriverError::ConnectionClosed);
        assert_eq!(Fate::of(&closed), Fate::Broken);
    }
}

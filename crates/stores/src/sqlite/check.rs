//! What stands in the way of using a database, found before a visitor finds it.

use std::fmt;

use cloakroom_core::session::StoreError;
use rusqlite::Connection;

use super::SqliteStore;

/// Something that `check` found; its text says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The table is not there.
    MissingTable {
        /// Its name.
        table: &'static str,
    },
    /// The table is there without this column.
    MissingColumn {
        /// The table's name.
        table: &'static str,
        /// The column's name.
        column: &'static str,
    },
    /// A trial write failed; the text is the error's.
    NotWritable(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingTable { table } => write!(
                formatter,
                "the table {table} is missing; run `cloakroom migrate`, or `manage.py migrate` if the database is Django's"
            ),
            Self::MissingColumn { table, column } => write!(
                formatter,
                "the table {table} has no column {column}; run `manage.py migrate` of the Django that made it"
            ),
            Self::NotWritable(error) => formatter.write_str(error),
        }
    }
}

impl SqliteStore {
    /// Looks for the tables and columns we need and tries a write, which it undoes.
    ///
    /// # Errors
    /// The database cannot even be read.
    pub async fn check(&self) -> Result<Vec<Problem>, StoreError> {
        let mut problems = self.read(missing).await?;
        if let Err(error) = self.write(try_to_write).await {
            problems.push(Problem::NotWritable(error.to_string()));
        }
        Ok(problems)
    }
}

fn missing(connection: &Connection) -> rusqlite::Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for (table, columns) in NEEDED {
        let found = connection
            .prepare_cached("SELECT name FROM pragma_table_info(?1)")?
            .query_map([table], |row| row.get(0))?
            .collect::<rusqlite::Result<Vec<String>>>()?;
        if found.is_empty() {
            problems.push(Problem::MissingTable { table });
            continue;
        }
        let missing = columns
            .iter()
            .filter(|column| !found.iter().any(|name| name == *column));
        problems.extend(missing.map(|column| Problem::MissingColumn { table, column }));
    }
    Ok(problems)
}

/// Opens the journal too, unlike a lock alone: in a folder that is not writable only that fails.
fn try_to_write(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "SAVEPOINT trial; CREATE TABLE cloakroom_trial (id integer); ROLLBACK TO trial; RELEASE trial",
    )
}

const NEEDED: [(&str, &[&str]); 2] = [
    (
        "django_session",
        &["session_key", "session_data", "expire_date"],
    ),
    (
        "auth_user",
        &[
            "id",
            "username",
            "password",
            "last_login",
            "is_superuser",
            "first_name",
            "last_name",
            "email",
            "is_staff",
            "is_active",
            "date_joined",
        ],
    ),
];

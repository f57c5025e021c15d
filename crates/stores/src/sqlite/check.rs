//! What stands in the way of using a database, found before a visitor finds it.

use std::sync::Arc;

use cloakroom_core::session::StoreError;
use rusqlite::Connection;

use super::SqliteStore;
use crate::django::{Contents, Problem, lacks, needed};
use crate::session_table::SessionTable;
use crate::user_table::UserTable;

impl SqliteStore {
    /// Looks for the tables and columns we need and tries a write, which it undoes.
    ///
    /// # Errors
    /// The database cannot even be read.
    pub async fn check(&self) -> Result<Vec<Problem>, StoreError> {
        let (contents, sessions) = (self.0.contents, self.0.sessions.clone());
        let users = Arc::clone(&self.0.users);
        let mut problems = self
            .read(move |connection| missing(connection, contents, &sessions, &users.table))
            .await?;
        if let Err(error) = self.write(try_to_write).await {
            problems.push(Problem::NotWritable(error.to_string()));
        }
        Ok(problems)
    }
}

fn missing(
    connection: &Connection,
    contents: Contents,
    sessions: &SessionTable,
    users: &UserTable,
) -> rusqlite::Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for (table, columns) in needed(contents, sessions, users) {
        let found = connection
            .prepare_cached("SELECT name FROM pragma_table_info(?1)")?
            .query_map([table], |row| row.get(0))?
            .collect::<rusqlite::Result<Vec<String>>>()?;
        problems.extend(lacks(table, &columns, &found));
    }
    Ok(problems)
}

/// Opens the journal too, unlike a lock alone: in a folder that is not writable only that fails.
fn try_to_write(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "SAVEPOINT trial; CREATE TABLE cloakroom_trial (id integer); ROLLBACK TO trial; RELEASE trial",
    )
}

//! What stands in the way of using a database, found before a visitor finds it.

use cloakroom_core::session::StoreError;
use tokio_postgres::types::Type;

use super::PostgresStore;
use super::call::Call;
use super::statement::Statement;
use super::value::Text;
use crate::dialect::Dialect;
use crate::django::{Contents, Problem, lacks, needed};
use crate::durability::DurabilityAdvice;

impl PostgresStore {
    /// Looks for the tables and columns we need and tries to write, which it undoes.
    ///
    /// # Errors
    /// The database cannot even be read.
    pub async fn check(&self) -> Result<Vec<Problem>, StoreError> {
        let mut problems = Vec::new();
        for (table, columns) in needed(self.0.contents, &self.0.sessions, &self.0.users.table) {
            let found = columns_of(self.call(), table).await?;
            problems.extend(lacks(table, &columns, &found));
        }
        if problems.is_empty()
            && let Err(error) = self.call().batch(&self.trial()).await
        {
            problems.push(Problem::NotWritable(error.to_string()));
        }
        Ok(problems)
    }

    /// Asks the server whether it answers only when a write is on the disk.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn advice(&self) -> Result<Vec<DurabilityAdvice>, StoreError> {
        let settings = Statement::once(
            "SELECT current_setting('fsync'), current_setting('synchronous_commit')",
            &[],
        );
        let rows = self.call().read(&settings, &[]).await?;
        let mut advice = Vec::new();
        for row in &rows {
            for (column, known) in [
                (0, DurabilityAdvice::FlushesNothing),
                (1, DurabilityAdvice::AnswersBeforeFlushing),
            ] {
                if self.call().column::<&str>(row, column)? == "off" {
                    advice.push(known);
                }
            }
        }
        Ok(advice)
    }

    /// A new session that nobody ever sees, and changes of no row: privileges are looked at whether there are rows
    /// or not. A table of our own would need a privilege that we do not need.
    fn trial(&self) -> String {
        let sessions = self.0.sessions.sql(
            Dialect::Postgres,
            "INSERT INTO {table} ({session_key}, {session_data}, {expire_date}{extra_columns}) \
             VALUES ('cloakroom-trial', '', '2000-01-01T00:00:00Z'{extra_values}) \
             ON CONFLICT ({session_key}) DO NOTHING; \
             UPDATE {table} SET {session_data} = '', {expire_date} = '2000-01-01T00:00:00Z' WHERE false; \
             DELETE FROM {table} WHERE false",
        );
        let users = match self.0.contents {
            Contents::Sessions => String::new(),
            Contents::SessionsAndUsers => {
                let table = &self.0.users.table;
                let name = |name: &str| Dialect::Postgres.name(name);
                let last_login = table.last_login.as_deref();
                let last_login =
                    last_login.map(|last_login| format!(", {} = NULL", name(last_login)));
                format!(
                    "UPDATE {} SET {} = ''{} WHERE false;",
                    name(&table.name),
                    name(&table.password),
                    last_login.unwrap_or_default()
                )
            }
        };
        format!("BEGIN; {sessions}; {users} ROLLBACK")
    }
}

/// The columns of the table or view that a query of this name finds; none if there is none.
async fn columns_of(call: Call<'_>, table: &str) -> Result<Vec<String>, StoreError> {
    let statement = Statement::once(
        "SELECT attname::text FROM pg_attribute \
         WHERE attrelid = to_regclass(quote_ident($1)) AND attnum > 0 AND NOT attisdropped",
        &[Type::TEXT],
    );
    let rows = call.read(&statement, &[&Text(table)]).await?;
    rows.iter().map(|row| call.column(row, 0)).collect()
}

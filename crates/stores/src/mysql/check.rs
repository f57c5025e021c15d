//! What stands in the way of using a database, found before a visitor finds it.

use cloakroom_core::session::{SessionKey, StoreError};
use cloakroom_core::time::Timestamp;

use super::pool::Access;
use super::sessions::text;
use super::{MySqlStore, moment};
use crate::django::{Problem, lacks, needed};
use crate::durability::DurabilityAdvice;

impl MySqlStore {
    /// Looks for the tables and columns we need and tries a write, which it undoes.
    ///
    /// # Errors
    /// The database cannot even be read.
    pub async fn check(&self) -> Result<Vec<Problem>, StoreError> {
        let mut problems = self.within(self.missing()).await?;
        let unlike_sessions = |problem: &Problem| match problem {
            Problem::MissingTable { table } | Problem::MissingColumn { table, .. } => {
                *table != self.0.sessions.name
            }
            _ => true,
        };
        // Where the table is not as it should be, the write would fail for that.
        if problems.iter().all(unlike_sessions)
            && let Err(error) = self.within(self.try_to_write()).await
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
        self.within(async {
            let mut lease = self.lease(Access::Read).await?;
            let row = lease
                .row("SELECT @@GLOBAL.innodb_flush_log_at_trx_commit", &[])
                .await?;
            let setting: Option<i64> = row.and_then(|row| row.get_opt(0)?.ok());
            Ok(match setting {
                Some(0 | 2) => vec![DurabilityAdvice::FlushesOnceASecond],
                _ => Vec::new(),
            })
        })
        .await
    }

    async fn missing(&self) -> Result<Vec<Problem>, StoreError> {
        let mut lease = self.lease(Access::Read).await?;
        let mut problems = Vec::new();
        for (table, columns) in needed(self.0.contents, &self.0.sessions, &self.0.users.table) {
            let rows = lease.rows(COLUMNS, &[text(table)]).await?;
            let found: Vec<String> = rows.iter().filter_map(|row| row.get_opt(0)?.ok()).collect();
            problems.extend(lacks(table, &columns, &found));
        }
        Ok(problems)
    }

    async fn try_to_write(&self) -> Result<(), StoreError> {
        let key = SessionKey::generate()
            .map_err(|error| StoreError::new("there is no randomness").with_source(error))?;
        let row = [
            text(key.as_str()),
            text(""),
            moment::param(self.0.zone, Timestamp::MIN),
        ];
        let mut lease = self.lease(Access::Write).await?;
        // A call that is given up in between takes its transaction with it.
        lease.for_once();
        lease.command("START TRANSACTION").await?;
        lease.insert(&self.0.statements.create, &row).await?;
        let key = [text(key.as_str()), text(key.as_str())];
        lease.execute(&self.0.statements.delete, &key).await?;
        lease.command("ROLLBACK").await
    }
}

const COLUMNS: &str = "SELECT column_name FROM information_schema.columns \
                       WHERE table_schema = DATABASE() AND table_name = ?";

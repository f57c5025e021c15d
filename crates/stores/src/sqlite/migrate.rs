//! Django's tables, made as Django's own migrations make them, and whose database this is.

use std::collections::BTreeSet;
use std::sync::Arc;

use cloakroom_core::session::StoreError;
use cloakroom_core::time::Timestamp;
use rusqlite::Connection;

use super::SqliteStore;
use crate::django::{Inventory, Migrated, Survey, only_a_part};

impl SqliteStore {
    /// Makes the tables of Django's `contenttypes`, `auth` and `sessions` apps and records their migrations.
    ///
    /// A Django (4.2 to 6.1) with these apps that is pointed at the database afterwards finds nothing left
    /// to migrate. Where the database keeps sessions alone, it is only their table and its migration. All is done in
    /// one transaction, so that it may be repeated at any time. Where an app that is
    /// not one of these has migrations, or sessions or users are kept in a table of the site's own, Django owns the
    /// schema, and nothing is made.
    ///
    /// # Errors
    /// Some of the tables or records are there and some are not, or the database does not answer.
    pub async fn migrate(&self, now: Timestamp) -> Result<Migrated, StoreError> {
        let path = self.path().display().to_string();
        let (contents, sessions) = (self.0.contents, self.0.sessions.clone());
        let users = Arc::clone(&self.0.users);
        self.write(move |connection| {
            match inventory(connection)?.survey(contents, &sessions, &users.table) {
                Survey::Empty => {
                    for statement in contents.statements(SCHEMA) {
                        connection.execute_batch(statement)?;
                    }
                    let mut record = connection.prepare(
                        "INSERT INTO django_migrations (app, name, applied) VALUES (?1, ?2, ?3)",
                    )?;
                    for (app, name) in contents.migrations() {
                        record.execute([*app, *name, &now.sql_text()])?;
                    }
                    Ok(Ok(Migrated::Created))
                }
                Survey::Complete => Ok(Ok(Migrated::NothingToDo)),
                Survey::Foreign { missing } => Ok(Ok(Migrated::LeftToDjango { missing })),
                // Nothing was changed on this path, so the transaction may commit.
                Survey::Partial(what) => Ok(Err(only_a_part(&path, "sqlite:PATH", &what))),
            }
        })
        .await?
    }

    /// The apps with recorded migrations that are neither ours nor one of the three whose tables we use.
    ///
    /// If there are any, a Django site uses this database.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn foreign_apps(&self) -> Result<Vec<String>, StoreError> {
        self.read(|connection| Ok(inventory(connection)?.foreign_apps()))
            .await
    }

    /// True if [`create`](Self::create) made this database.
    ///
    /// The mark is SQLite's `application_id`, four bytes in the file's header that Django neither reads nor
    /// writes. A table or a recorded migration would be in Django's sight; a file beside the database gets lost
    /// when it is moved.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn made_by_us(&self) -> Result<bool, StoreError> {
        self.read(|connection| {
            let id: i32 =
                connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
            Ok(id == APPLICATION_ID)
        })
        .await
    }
}

/// "Cloa" in the file's header.
pub(super) const APPLICATION_ID: i32 = i32::from_be_bytes(*b"Cloa");

fn inventory(connection: &Connection) -> rusqlite::Result<Inventory> {
    let tables: BTreeSet<String> = connection
        .prepare_cached("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let recorded = if tables.contains("django_migrations") {
        connection
            .prepare_cached("SELECT app, name FROM django_migrations")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?
    } else {
        BTreeSet::new()
    };
    Ok(Inventory { tables, recorded })
}

const SCHEMA: &str = include_str!("schema.sql");

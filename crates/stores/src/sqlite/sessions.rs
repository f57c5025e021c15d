//! The table of sessions, by the contract of [`Store`].
//!
//! Expiry dates are texts of one shape (`Zone::sql_text`) and are compared as texts, as Django does.

use std::sync::Arc;

use async_trait::async_trait;
use cloakroom_core::session::{
    Created, Deleted, Record, Replaced, SessionKey, Store, StoreError, Stored, Version,
};
use cloakroom_core::time::{Timestamp, Zone};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, ToSql, params};

use super::SqliteStore;
use crate::dialect::Dialect;
use crate::session_table::SessionTable;

/// A version bound as the text that it is.
struct SeenText<'a>(&'a Version);

impl ToSql for SeenText<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.0.as_bytes())))
    }
}

impl SqliteStore {
    /// The session that ends last, expired or not; `None` if there are no sessions.
    ///
    /// Its signature tells whether the secret key fits the database.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn newest_session(&self) -> Result<Option<Stored>, StoreError> {
        let sql = self.statements();
        self.read(move |connection| {
            connection
                .prepare_cached(&sql.newest)?
                .query_row([], |row| Ok(stored(row, 0, sql.zone)))
                .optional()
                .map(Option::flatten)
        })
        .await
    }

    fn statements(&self) -> Arc<Statements> {
        Arc::clone(&self.0.statements)
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn load(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Stored>, StoreError> {
        let (sql, key) = (self.statements(), key.clone());
        self.read(move |connection| find(connection, &sql, &key, now))
            .await
    }

    async fn create(&self, key: &SessionKey, record: &Record) -> Result<Created, StoreError> {
        let (sql, key) = (self.statements(), key.clone());
        let text = record.signed_text().clone();
        let expire_date = sql.zone.sql_text(record.expire_date());
        self.write(move |connection| {
            let inserted = connection.prepare_cached(&sql.create)?.execute(params![
                key.as_str(),
                &*text,
                expire_date
            ])?;
            Ok(if inserted == 0 {
                Created::KeyTaken
            } else {
                Created::Created(Version::of_text(text.clone()))
            })
        })
        .await
    }

    async fn replace(
        &self,
        key: &SessionKey,
        seen: &Version,
        record: &Record,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        let (sql, key) = (self.statements(), key.clone());
        let seen = seen.clone();
        let text = record.signed_text().clone();
        let expire_date = sql.zone.sql_text(record.expire_date());
        let now_text = sql.zone.sql_text(now);
        self.write(move |connection| {
            let replaced = if seen.as_bytes() == text.as_bytes() {
                connection.prepare_cached(&sql.extend)?.execute(params![
                    key.as_str(),
                    SeenText(&seen),
                    now_text,
                    expire_date
                ])?
            } else {
                connection.prepare_cached(&sql.replace)?.execute(params![
                    key.as_str(),
                    SeenText(&seen),
                    now_text,
                    expire_date,
                    &*text
                ])?
            };
            if replaced > 0 {
                return Ok(Replaced::Replaced(Version::of_text(text.clone())));
            }
            Ok(find(connection, &sql, &key, now)?.map_or(Replaced::Gone, Replaced::Changed))
        })
        .await
    }

    async fn delete(
        &self,
        key: &SessionKey,
        seen: Option<&Version>,
        now: Timestamp,
    ) -> Result<Deleted, StoreError> {
        let (sql, key) = (self.statements(), key.clone());
        let seen = seen.cloned();
        let now_text = sql.zone.sql_text(now);
        self.write(move |connection| {
            let Some(seen) = &seen else {
                let deleted = connection
                    .prepare_cached(&sql.delete)?
                    .execute([key.as_str()])?;
                return Ok(if deleted == 0 {
                    Deleted::Gone
                } else {
                    Deleted::Deleted
                });
            };
            let deleted = connection
                .prepare_cached(&sql.delete_seen)?
                .execute(params![key.as_str(), SeenText(seen), now_text])?;
            if deleted > 0 {
                return Ok(Deleted::Deleted);
            }
            if let Some(stored) = find(connection, &sql, &key, now)? {
                return Ok(Deleted::Changed(stored));
            }
            connection
                .prepare_cached(&sql.delete_expired)?
                .execute([key.as_str(), &now_text])?;
            Ok(Deleted::Gone)
        })
        .await
    }

    async fn clear_expired(&self, now: Timestamp, at_most: u32) -> Result<u64, StoreError> {
        let sql = self.statements();
        let now = sql.zone.sql_text(now);
        self.write(move |connection| {
            let removed = connection
                .prepare_cached(&sql.clear_expired)?
                .execute(params![now, at_most])?;
            Ok(removed as u64)
        })
        .await
    }
}

/// The statements of the contract, on the table that keeps the sessions.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) zone: Zone,
    load: String,
    create: String,
    replace: String,
    extend: String,
    delete: String,
    delete_seen: String,
    delete_expired: String,
    clear_expired: String,
    newest: String,
}

impl Statements {
    pub(super) fn new(table: &SessionTable, zone: Zone) -> Self {
        let sql = |template| table.sql(Dialect::Sqlite, template);
        Self {
            zone,
            load: sql("SELECT {session_data}, {expire_date} FROM {table} \
                 WHERE {session_key} = ?1 COLLATE BINARY AND {expire_date} > ?2"),
            create: sql(
                "INSERT INTO {table} ({session_key}, {session_data}, {expire_date}{extra_columns}) \
                 VALUES (?1, ?2, ?3{extra_values}) ON CONFLICT ({session_key}) DO NOTHING",
            ),
            replace: sql(
                "UPDATE {table} SET {session_data} = ?5, {expire_date} = ?4 \
                 WHERE {session_key} = ?1 COLLATE BINARY AND {session_data} = ?2 AND {expire_date} > ?3",
            ),
            // Naming only the expiry leaves the pages of a long text unwritten.
            extend: sql("UPDATE {table} SET {expire_date} = ?4 \
                 WHERE {session_key} = ?1 COLLATE BINARY AND {session_data} = ?2 AND {expire_date} > ?3"),
            delete: sql("DELETE FROM {table} WHERE {session_key} = ?1 COLLATE BINARY"),
            delete_seen: sql("DELETE FROM {table} \
                 WHERE {session_key} = ?1 COLLATE BINARY AND {session_data} = ?2 AND {expire_date} > ?3"),
            delete_expired: sql(
                "DELETE FROM {table} WHERE {session_key} = ?1 COLLATE BINARY AND {expire_date} <= ?2",
            ),
            clear_expired: sql("DELETE FROM {table} WHERE {session_key} IN \
                 (SELECT {session_key} FROM {table} WHERE {expire_date} < ?1 LIMIT ?2)"),
            newest: sql(
                "SELECT {session_data}, {expire_date} FROM {table} ORDER BY {expire_date} DESC LIMIT 1",
            ),
        }
    }
}

fn find(
    connection: &Connection,
    sql: &Statements,
    key: &SessionKey,
    now: Timestamp,
) -> rusqlite::Result<Option<Stored>> {
    let found = connection
        .prepare_cached(&sql.load)?
        .query_row([key.as_str(), &sql.zone.sql_text(now)], |row| {
            Ok(stored(row, 0, sql.zone))
        })
        .optional()?
        .flatten();
    // The database compared texts; one of another shape (a `T`, a zone) may end earlier than it looks.
    Ok(found.filter(|stored| stored.expire_date > now))
}

/// A row's data and, behind it, expiry; `None` if they are not what Django writes.
///
/// Such a row counts as missing rather than as the store's failure. Its visitor gets a new session instead
/// of an error at every visit; the row stays as it is for whoever wants to look at it.
pub(super) fn stored(row: &rusqlite::Row<'_>, place: usize, zone: Zone) -> Option<Stored> {
    let read = || {
        let text: String = row.get(place).ok()?;
        let expire_date: String = row.get(place + 1).ok()?;
        Some(Stored::signed(text, zone.from_sql_text(&expire_date)?))
    };
    let stored = read();
    if stored.is_none() {
        tracing::warn!("a row of the table of sessions is not readable and counts as missing");
    }
    stored
}

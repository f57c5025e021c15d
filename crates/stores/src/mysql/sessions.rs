//! The table of sessions, by the contract of [`Store`].
//!
//! `= ?` on the key finds a row by its index, and compares by the collation, which takes `ABC`, `àbc` and `abc ` for
//! `abc`. So the bytes are compared besides: in the statement where it writes, here where it reads.
//!
//! A write is one statement that compares. Where it finds nothing to change, another one asks what is there: the
//! answer is that moment's, at which it was true.

use async_trait::async_trait;
use cloakroom_core::session::{
    Created, Deleted, Record, Replaced, SessionKey, Store, StoreError, Stored, Version,
};
use cloakroom_core::time::{Timestamp, Zone};
use mysql_async::{Row, Value};

use super::pool::{Access, Lease};
use super::{MySqlStore, moment};
use crate::dialect::Dialect;
use crate::session_table::SessionTable;

impl MySqlStore {
    /// The session that ends last, expired or not; `None` if there are no sessions.
    ///
    /// Its signature tells whether the secret key fits the database.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn newest_session(&self) -> Result<Option<Stored>, StoreError> {
        self.within(async {
            let mut lease = self.lease(Access::Read).await?;
            let row = lease.row(&self.0.statements.newest, &[]).await?;
            Ok(row.and_then(|row| stored(row, self.0.zone).1))
        })
        .await
    }

    async fn find(
        &self,
        lease: &mut Lease<'_>,
        key: &SessionKey,
        now: Timestamp,
    ) -> Result<Option<Stored>, StoreError> {
        let params = [text(key.as_str()), moment::param(self.0.zone, now)];
        let Some(row) = lease.row(&self.0.statements.load, &params).await? else {
            return Ok(None);
        };
        let (found, stored) = stored(row, self.0.zone);
        Ok(stored.filter(|_| found == key.as_str().as_bytes()))
    }

    fn restless(&self) -> StoreError {
        StoreError::new(format!(
            "a session in the database {} changed to and fro whenever it was looked at; try again",
            self.name()
        ))
    }
}

#[async_trait]
impl Store for MySqlStore {
    async fn load(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Stored>, StoreError> {
        self.within(async {
            let mut lease = self.lease(Access::Read).await?;
            self.find(&mut lease, key, now).await
        })
        .await
    }

    async fn create(&self, key: &SessionKey, record: &Record) -> Result<Created, StoreError> {
        self.within(async {
            let signed = record.signed_text();
            let params = [
                text(key.as_str()),
                text(signed),
                moment::param(self.0.zone, record.expire_date()),
            ];
            let mut lease = self.lease(Access::Write).await?;
            let inserted = lease.insert(&self.0.statements.create, &params).await?;
            Ok(match inserted {
                Some(_) => Created::Created(Version::of_text(signed.clone())),
                None => Created::KeyTaken,
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
        self.within(async {
            let sql = &self.0.statements;
            let signed = record.signed_text();
            let mut params = vec![moment::param(self.0.zone, record.expire_date())];
            params.extend(the_one_seen(key, seen, moment::param(self.0.zone, now)));
            let sql = if seen.as_bytes() == signed.as_bytes() {
                &sql.extend
            } else {
                params.insert(0, text(signed));
                &sql.replace
            };
            let mut lease = self.lease(Access::Write).await?;
            for _ in 0..ATTEMPTS {
                if lease.execute(sql, &params).await? > 0 {
                    return Ok(Replaced::Replaced(Version::of_text(signed.clone())));
                }
                match self.find(&mut lease, key, now).await? {
                    None => return Ok(Replaced::Gone),
                    // It was something else a moment ago, and has become what was seen again.
                    Some(stored) if stored.version == *seen => {}
                    Some(stored) => return Ok(Replaced::Changed(stored)),
                }
            }
            Err(self.restless())
        })
        .await
    }

    async fn delete(
        &self,
        key: &SessionKey,
        seen: Option<&Version>,
        now: Timestamp,
    ) -> Result<Deleted, StoreError> {
        self.within(async {
            let sql = &self.0.statements;
            let mut lease = self.lease(Access::Write).await?;
            let Some(seen) = seen else {
                let params = [text(key.as_str()), text(key.as_str())];
                let deleted = lease.execute(&sql.delete, &params).await?;
                return Ok(if deleted == 0 {
                    Deleted::Gone
                } else {
                    Deleted::Deleted
                });
            };
            let params = the_one_seen(key, seen, moment::param(self.0.zone, now));
            for _ in 0..ATTEMPTS {
                if lease.execute(&sql.delete_seen, &params).await? > 0 {
                    return Ok(Deleted::Deleted);
                }
                match self.find(&mut lease, key, now).await? {
                    None => {
                        let params = [
                            text(key.as_str()),
                            text(key.as_str()),
                            moment::param(self.0.zone, now),
                        ];
                        lease.execute(&sql.delete_expired, &params).await?;
                        return Ok(Deleted::Gone);
                    }
                    Some(stored) if stored.version == *seen => {}
                    Some(stored) => return Ok(Deleted::Changed(stored)),
                }
            }
            Err(self.restless())
        })
        .await
    }

    async fn clear_expired(&self, now: Timestamp, at_most: u32) -> Result<u64, StoreError> {
        self.within(async {
            let params = [moment::param(self.0.zone, now), at_most.into()];
            let mut lease = self.lease(Access::Write).await?;
            lease
                .execute(&self.0.statements.clear_expired, &params)
                .await
        })
        .await
    }
}

/// The statements of the contract, on the table that keeps the sessions.
pub(super) struct Statements {
    load: String,
    pub(super) create: String,
    replace: String,
    extend: String,
    pub(super) delete: String,
    delete_seen: String,
    delete_expired: String,
    clear_expired: String,
    newest: String,
}

impl Statements {
    pub(super) fn new(table: &SessionTable) -> Self {
        let sql = |template| table.sql(Dialect::MySql, template);
        let columns = "{session_key}, {session_data}, {expire_date}";
        // The column's character set may be another one, in which the same text has other bytes.
        let same =
            |column| format!("CAST(CONVERT({column} USING utf8mb4) AS BINARY) = CAST(? AS BINARY)");
        let this_key = format!("{{session_key}} = ? AND {}", same("{session_key}"));
        let the_one_seen = format!(
            "{this_key} AND {} AND {{expire_date}} > ?",
            same("{session_data}")
        );
        Self {
            load: sql(&format!(
                "SELECT {columns} FROM {{table}} WHERE {{session_key}} = ? AND {{expire_date}} > ?"
            )),
            create: sql(&format!(
                "INSERT INTO {{table}} ({columns}{{extra_columns}}) VALUES (?, ?, ?{{extra_values}})"
            )),
            replace: sql(&format!(
                "UPDATE {{table}} SET {{session_data}} = ?, {{expire_date}} = ? WHERE {the_one_seen}"
            )),
            // Naming only the expiry leaves the pages of a long text unwritten.
            extend: sql(&format!(
                "UPDATE {{table}} SET {{expire_date}} = ? WHERE {the_one_seen}"
            )),
            delete: sql(&format!("DELETE FROM {{table}} WHERE {this_key}")),
            delete_seen: sql(&format!("DELETE FROM {{table}} WHERE {the_one_seen}")),
            delete_expired: sql(&format!(
                "DELETE FROM {{table}} WHERE {this_key} AND {{expire_date}} <= ?"
            )),
            // The order is that of the index, so no more rows are looked at and locked than are deleted.
            clear_expired: sql(
                "DELETE FROM {table} WHERE {expire_date} < ? ORDER BY {expire_date} LIMIT ?",
            ),
            newest: sql(&format!(
                "SELECT {columns} FROM {{table}} ORDER BY {{expire_date}} DESC LIMIT 1"
            )),
        }
    }
}

/// How often a record is looked at that was another one a moment before.
const ATTEMPTS: u32 = 16;

/// A text as a statement's parameter. It is never bound as a number, even if it reads like one: MySQL would compare
/// `0` with every key that begins with no digit, and find it equal.
pub(super) fn text(text: &str) -> Value {
    Value::Bytes(text.as_bytes().to_vec())
}

fn the_one_seen(key: &SessionKey, seen: &Version, now: Value) -> [Value; 4] {
    [
        text(key.as_str()),
        text(key.as_str()),
        Value::Bytes(seen.as_bytes().to_vec()),
        now,
    ]
}

/// A row's key, data and expiry; no record if they are not what Django writes.
///
/// Such a row counts as missing rather than as the store's failure. Its visitor gets a new session instead
/// of an error at every visit; the row stays as it is for whoever wants to look at it.
pub(super) fn stored(row: Row, zone: Zone) -> (Vec<u8>, Option<Stored>) {
    let mut values = row.unwrap_raw().into_iter().flatten();
    let mut bytes = || match values.next() {
        Some(Value::Bytes(bytes)) => Some(bytes),
        _ => None,
    };
    let (key, data) = (bytes(), bytes());
    let expire_date = values
        .next()
        .as_ref()
        .and_then(|value| moment::read(zone, value));
    let stored = data
        .and_then(|data| String::from_utf8(data).ok())
        .zip(expire_date)
        .map(|(text, expire_date)| Stored::signed(text, expire_date));
    if stored.is_none() {
        tracing::warn!("a row of the table of sessions is not readable and counts as missing");
    }
    (key.unwrap_or_default(), stored)
}

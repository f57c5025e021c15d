//! The list of sessions, by the contract of [`SessionList`].

use std::sync::Arc;

use async_trait::async_trait;
use cloakroom_core::auth::{SessionEntry, SessionList};
use cloakroom_core::session::{SessionKey, StoreError, Stored};
use cloakroom_core::time::{Timestamp, Zone};
use rusqlite::types::{Type, Value};
use rusqlite::{OptionalExtension as _, Row, params};

use super::SqliteStore;
use super::sessions::stored;
use super::users::bound;
use crate::dialect::Dialect;
use crate::session_list::{Columns, KNOWN, Keeper, ListSql, listed_key};

impl SqliteStore {
    /// Makes the table that lists the sessions of users, where there is neither one of ours nor allauth's; whether it did.
    ///
    /// It belongs before the first use of the list: which table there is, is looked up once.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn make_session_list(&self) -> Result<bool, StoreError> {
        if self.look_for_session_list().await?.is_some() {
            return Ok(false);
        }
        self.write(|connection| {
            for statement in ListSql::schema(Dialect::Sqlite) {
                connection.execute_batch(&statement)?;
            }
            Ok(true)
        })
        .await
    }

    async fn look_for_session_list(&self) -> Result<Option<Arc<ListSql>>, StoreError> {
        let sessions = self.0.sessions.clone();
        self.read(move |connection| {
            let found = connection
                .prepare_cached("SELECT name FROM sqlite_master WHERE name IN (?1, ?2)")?
                .query_map(KNOWN, |row| row.get(0))?
                .collect::<rusqlite::Result<Vec<String>>>()?;
            Ok(ListSql::new(Dialect::Sqlite, &found, &sessions).map(Arc::new))
        })
        .await
    }

    async fn list(&self) -> Result<Option<Arc<ListSql>>, StoreError> {
        let look = || self.look_for_session_list();
        self.0.session_list.get_or_try_init(look).await.cloned()
    }

    /// A user's id as the table keeps it; `None` for one that it cannot keep.
    fn listed_user(&self, sql: &ListSql, id: &str) -> Option<Value> {
        match sql.keeper {
            Keeper::Ours => Some(id.to_owned().into()),
            Keeper::Allauth => listed_key(self.key(id), id).as_ref().map(bound),
        }
    }
}

#[async_trait]
impl SessionList for SqliteStore {
    async fn is_kept(&self) -> Result<bool, StoreError> {
        Ok(self.list().await?.is_some())
    }

    async fn add(&self, entry: &SessionEntry) -> Result<(), StoreError> {
        let Some(sql) = self.list().await? else {
            return Ok(());
        };
        let Some(user) = self.listed_user(&sql, &entry.user_id) else {
            return Ok(());
        };
        let (entry, zone) = (entry.clone(), self.zone());
        self.write(move |connection| {
            connection.prepare_cached(&sql.add)?.execute(params![
                sql.id_column(&entry.id),
                user,
                entry.key.as_str(),
                zone.sql_text(entry.created),
                zone.sql_text(entry.last_seen),
                sql.address_column(&entry),
                entry.user_agent,
            ])?;
            Ok(())
        })
        .await
    }

    async fn of_user(&self, user_id: &str, at_most: u32) -> Result<Vec<SessionEntry>, StoreError> {
        let Some(sql) = self.list().await? else {
            return Ok(Vec::new());
        };
        let Some(user) = self.listed_user(&sql, user_id) else {
            return Ok(Vec::new());
        };
        let (user_id, zone) = (user_id.to_owned(), self.zone());
        self.read(move |connection| {
            let mut query = connection.prepare_cached(&sql.of_user)?;
            let rows = query.query_map(params![user, at_most], |row| entry(row, &user_id, zone))?;
            rows.filter_map(Result::transpose).collect()
        })
        .await
    }

    async fn by_key(
        &self,
        user_id: &str,
        key: &SessionKey,
    ) -> Result<Option<SessionEntry>, StoreError> {
        let Some(sql) = self.list().await? else {
            return Ok(None);
        };
        let Some(user) = self.listed_user(&sql, user_id) else {
            return Ok(None);
        };
        let (user_id, key, zone) = (user_id.to_owned(), key.clone(), self.zone());
        self.read(move |connection| {
            connection
                .prepare_cached(&sql.by_key)?
                .query_row(params![user, key.as_str()], |row| {
                    entry(row, &user_id, zone)
                })
                .optional()
                .map(Option::flatten)
        })
        .await
    }

    async fn remove(&self, key: &SessionKey) -> Result<(), StoreError> {
        let Some(sql) = self.list().await? else {
            return Ok(());
        };
        let key = key.clone();
        self.write(move |connection| {
            let mut remove = connection.prepare_cached(&sql.remove)?;
            remove.execute([key.as_str()]).map(drop)
        })
        .await
    }

    async fn seen(&self, keys: &[SessionKey], at: Timestamp) -> Result<(), StoreError> {
        let Some(sql) = self.list().await? else {
            return Ok(());
        };
        let (keys, at) = (keys.to_vec(), self.zone().sql_text(at));
        self.write(move |connection| {
            let mut seen = connection.prepare_cached(&sql.seen)?;
            for key in &keys {
                seen.execute([&at, key.as_str(), &at])?;
            }
            Ok(())
        })
        .await
    }

    async fn clear_unseen(
        &self,
        before: Timestamp,
        now: Timestamp,
        at_most: u32,
    ) -> Result<u64, StoreError> {
        let Some(sql) = self.list().await? else {
            return Ok(0);
        };
        let zone = self.zone();
        let (before, now) = (zone.sql_text(before), zone.sql_text(now));
        self.write(move |connection| {
            let Some(clear) = &sql.clear else {
                return Ok(0);
            };
            let mut clear = connection.prepare_cached(clear)?;
            Ok(clear.execute(params![before, now, at_most])? as u64)
        })
        .await
    }

    async fn records(
        &self,
        after: &str,
        now: Timestamp,
        at_most: u32,
    ) -> Result<Vec<(String, Option<Stored>)>, StoreError> {
        let Some(sql) = self.list().await? else {
            return Ok(Vec::new());
        };
        let after = after.to_owned();
        let (zone, now) = (self.zone(), self.zone().sql_text(now));
        self.read(move |connection| {
            let mut query = connection.prepare_cached(&sql.records)?;
            let rows = query.query_map(params![after, now, at_most], |row| {
                Ok((row.get(0)?, stored(row, 1, zone)))
            })?;
            rows.collect()
        })
        .await
    }
}

fn entry(row: &Row<'_>, user_id: &str, zone: Zone) -> rusqlite::Result<Option<SessionEntry>> {
    let moment = |column: usize| {
        let text: String = row.get(column)?;
        zone.from_sql_text(&text).ok_or_else(|| {
            rusqlite::Error::FromSqlConversionFailure(column, Type::Text, "not a date".into())
        })
    };
    let columns = Columns {
        id: row.get(0)?,
        data: row.get(1)?,
        key: row.get(2)?,
        created: moment(3)?,
        last_seen: moment(4)?,
        address: row.get(5)?,
        user_agent: row.get(6)?,
    };
    Ok(columns.entry(user_id))
}

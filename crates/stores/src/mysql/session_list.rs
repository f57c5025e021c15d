//! The list of sessions, by the contract of [`SessionList`].

use async_trait::async_trait;
use cloakroom_core::auth::{SessionEntry, SessionList};
use cloakroom_core::session::{SessionKey, StoreError, Stored};
use cloakroom_core::time::{Timestamp, Zone};
use mysql_async::{Row, Value};

use super::pool::Access;
use super::sessions::{stored, text};
use super::users::bound;
use super::{MySqlStore, moment};
use crate::dialect::Dialect;
use crate::session_list::{Columns, KNOWN, Keeper, ListSql, SEEN_AT_ONCE, listed_key};

impl MySqlStore {
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
        self.within(async {
            let mut lease = self.lease(Access::Write).await?;
            for statement in ListSql::schema(Dialect::MySql) {
                lease.command(&statement).await?;
            }
            Ok(true)
        })
        .await
    }

    async fn look_for_session_list(&self) -> Result<Option<ListSql>, StoreError> {
        self.within(async {
            let mut lease = self.lease(Access::Read).await?;
            let sql = "SELECT table_name FROM information_schema.tables \
                       WHERE table_schema = DATABASE() AND table_name IN (?, ?)";
            let rows = lease.rows(sql, &KNOWN.map(text)).await?;
            let found: Vec<String> = rows.iter().filter_map(|row| row.get_opt(0)?.ok()).collect();
            Ok(ListSql::new(Dialect::MySql, &found, &self.0.sessions))
        })
        .await
    }

    async fn list(&self) -> Result<Option<&ListSql>, StoreError> {
        let look = || self.look_for_session_list();
        let found = self.0.session_list.get_or_try_init(look).await?;
        Ok(found.as_ref())
    }

    /// The statements, and the user's id as the table keeps it; `None` for one that it cannot keep.
    async fn list_of(&self, user_id: &str) -> Result<Option<(&ListSql, Value)>, StoreError> {
        let Some(sql) = self.list().await? else {
            return Ok(None);
        };
        let user = match sql.keeper {
            Keeper::Ours => Some(text(user_id)),
            Keeper::Allauth => listed_key(self.key(user_id), user_id).as_ref().map(bound),
        };
        Ok(user.map(|user| (sql, user)))
    }

    async fn entries(
        &self,
        sql: &str,
        params: &[Value],
        user_id: &str,
    ) -> Result<Vec<SessionEntry>, StoreError> {
        self.within(async {
            let mut lease = self.lease(Access::Read).await?;
            let rows = lease.rows(sql, params).await?;
            let entries = rows.iter().map(|row| {
                let columns = columns(row, self.0.zone).ok_or_else(|| {
                    StoreError::new(format!(
                        "the list of sessions in the database {} has a row that is none",
                        self.name()
                    ))
                })?;
                Ok(columns.entry(user_id))
            });
            entries.filter_map(Result::transpose).collect()
        })
        .await
    }

    async fn change_list(&self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        self.within(async {
            let mut lease = self.lease(Access::Write).await?;
            lease.execute(sql, params).await
        })
        .await
    }
}

#[async_trait]
impl SessionList for MySqlStore {
    async fn is_kept(&self) -> Result<bool, StoreError> {
        Ok(self.list().await?.is_some())
    }

    async fn add(&self, entry: &SessionEntry) -> Result<(), StoreError> {
        let Some((sql, user)) = self.list_of(&entry.user_id).await? else {
            return Ok(());
        };
        let address = sql.address_column(entry);
        let params = [
            text(&sql.id_column(&entry.id)),
            user,
            text(entry.key.as_str()),
            moment::param(self.0.zone, entry.created),
            moment::param(self.0.zone, entry.last_seen),
            address.map_or(Value::NULL, |address| text(&address)),
            text(&entry.user_agent),
        ];
        self.change_list(&sql.add, &params).await.map(drop)
    }

    async fn of_user(&self, user_id: &str, at_most: u32) -> Result<Vec<SessionEntry>, StoreError> {
        let Some((sql, user)) = self.list_of(user_id).await? else {
            return Ok(Vec::new());
        };
        self.entries(&sql.of_user, &[user, at_most.into()], user_id)
            .await
    }

    async fn by_key(
        &self,
        user_id: &str,
        key: &SessionKey,
    ) -> Result<Option<SessionEntry>, StoreError> {
        let Some((sql, user)) = self.list_of(user_id).await? else {
            return Ok(None);
        };
        let params = [user, text(key.as_str())];
        let found = self.entries(&sql.by_key, &params, user_id).await?;
        Ok(found.into_iter().next())
    }

    async fn remove(&self, key: &SessionKey) -> Result<(), StoreError> {
        let Some(sql) = self.list().await? else {
            return Ok(());
        };
        let params = [text(key.as_str())];
        self.change_list(&sql.remove, &params).await.map(drop)
    }

    async fn seen(&self, keys: &[SessionKey], at: Timestamp) -> Result<(), StoreError> {
        let Some(sql) = self.list().await? else {
            return Ok(());
        };
        let at = moment::param(self.0.zone, at);
        for keys in keys.chunks(SEEN_AT_ONCE) {
            // One statement, whatever their number: the last one stands in the places that are left.
            let padded = keys.iter().chain(keys.last().into_iter().cycle());
            let mut params = vec![at.clone()];
            params.extend(padded.take(SEEN_AT_ONCE).map(|key| text(key.as_str())));
            params.push(at.clone());
            self.change_list(&sql.seen, &params).await?;
        }
        Ok(())
    }

    async fn clear_unseen(
        &self,
        before: Timestamp,
        now: Timestamp,
        at_most: u32,
    ) -> Result<u64, StoreError> {
        let Some(clear) = self.list().await?.and_then(|sql| sql.clear.as_deref()) else {
            return Ok(0);
        };
        let params = [
            moment::param(self.0.zone, before),
            moment::param(self.0.zone, now),
            at_most.into(),
        ];
        self.change_list(clear, &params).await
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
        self.within(async {
            let params = [text(after), moment::param(self.0.zone, now), at_most.into()];
            let mut lease = self.lease(Access::Read).await?;
            let rows = lease.rows(&sql.records, &params).await?;
            let records = rows.into_iter().map(|row| {
                let (key, stored) = stored(row, self.0.zone);
                (String::from_utf8_lossy(&key).into_owned(), stored)
            });
            Ok(records.collect())
        })
        .await
    }
}

/// A row; `None` if a value is not of its kind.
fn columns(row: &Row, zone: Zone) -> Option<Columns> {
    let text = |place: usize| row.get_opt::<String, _>(place)?.ok();
    Some(Columns {
        id: text(0)?,
        data: text(1)?,
        key: text(2)?,
        created: moment::read(zone, row.as_ref(3)?)?,
        last_seen: moment::read(zone, row.as_ref(4)?)?,
        address: row.get_opt::<Option<String>, _>(5)?.ok()?,
        user_agent: text(6)?,
    })
}

//! The list of sessions, by the contract of [`SessionList`].

use async_trait::async_trait;
use cloakroom_core::auth::{SessionEntry, SessionList};
use cloakroom_core::session::{SessionKey, StoreError, Stored};
use cloakroom_core::time::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::PostgresStore;
use super::call::Call;
use super::statement::{Statement, key_type};
use super::value::{Moment, Text};
use crate::dialect::Dialect;
use crate::session_list::{Columns, KNOWN, Keeper, ListSql, listed_key};
use crate::user_key::UserKey;

/// The statements of the contract. They are asked too seldom to be prepared.
#[derive(Debug)]
pub(super) struct ListStatements {
    sql: ListSql,
    add: Statement,
    of_user: Statement,
    by_key: Statement,
    remove: Statement,
    seen: Statement,
    clear: Option<Statement>,
    records: Statement,
}

impl ListStatements {
    fn new(sql: ListSql, user: Type) -> Self {
        let statement = |sql: &str, types: Vec<Type>| Statement {
            place: None,
            sql: sql.to_owned(),
            types: types.into(),
        };
        let (text, moment) = (Type::TEXT, Type::TIMESTAMPTZ);
        let types = vec![
            text.clone(),
            user.clone(),
            text.clone(),
            moment.clone(),
            moment.clone(),
            text.clone(),
            text.clone(),
        ];
        Self {
            add: statement(&sql.add, types),
            of_user: statement(&sql.of_user, vec![user.clone(), Type::INT8]),
            by_key: statement(&sql.by_key, vec![user, text.clone()]),
            remove: statement(&sql.remove, vec![text.clone()]),
            seen: statement(
                &sql.seen,
                vec![moment.clone(), Type::TEXT_ARRAY, moment.clone()],
            ),
            clear: sql
                .clear
                .as_deref()
                .map(|sql| statement(sql, vec![moment.clone(), moment.clone(), Type::INT8])),
            records: statement(&sql.records, vec![text, moment, Type::INT8]),
            sql,
        }
    }
}

/// A user's id in the type of the list's column.
#[derive(Debug)]
enum ListedUser {
    Text(String),
    Key(UserKey),
}

impl ListedUser {
    /// The parameter, which shows itself nowhere.
    fn parameter(&self) -> Box<dyn ToSql + Sync + Send + '_> {
        match self {
            Self::Text(text) => Box::new(Text(text)),
            Self::Key(key) => Box::new(key),
        }
    }
}

impl PostgresStore {
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
        let statements = ListSql::schema(Dialect::Postgres).join("; ");
        let Err(error) = self
            .call()
            .batch(&format!("BEGIN; {statements}; COMMIT"))
            .await
        else {
            return Ok(true);
        };
        // Somebody else may have made it at the same moment.
        match self.look_for_session_list().await? {
            Some(_) => Ok(false),
            None => Err(error),
        }
    }

    async fn look_for_session_list(&self) -> Result<Option<ListStatements>, StoreError> {
        let known = KNOWN.map(|table| format!("'{table}'")).join(", ");
        let statement = Statement::once(
            &format!(
                "SELECT relname::text FROM pg_class WHERE relname IN ({known}) \
                 AND relkind IN ('r', 'p', 'v', 'f') AND pg_table_is_visible(oid)"
            ),
            &[],
        );
        let call = self.call();
        let rows = call.read(&statement, &[]).await?;
        let found = rows.iter().map(|row| call.column(row, 0));
        let found: Vec<String> = found.collect::<Result<_, _>>()?;
        let sql = ListSql::new(Dialect::Postgres, &found, &self.0.sessions);
        Ok(sql.map(|sql| {
            let user = match sql.keeper {
                Keeper::Ours => Type::TEXT,
                Keeper::Allauth => key_type(self.user_table()),
            };
            ListStatements::new(sql, user)
        }))
    }

    async fn list(&self) -> Result<Option<&ListStatements>, StoreError> {
        let look = || self.look_for_session_list();
        let found = self.0.session_list.get_or_try_init(look).await?;
        Ok(found.as_ref())
    }

    /// The statements, and the user's id as the table keeps it; `None` for one that it cannot keep.
    async fn list_of(
        &self,
        user_id: &str,
    ) -> Result<Option<(&ListStatements, ListedUser)>, StoreError> {
        let Some(list) = self.list().await? else {
            return Ok(None);
        };
        let user = match list.sql.keeper {
            // No text of PostgreSQL's has one.
            Keeper::Ours if user_id.contains('\0') => None,
            Keeper::Ours => Some(ListedUser::Text(user_id.to_owned())),
            Keeper::Allauth => listed_key(self.key(user_id), user_id).map(ListedUser::Key),
        };
        Ok(user.map(|user| (list, user)))
    }
}

#[async_trait]
impl SessionList for PostgresStore {
    async fn is_kept(&self) -> Result<bool, StoreError> {
        Ok(self.list().await?.is_some())
    }

    async fn add(&self, entry: &SessionEntry) -> Result<(), StoreError> {
        let Some((list, user)) = self.list_of(&entry.user_id).await? else {
            return Ok(());
        };
        let (id, address) = (
            list.sql.id_column(&entry.id),
            list.sql.address_column(entry),
        );
        let user = user.parameter();
        let parameters: [&(dyn ToSql + Sync); 7] = [
            &Text(&id),
            &*user,
            &Text(entry.key.as_str()),
            &Moment(entry.created),
            &Moment(entry.last_seen),
            &address.as_deref().map(Text),
            &Text(&entry.user_agent),
        ];
        self.call().write(None, &list.add, &parameters).await?;
        Ok(())
    }

    async fn of_user(&self, user_id: &str, at_most: u32) -> Result<Vec<SessionEntry>, StoreError> {
        let Some((list, user)) = self.list_of(user_id).await? else {
            return Ok(Vec::new());
        };
        let call = self.call();
        let user = user.parameter();
        let rows = call
            .read(&list.of_user, &[&*user, &i64::from(at_most)])
            .await?;
        let entries = rows.iter().map(|row| entry(call, row, user_id));
        entries.filter_map(Result::transpose).collect()
    }

    async fn by_key(
        &self,
        user_id: &str,
        key: &SessionKey,
    ) -> Result<Option<SessionEntry>, StoreError> {
        let Some((list, user)) = self.list_of(user_id).await? else {
            return Ok(None);
        };
        let call = self.call();
        let user = user.parameter();
        let rows = call
            .read(&list.by_key, &[&*user, &Text(key.as_str())])
            .await?;
        let found = rows.first().map(|row| entry(call, row, user_id));
        found.transpose().map(Option::flatten)
    }

    async fn remove(&self, key: &SessionKey) -> Result<(), StoreError> {
        let Some(list) = self.list().await? else {
            return Ok(());
        };
        let call = self.call();
        call.write(None, &list.remove, &[&Text(key.as_str())])
            .await?;
        Ok(())
    }

    async fn seen(&self, keys: &[SessionKey], at: Timestamp) -> Result<(), StoreError> {
        let Some(list) = self.list().await? else {
            return Ok(());
        };
        let keys: Vec<Text<'_>> = keys.iter().map(|key| Text(key.as_str())).collect();
        let call = self.call();
        call.write(None, &list.seen, &[&Moment(at), &keys, &Moment(at)])
            .await?;
        Ok(())
    }

    async fn clear_unseen(
        &self,
        before: Timestamp,
        now: Timestamp,
        at_most: u32,
    ) -> Result<u64, StoreError> {
        let Some(clear) = self.list().await?.and_then(|list| list.clear.as_ref()) else {
            return Ok(0);
        };
        let parameters: [&(dyn ToSql + Sync); 3] =
            [&Moment(before), &Moment(now), &i64::from(at_most)];
        let answer = self.call().write(None, clear, &parameters).await?;
        Ok(answer.count)
    }

    async fn records(
        &self,
        after: &str,
        now: Timestamp,
        at_most: u32,
    ) -> Result<Vec<(String, Option<Stored>)>, StoreError> {
        let Some(list) = self.list().await? else {
            return Ok(Vec::new());
        };
        let call = self.call();
        let parameters: [&(dyn ToSql + Sync); 3] =
            [&Text(after), &Moment(now), &i64::from(at_most)];
        let rows = call.read(&list.records, &parameters).await?;
        let record = |row: &Row| {
            let stored = row.try_get::<_, &str>(1).ok();
            let Moment(expire_date) = call.column(row, 2)?;
            let stored = stored.map(|text| Stored::signed(text, expire_date));
            Ok((call.column(row, 0)?, stored))
        };
        rows.iter().map(record).collect()
    }
}

fn entry(call: Call<'_>, row: &Row, user_id: &str) -> Result<Option<SessionEntry>, StoreError> {
    let moment = |place| -> Result<Timestamp, StoreError> {
        let Moment(moment) = call.column(row, place)?;
        Ok(moment)
    };
    let columns = Columns {
        id: call.column(row, 0)?,
        data: call.column(row, 1)?,
        key: call.column(row, 2)?,
        created: moment(3)?,
        last_seen: moment(4)?,
        address: call.column(row, 5)?,
        user_agent: call.column(row, 6)?,
    };
    Ok(columns.entry(user_id))
}

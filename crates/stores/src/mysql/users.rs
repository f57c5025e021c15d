//! The table of users, by the contract of [`UserStore`].
//!
//! A name is compared by the column's collation, as Django on this database compares it: usually `Ada`, `ada` and
//! `àda` name the same user, and none of them can be taken by a second one. Passwords are compared as bytes.

use std::collections::HashSet;

use async_trait::async_trait;
use cloakroom_core::auth::{CreateUser, User, UserChanged, UserCreated, UserStore, same_email};
use cloakroom_core::session::StoreError;
use cloakroom_core::time::{Timestamp, Zone};
use mysql_async::{Row, Value};

use super::pool::Access;
use super::sessions::text;
use super::{MySqlStore, moment};
use crate::dialect::{Dialect, pattern};
use crate::second_factor::{KNOWN, SecondFactors};
use crate::user_key::{KeyType, UserKey};
use crate::user_sql::{Field, Place, UserSql};
use crate::user_table::{NameRule, UserTable, may_be_stored};

impl MySqlStore {
    fn users(&self) -> &UserSql {
        &self.0.users
    }

    pub(super) fn key(&self, id: &str) -> Option<UserKey> {
        self.users().table.key.parse(id)
    }

    async fn find_users(&self, sql: &str, params: &[Value]) -> Result<Vec<User>, StoreError> {
        self.within(async {
            let mut lease = self.lease(Access::Read).await?;
            let rows = lease.rows(sql, params).await?;
            let users = rows.iter().map(|row| {
                user(row, self.0.zone, &self.users().table).ok_or_else(|| self.unreadable())
            });
            users.collect()
        })
        .await
    }

    async fn change_user(&self, sql: &str, params: &[Value]) -> Result<UserChanged, StoreError> {
        self.within(async {
            let mut lease = self.lease(Access::Write).await?;
            let changed = lease.execute(sql, params).await?;
            Ok(outcome(changed))
        })
        .await
    }

    /// The texts that a statement finds for a user, whose key stands in it so often.
    async fn texts_of(
        &self,
        id: &str,
        sql: Option<&str>,
        times: usize,
    ) -> Result<Vec<String>, StoreError> {
        let (Some(key), Some(sql)) = (self.key(id), sql) else {
            return Ok(Vec::new());
        };
        self.within(async {
            let mut lease = self.lease(Access::Read).await?;
            let rows = lease.rows(sql, &vec![bound(&key); times]).await?;
            Ok(rows.iter().filter_map(|row| row.get_opt(0)?.ok()).collect())
        })
        .await
    }

    /// A user's key as the statements for one user want it.
    fn this_user(&self, key: &UserKey) -> Vec<Value> {
        vec![bound(key); if self.users().key_twice { 2 } else { 1 }]
    }

    /// The tables of second factors that are there now.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn second_factor_tables(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.look_for_second_factors().await?.tables)
    }

    async fn look_for_second_factors(&self) -> Result<SecondFactors, StoreError> {
        let known = KNOWN.map(|table| format!("'{table}'")).join(", ");
        let sql = format!(
            "SELECT table_name, column_name FROM information_schema.columns \
             WHERE table_schema = DATABASE() AND table_name IN ({known})"
        );
        self.within(async {
            let mut lease = self.lease(Access::Read).await?;
            let rows = lease.rows(&sql, &[]).await?;
            let pairs = rows
                .iter()
                .filter_map(|row| Some((row.get_opt(0)?.ok()?, row.get_opt(1)?.ok()?)));
            Ok(SecondFactors::new(Dialect::MySql, pairs))
        })
        .await
    }

    /// Unlike a session that cannot be read, such a user is an error: guessing about a user would be worse.
    fn unreadable(&self) -> StoreError {
        StoreError::new(format!(
            "the database {} has a user with a date, a text or a key that is none; look at the rows of {}",
            self.name(),
            self.users().table.name
        ))
    }
}

#[async_trait]
impl UserStore for MySqlStore {
    async fn by_id(&self, id: &str) -> Result<Option<User>, StoreError> {
        let Some(key) = self.key(id) else {
            return Ok(None);
        };
        let found = self
            .find_users(&self.users().by_id, &self.this_user(&key))
            .await?;
        Ok(found.into_iter().next())
    }

    async fn by_username(&self, username: &str) -> Result<Option<User>, StoreError> {
        let names = self.users().table.names;
        let typed = match names {
            NameRule::IgnoringCase => text(&pattern(username)),
            NameRule::AsTheDatabase | NameRule::Exact => text(username),
        };
        let found = self.find_users(&self.users().by_name, &[typed]).await?;
        Ok(names.choose(username, found))
    }

    async fn by_email(&self, typed: &str) -> Result<Vec<User>, StoreError> {
        let sql = self.users().by_email.as_deref();
        let Some(sql) = sql.filter(|_| may_be_stored(typed)) else {
            return Ok(Vec::new());
        };
        let mut found = self.find_users(sql, &[text(&pattern(typed))]).await?;
        found.retain(|user| same_email(typed, &user.email));
        Ok(found)
    }

    async fn permissions(&self, id: &str) -> Result<HashSet<String>, StoreError> {
        let users = self.users();
        let granted = self
            .texts_of(id, users.granted.as_deref(), users.granted_keys)
            .await?;
        Ok(granted.into_iter().collect())
    }

    async fn groups(&self, id: &str) -> Result<Vec<String>, StoreError> {
        let mut groups = self.texts_of(id, self.users().groups.as_deref(), 1).await?;
        groups.sort_unstable();
        Ok(groups)
    }

    async fn second_factor(&self, id: &str) -> Result<bool, StoreError> {
        let Some(key) = self.key(id) else {
            return Ok(false);
        };
        let look = || self.look_for_second_factors();
        let factors = self.0.second_factors.get_or_try_init(look).await?;
        let Some(sql) = &factors.sql else {
            return Ok(false);
        };
        self.within(async {
            let mut lease = self.lease(Access::Read).await?;
            let keys = vec![bound(&key); factors.tables.len()];
            Ok(lease.row(sql, &keys).await?.is_some())
        })
        .await
    }

    async fn any_user(&self) -> Result<bool, StoreError> {
        self.within(async {
            let mut lease = self.lease(Access::Read).await?;
            let row = lease.row(&self.users().any, &[]).await?;
            Ok(row.is_some())
        })
        .await
    }

    async fn create_user(
        &self,
        user: &User,
        condition: CreateUser,
    ) -> Result<UserCreated, StoreError> {
        let (users, zone) = (self.users(), self.0.zone);
        users.table.check_new(user)?;
        let key = users.table.key.new_key(&user.id)?;
        self.within(async {
            let fields = users.fields.iter();
            let params: Vec<Value> = fields
                .map(|field| value(*field, user, key.as_ref(), zone))
                .collect();
            let mut lease = self.lease(Access::Write).await?;
            let sql = match condition {
                CreateUser::Always => &users.create,
                CreateUser::OnlyTheFirst => {
                    // Then "there is none" locks the empty table against everybody's inserts, Django's too, until
                    // this one is done. Two at once meet a deadlock, and the one that is undone sees the other. Ours
                    // come one after the other, so that a crowd does not undo each other for ever: the lock goes
                    // with the connection.
                    lease.for_once();
                    lease.command(ONE_AT_A_TIME).await?;
                    lease
                        .command("SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE")
                        .await?;
                    &users.create_first
                }
            };
            match lease.insert(sql, &params).await? {
                None => Ok(UserCreated::UsernameTaken),
                Some(0) => Ok(UserCreated::NotTheFirst),
                Some(_) => {
                    let mut created = user.clone();
                    created.id = match &key {
                        Some(key) => key.to_session_text(),
                        None => {
                            let id = lease.inserted_id().ok_or_else(|| self.unreadable())?;
                            id.to_string()
                        }
                    };
                    if users.table.signs_in_by_email() {
                        created.email.clone_from(&created.username);
                    }
                    Ok(UserCreated::Created(created))
                }
            }
        })
        .await
    }

    async fn set_password(
        &self,
        id: &str,
        seen: Option<&str>,
        encoded: &str,
    ) -> Result<UserChanged, StoreError> {
        let Some(key) = self.key(id) else {
            return Ok(UserChanged::NotChanged);
        };
        let mut params = vec![text(encoded)];
        params.extend(self.this_user(&key));
        let Some(seen) = seen else {
            return self.change_user(&self.users().set_password, &params).await;
        };
        params.push(text(seen));
        self.change_user(&self.users().replace_password, &params)
            .await
    }

    async fn set_last_login(&self, id: &str, at: Timestamp) -> Result<UserChanged, StoreError> {
        let Some(key) = self.key(id) else {
            return Ok(UserChanged::NotChanged);
        };
        let Some(sql) = &self.users().set_last_login else {
            return Ok(outcome(u64::from(self.by_id(id).await?.is_some())));
        };
        let mut params = vec![moment::param(self.0.zone, at)];
        params.extend(self.this_user(&key));
        self.change_user(sql, &params).await
    }
}

/// A row of `SELECT`; `None` if a value is not of its kind.
fn user(row: &Row, zone: Zone, table: &UserTable) -> Option<User> {
    let text = |place: usize| row.get_opt::<String, _>(place)?.ok();
    let flag = |place: usize| row.get_opt::<bool, _>(place)?.ok();
    let moment = |place: usize| match row.as_ref(place)? {
        Value::NULL => Some(None),
        value => moment::read(zone, value).map(Some),
    };
    let id = match table.key {
        KeyType::Integer => row.get_opt::<i64, _>(Place::ID)?.ok()?.to_string(),
        key => key.text_of_column(text(Place::ID)?)?,
    };
    let mut user = User::new(id, text(Place::USERNAME)?, Timestamp::MIN);
    user.date_joined = moment(Place::DATE_JOINED)?;
    user.password = text(Place::PASSWORD)?;
    user.last_login = moment(Place::LAST_LOGIN)?;
    user.is_superuser = flag(Place::IS_SUPERUSER)?;
    user.first_name = text(Place::FIRST_NAME)?;
    user.last_name = text(Place::LAST_NAME)?;
    user.email = text(Place::EMAIL)?;
    user.is_staff = flag(Place::IS_STAFF)?;
    user.is_active = flag(Place::IS_ACTIVE)?;
    for (number, column) in table.columns.iter().enumerate() {
        let value = of_the_site(row.as_ref(Place::EXTRA + number)?)?;
        user.columns.set(column.as_str(), value);
    }
    Some(user)
}

/// A column of the site's own: a number where the server sends one, otherwise text.
fn of_the_site(value: &Value) -> Option<serde_json::Value> {
    let float = |number: f64| match serde_json::Number::from_f64(number) {
        Some(number) => number.into(),
        None => serde_json::Value::from(number.to_string()),
    };
    Some(match value {
        Value::NULL => serde_json::Value::Null,
        Value::Bytes(bytes) => std::str::from_utf8(bytes).ok()?.into(),
        Value::Int(number) => (*number).into(),
        Value::UInt(number) => (*number).into(),
        Value::Float(number) => float((*number).into()),
        Value::Double(number) => float(*number),
        // As the server writes them, in quotes.
        Value::Date(..) | Value::Time(..) => value.as_sql(true).trim_matches('\'').into(),
    })
}

/// What a new row has in this field.
fn value(field: Field, user: &User, key: Option<&UserKey>, zone: Zone) -> Value {
    let moment = |at: Option<Timestamp>| at.map_or(Value::NULL, |at| moment::param(zone, at));
    match field {
        Field::Id => key.map_or(Value::NULL, bound),
        Field::Username => text(&user.username),
        Field::Password => text(&user.password),
        Field::LastLogin => moment(user.last_login),
        Field::IsSuperuser => user.is_superuser.into(),
        Field::FirstName => text(&user.first_name),
        Field::LastName => text(&user.last_name),
        Field::Email => text(&user.email),
        Field::IsStaff => user.is_staff.into(),
        Field::IsActive => user.is_active.into(),
        Field::DateJoined => moment(user.date_joined),
    }
}

/// A key, as its column keeps it: never a number where that is a text, nor a text where it is a number. A UUID of
/// MariaDB's own type is read in this form too.
pub(super) fn bound(key: &UserKey) -> Value {
    match key {
        UserKey::Integer(number) => (*number).into(),
        UserKey::Uuid(uuid) => text(&uuid.simple().to_string()),
        UserKey::Text(key) => text(key),
    }
}

const fn outcome(changed: u64) -> UserChanged {
    if changed == 0 {
        UserChanged::NotChanged
    } else {
        UserChanged::Changed
    }
}

/// Waits no longer than a page may; whoever does not get the lock is only slower. Its name has at most 64 characters.
const ONE_AT_A_TIME: &str =
    "DO GET_LOCK(LEFT(CONCAT('cloakroom first user of ', DATABASE()), 64), 2)";

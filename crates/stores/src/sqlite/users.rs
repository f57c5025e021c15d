//! The table of users, by the contract of [`UserStore`].

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use cloakroom_core::auth::{CreateUser, User, UserChanged, UserCreated, UserStore, same_email};
use cloakroom_core::session::StoreError;
use cloakroom_core::time::{Timestamp, Zone};
use rusqlite::types::{ToSqlOutput, Type, Value, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params_from_iter};

use super::SqliteStore;
use crate::dialect::Dialect;
use crate::second_factor::{KNOWN, SecondFactors};
use crate::user_key::{KeyType, UserKey};
use crate::user_sql::{Field, Place, UserSql};
use crate::user_table::may_be_stored;

impl SqliteStore {
    fn users(&self) -> &Arc<UserSql> {
        &self.0.users
    }

    pub(super) fn key(&self, id: &str) -> Option<UserKey> {
        self.users().table.key.parse(id)
    }

    async fn find_users(
        &self,
        sql: impl Fn(&UserSql) -> Option<&str> + Send + 'static,
        text: &str,
    ) -> Result<Vec<User>, StoreError> {
        let (users, zone, text) = (Arc::clone(self.users()), self.zone(), text.to_owned());
        self.read(move |connection| match sql(&users) {
            None => Ok(Vec::new()),
            Some(sql) => connection
                .prepare_cached(sql)?
                .query_map([&text], |row| user(row, &users, zone))?
                .collect(),
        })
        .await
    }

    /// Changes one user by a statement that ends with the key.
    async fn change_user(
        &self,
        id: &str,
        sql: impl Fn(&UserSql) -> &str + Send + 'static,
        values: impl Fn(&UserKey) -> Vec<Value> + Send + 'static,
    ) -> Result<UserChanged, StoreError> {
        let Some(key) = self.key(id) else {
            return Ok(UserChanged::NotChanged);
        };
        let users = Arc::clone(self.users());
        self.write(move |connection| {
            let changed = connection
                .prepare_cached(sql(&users))?
                .execute(params_from_iter(values(&key)))?;
            Ok(outcome(changed))
        })
        .await
    }

    /// The texts that a statement finds for a user.
    async fn texts_of(
        &self,
        id: &str,
        sql: impl Fn(&UserSql) -> Option<&str> + Send + 'static,
    ) -> Result<Vec<String>, StoreError> {
        let (users, key) = (Arc::clone(self.users()), self.key(id));
        let Some(key) = key else {
            return Ok(Vec::new());
        };
        self.read(move |connection| match sql(&users) {
            None => Ok(Vec::new()),
            Some(sql) => connection
                .prepare_cached(sql)?
                .query_map([&key], |row| row.get(0))?
                .collect(),
        })
        .await
    }

    /// The tables of second factors that are there now.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn second_factor_tables(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.look_for_second_factors().await?.tables)
    }

    async fn look_for_second_factors(&self) -> Result<SecondFactors, StoreError> {
        self.read(|connection| {
            let mut columns =
                connection.prepare_cached("SELECT name FROM pragma_table_info(?1)")?;
            let mut found = Vec::new();
            for table in KNOWN {
                for column in columns.query_map([table], |row| row.get(0))? {
                    found.push((table.to_owned(), column?));
                }
            }
            Ok(SecondFactors::new(Dialect::Sqlite, found))
        })
        .await
    }
}

#[async_trait]
impl UserStore for SqliteStore {
    async fn by_id(&self, id: &str) -> Result<Option<User>, StoreError> {
        let Some(key) = self.key(id) else {
            return Ok(None);
        };
        let (users, zone) = (Arc::clone(self.users()), self.zone());
        self.read(move |connection| {
            connection
                .prepare_cached(&users.by_id)?
                .query_row([&key], |row| user(row, &users, zone))
                .optional()
        })
        .await
    }

    async fn by_username(&self, username: &str) -> Result<Option<User>, StoreError> {
        let found = self
            .find_users(|users| Some(&users.by_name), username)
            .await?;
        Ok(self.users().table.names.choose(username, found))
    }

    async fn by_email(&self, typed: &str) -> Result<Vec<User>, StoreError> {
        if !may_be_stored(typed) {
            return Ok(Vec::new());
        }
        let mut found = self
            .find_users(|users| users.by_email.as_deref(), typed)
            .await?;
        found.retain(|user| same_email(typed, &user.email));
        Ok(found)
    }

    async fn permissions(&self, id: &str) -> Result<HashSet<String>, StoreError> {
        let granted = self.texts_of(id, |users| users.granted.as_deref()).await?;
        Ok(granted.into_iter().collect())
    }

    async fn groups(&self, id: &str) -> Result<Vec<String>, StoreError> {
        let mut groups = self.texts_of(id, |users| users.groups.as_deref()).await?;
        groups.sort_unstable();
        Ok(groups)
    }

    async fn second_factor(&self, id: &str) -> Result<bool, StoreError> {
        let Some(key) = self.key(id) else {
            return Ok(false);
        };
        let look = || self.look_for_second_factors();
        let factors = self.0.second_factors.get_or_try_init(look).await?;
        let Some(sql) = factors.sql.clone() else {
            return Ok(false);
        };
        self.read(move |connection| connection.prepare_cached(&sql)?.exists([&key]))
            .await
    }

    async fn any_user(&self) -> Result<bool, StoreError> {
        let users = Arc::clone(self.users());
        self.read(move |connection| any(connection, &users)).await
    }

    async fn create_user(
        &self,
        user: &User,
        condition: CreateUser,
    ) -> Result<UserCreated, StoreError> {
        let (users, user, zone) = (Arc::clone(self.users()), user.clone(), self.zone());
        users.table.check_new(&user)?;
        let key = users.table.key.new_key(&user.id)?;
        self.write(move |connection| {
            if condition == CreateUser::OnlyTheFirst && any(connection, &users)? {
                return Ok(UserCreated::NotTheFirst);
            }
            let values = users
                .fields
                .iter()
                .map(|field| value(*field, &user, key.as_ref(), zone));
            let inserted = connection
                .prepare_cached(&users.create)?
                .execute(params_from_iter(values))?;
            if inserted == 0 {
                return Ok(UserCreated::UsernameTaken);
            }
            let mut created = user.clone();
            created.id = match &key {
                Some(key) => key.to_session_text(),
                None => connection.last_insert_rowid().to_string(),
            };
            if users.table.signs_in_by_email() {
                created.email.clone_from(&created.username);
            }
            Ok(UserCreated::Created(created))
        })
        .await
    }

    async fn set_password(
        &self,
        id: &str,
        seen: Option<&str>,
        encoded: &str,
    ) -> Result<UserChanged, StoreError> {
        let (seen, encoded) = (seen.map(str::to_owned), encoded.to_owned());
        let replaces = seen.is_some();
        self.change_user(
            id,
            move |users| {
                if replaces {
                    &users.replace_password
                } else {
                    &users.set_password
                }
            },
            move |key| {
                let mut values = vec![Value::from(encoded.clone()), bound(key)];
                values.extend(seen.clone().map(Value::from));
                values
            },
        )
        .await
    }

    async fn set_last_login(&self, id: &str, at: Timestamp) -> Result<UserChanged, StoreError> {
        if self.users().set_last_login.is_none() {
            return Ok(outcome(usize::from(self.by_id(id).await?.is_some())));
        }
        let at = self.zone().sql_text(at);
        let values = move |key: &UserKey| vec![Value::from(at.clone()), bound(key)];
        self.change_user(
            id,
            |users| users.set_last_login.as_deref().unwrap_or_default(),
            values,
        )
        .await
    }
}

fn any(connection: &Connection, users: &UserSql) -> rusqlite::Result<bool> {
    connection.prepare_cached(&users.any)?.exists([])
}

fn user(row: &Row<'_>, users: &UserSql, zone: Zone) -> rusqlite::Result<User> {
    let id = match users.table.key {
        KeyType::Integer => row.get::<_, i64>(Place::ID)?.to_string(),
        key => key.text_of_column(row.get(Place::ID)?).ok_or_else(|| {
            rusqlite::Error::FromSqlConversionFailure(Place::ID, Type::Text, "not a key".into())
        })?,
    };
    let mut user = User::new(id, row.get::<_, String>(Place::USERNAME)?, Timestamp::MIN);
    user.date_joined = moment(row, Place::DATE_JOINED, zone)?;
    user.password = row.get(Place::PASSWORD)?;
    user.last_login = moment(row, Place::LAST_LOGIN, zone)?;
    user.is_superuser = row.get(Place::IS_SUPERUSER)?;
    user.first_name = row.get(Place::FIRST_NAME)?;
    user.last_name = row.get(Place::LAST_NAME)?;
    user.email = row.get(Place::EMAIL)?;
    user.is_staff = row.get(Place::IS_STAFF)?;
    user.is_active = row.get(Place::IS_ACTIVE)?;
    for (number, column) in users.table.columns.iter().enumerate() {
        user.columns
            .set(column.as_str(), of_the_site(row, Place::EXTRA + number)?);
    }
    Ok(user)
}

/// A column of the site's own.
fn of_the_site(row: &Row<'_>, place: usize) -> rusqlite::Result<serde_json::Value> {
    Ok(match row.get_ref(place)? {
        ValueRef::Null => serde_json::Value::Null,
        ValueRef::Integer(number) => number.into(),
        // What JSON has no number for.
        ValueRef::Real(number) if !number.is_finite() => number.to_string().into(),
        ValueRef::Real(number) => number.into(),
        // An error, if it is none.
        ValueRef::Text(_) | ValueRef::Blob(_) => row.get::<_, String>(place)?.into(),
    })
}

/// A date that is none is an error, unlike in a session: guessing about a user would be worse.
fn moment(row: &Row<'_>, column: usize, zone: Zone) -> rusqlite::Result<Option<Timestamp>> {
    let Some(text) = row.get::<_, Option<String>>(column)? else {
        return Ok(None);
    };
    zone.from_sql_text(&text).map(Some).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, "not a date".into())
    })
}

/// What a new row has in this field.
fn value(field: Field, user: &User, key: Option<&UserKey>, zone: Zone) -> Value {
    let moment =
        |moment: Option<Timestamp>| Value::from(moment.map(|moment| zone.sql_text(moment)));
    match field {
        Field::Id => key.map_or(Value::Null, bound),
        Field::Username => user.username.clone().into(),
        Field::Password => user.password.clone().into(),
        Field::LastLogin => moment(user.last_login),
        Field::IsSuperuser => user.is_superuser.into(),
        Field::FirstName => user.first_name.clone().into(),
        Field::LastName => user.last_name.clone().into(),
        Field::Email => user.email.clone().into(),
        Field::IsStaff => user.is_staff.into(),
        Field::IsActive => user.is_active.into(),
        Field::DateJoined => moment(user.date_joined),
    }
}

/// A key as its column keeps it.
pub(super) fn bound(key: &UserKey) -> Value {
    match key {
        UserKey::Integer(number) => (*number).into(),
        UserKey::Uuid(uuid) => uuid.simple().to_string().into(),
        UserKey::Text(text) => text.clone().into(),
    }
}

impl ToSql for UserKey {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(bound(self)))
    }
}

const fn outcome(changed: usize) -> UserChanged {
    if changed == 0 {
        UserChanged::NotChanged
    } else {
        UserChanged::Changed
    }
}

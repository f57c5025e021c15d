//! The table of users, by the contract of [`UserStore`].

use std::collections::HashSet;

use async_trait::async_trait;
use cloakroom_core::auth::{CreateUser, User, UserChanged, UserCreated, UserStore, same_email};
use cloakroom_core::session::StoreError;
use cloakroom_core::time::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::PostgresStore;
use super::call::Call;
use super::statement::{Statement, key_type};
use super::value::{Moment, Text};
use crate::dialect::Dialect;
use crate::second_factor::{KNOWN, SecondFactors};
use crate::user_key::{KeyType, UserKey};
use crate::user_sql::{Field, Place};
use crate::user_table::{UserTable, may_be_stored};

impl PostgresStore {
    pub(super) fn user_table(&self) -> &UserTable {
        &self.0.users.table
    }

    pub(super) fn key(&self, id: &str) -> Option<UserKey> {
        self.user_table().key.parse(id)
    }

    async fn find_users(&self, statement: &Statement, text: &str) -> Result<Vec<User>, StoreError> {
        let call = self.call();
        let rows = call.read(statement, &[&Text(text)]).await?;
        rows.iter()
            .map(|row| user(call, row, self.user_table()))
            .collect()
    }

    /// The texts that a statement finds for a user; none where the site has no such table.
    async fn texts_of(
        &self,
        id: &str,
        statement: Option<&Statement>,
    ) -> Result<Vec<String>, StoreError> {
        let (Some(key), Some(statement)) = (self.key(id), statement) else {
            return Ok(Vec::new());
        };
        let call = self.call();
        let rows = call.read(statement, &[&key]).await?;
        rows.iter().map(|row| call.column(row, 0)).collect()
    }

    /// The tables of second factors that are there now.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn second_factor_tables(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.look_for_second_factors().await?.0.tables)
    }

    async fn look_for_second_factors(&self) -> Result<(SecondFactors, Statement), StoreError> {
        let known = KNOWN.map(|table| format!("'{table}'")).join(", ");
        let statement = Statement::once(
            &format!(
                "SELECT relname::text, attname::text FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid \
                 WHERE relname IN ({known}) AND relkind IN ('r', 'p', 'v', 'm', 'f') \
                 AND pg_table_is_visible(pg_class.oid) AND attnum > 0 AND NOT attisdropped"
            ),
            &[],
        );
        let call = self.call();
        let rows = call.read(&statement, &[]).await?;
        let found = rows
            .iter()
            .map(|row| Ok((call.column(row, 0)?, call.column(row, 1)?)));
        let found: Vec<(String, String)> = found.collect::<Result<_, StoreError>>()?;
        let factors = SecondFactors::new(Dialect::Postgres, found);
        let statement = Statement {
            place: None,
            sql: factors.sql.clone().unwrap_or_default(),
            types: vec![key_type(self.user_table())].into(),
        };
        Ok((factors, statement))
    }
}

#[async_trait]
impl UserStore for PostgresStore {
    async fn by_id(&self, id: &str) -> Result<Option<User>, StoreError> {
        let Some(key) = self.key(id) else {
            return Ok(None);
        };
        let call = self.call();
        let rows = call.read(&self.statements().user_by_id, &[&key]).await?;
        let row = rows.first();
        row.map(|row| user(call, row, self.user_table()))
            .transpose()
    }

    async fn by_username(&self, username: &str) -> Result<Option<User>, StoreError> {
        // No text of PostgreSQL's has one: looking for it would be an error rather than nobody.
        if username.contains('\0') {
            return Ok(None);
        }
        let found = self
            .find_users(&self.statements().user_by_name, username)
            .await?;
        Ok(self.user_table().names.choose(username, found))
    }

    async fn by_email(&self, typed: &str) -> Result<Vec<User>, StoreError> {
        let statement = self.statements().user_by_email.as_ref();
        let Some(statement) = statement.filter(|_| may_be_stored(typed)) else {
            return Ok(Vec::new());
        };
        let mut found = self.find_users(statement, typed).await?;
        found.retain(|user| same_email(typed, &user.email));
        Ok(found)
    }

    async fn permissions(&self, id: &str) -> Result<HashSet<String>, StoreError> {
        let granted = self
            .texts_of(id, self.statements().granted.as_ref())
            .await?;
        Ok(granted.into_iter().collect())
    }

    async fn groups(&self, id: &str) -> Result<Vec<String>, StoreError> {
        let mut groups = self.texts_of(id, self.statements().groups.as_ref()).await?;
        groups.sort_unstable();
        Ok(groups)
    }

    async fn second_factor(&self, id: &str) -> Result<bool, StoreError> {
        let Some(key) = self.key(id) else {
            return Ok(false);
        };
        let look = || self.look_for_second_factors();
        let (factors, statement) = self.0.second_factors.get_or_try_init(look).await?;
        if factors.tables.is_empty() {
            return Ok(false);
        }
        let rows = self.call().read(statement, &[&key]).await?;
        Ok(!rows.is_empty())
    }

    async fn any_user(&self) -> Result<bool, StoreError> {
        let rows = self.call().read(&self.statements().any_user, &[]).await?;
        Ok(!rows.is_empty())
    }

    async fn create_user(
        &self,
        user: &User,
        condition: CreateUser,
    ) -> Result<UserCreated, StoreError> {
        let (call, table) = (self.call(), self.user_table());
        table.check_new(user)?;
        let key = table.key.new_key(&user.id)?;
        let values: Vec<Box<dyn ToSql + Sync + Send + '_>> = self
            .0
            .users
            .fields
            .iter()
            .map(|field| value(*field, user, key.as_ref()))
            .collect();
        let parameters: Vec<&(dyn ToSql + Sync)> = values
            .iter()
            .map(|value| &**value as &(dyn ToSql + Sync))
            .collect();
        let answer = match condition {
            CreateUser::Always => {
                let statement = &self.statements().create_user;
                call.write(None, statement, &parameters).await?
            }
            // The lock stops whoever else inserts a user, a Django too; readers go on.
            CreateUser::OnlyTheFirst => {
                let lock = format!(
                    "LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE",
                    Dialect::Postgres.name(&table.name)
                );
                let statement = &self.statements().create_first_user;
                call.write_after(&lock, statement, &parameters).await?
            }
        };
        let Some(row) = answer.rows.first() else {
            return Ok(match condition {
                CreateUser::Always => UserCreated::UsernameTaken,
                CreateUser::OnlyTheFirst => UserCreated::NotTheFirst,
            });
        };
        let mut created = user.clone();
        created.id = id(call, row, table)?;
        if table.signs_in_by_email() {
            created.email.clone_from(&created.username);
        }
        Ok(UserCreated::Created(created))
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
        let call = self.call();
        let answer = match seen {
            None => {
                let statement = &self.statements().set_password;
                call.write(None, statement, &[&Text(encoded), &key]).await?
            }
            // No stored text has one.
            Some(seen) if seen.contains('\0') => return Ok(UserChanged::NotChanged),
            Some(seen) => {
                let statement = &self.statements().replace_password;
                call.write(None, statement, &[&Text(encoded), &key, &Text(seen)])
                    .await?
            }
        };
        Ok(outcome(answer.count))
    }

    async fn set_last_login(&self, id: &str, at: Timestamp) -> Result<UserChanged, StoreError> {
        let Some(key) = self.key(id) else {
            return Ok(UserChanged::NotChanged);
        };
        let Some(statement) = &self.statements().set_last_login else {
            return Ok(outcome(u64::from(self.by_id(id).await?.is_some())));
        };
        let call = self.call();
        let answer = call.write(None, statement, &[&Moment(at), &key]).await?;
        Ok(outcome(answer.count))
    }
}

fn user(call: Call<'_>, row: &Row, table: &UserTable) -> Result<User, StoreError> {
    let name: String = call.column(row, Place::USERNAME)?;
    let mut user = User::new(id(call, row, table)?, name, Timestamp::MIN);
    let moment = |place| -> Result<Option<Timestamp>, StoreError> {
        let moment = call.column::<Option<Moment>>(row, place)?;
        Ok(moment.map(|Moment(moment)| moment))
    };
    user.date_joined = moment(Place::DATE_JOINED)?;
    user.password = call.column(row, Place::PASSWORD)?;
    user.last_login = moment(Place::LAST_LOGIN)?;
    user.is_superuser = call.column(row, Place::IS_SUPERUSER)?;
    user.first_name = call.column(row, Place::FIRST_NAME)?;
    user.last_name = call.column(row, Place::LAST_NAME)?;
    user.email = call.column(row, Place::EMAIL)?;
    user.is_staff = call.column(row, Place::IS_STAFF)?;
    user.is_active = call.column(row, Place::IS_ACTIVE)?;
    for (number, column) in table.columns.iter().enumerate() {
        // JSON, see where it is selected.
        let text: Option<&str> = call.column(row, Place::EXTRA + number)?;
        let value = text.and_then(|text| serde_json::from_str(text).ok());
        user.columns
            .set(column.as_str(), value.unwrap_or(serde_json::Value::Null));
    }
    Ok(user)
}

/// A row's first column, as a session keeps it.
fn id(call: Call<'_>, row: &Row, table: &UserTable) -> Result<String, StoreError> {
    match table.key {
        KeyType::Integer => Ok(call.column::<i64>(row, Place::ID)?.to_string()),
        key => key
            .text_of_column(call.column(row, Place::ID)?)
            .ok_or_else(|| {
                StoreError::new(format!(
                    "the table {} has a primary key that is no UUID",
                    table.name
                ))
            }),
    }
}

/// What a new row has in this field.
fn value<'a>(
    field: Field,
    user: &'a User,
    key: Option<&'a UserKey>,
) -> Box<dyn ToSql + Sync + Send + 'a> {
    match field {
        Field::Id => Box::new(key),
        Field::Username => Box::new(Text(&user.username)),
        Field::Password => Box::new(Text(&user.password)),
        Field::LastLogin => Box::new(user.last_login.map(Moment)),
        Field::IsSuperuser => Box::new(user.is_superuser),
        Field::FirstName => Box::new(Text(&user.first_name)),
        Field::LastName => Box::new(Text(&user.last_name)),
        Field::Email => Box::new(Text(&user.email)),
        Field::IsStaff => Box::new(user.is_staff),
        Field::IsActive => Box::new(user.is_active),
        Field::DateJoined => Box::new(user.date_joined.map(Moment)),
    }
}

const fn outcome(changed: u64) -> UserChanged {
    if changed == 0 {
        UserChanged::NotChanged
    } else {
        UserChanged::Changed
    }
}

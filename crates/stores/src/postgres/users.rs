//! `auth_user`, by the contract of [`UserStore`].

use async_trait::async_trait;
use cloakroom_core::auth::{CreateUser, User, UserChanged, UserCreated, UserStore};
use cloakroom_core::session::StoreError;
use cloakroom_core::time::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::PostgresStore;
use super::call::Call;
use super::value::{Moment, Text};

#[async_trait]
impl UserStore for PostgresStore {
    async fn by_id(&self, id: &str) -> Result<Option<User>, StoreError> {
        let Ok(id) = id.parse::<i64>() else {
            return Ok(None);
        };
        let call = self.call();
        let rows = call.read(&self.statements().user_by_id, &[&id]).await?;
        rows.first().map(|row| user(call, row)).transpose()
    }

    async fn by_username(&self, username: &str) -> Result<Option<User>, StoreError> {
        // No text of PostgreSQL's has one: looking for it would be an error rather than nobody.
        if username.contains('\0') {
            return Ok(None);
        }
        let call = self.call();
        let statement = &self.statements().user_by_name;
        let rows = call.read(statement, &[&Text(username)]).await?;
        rows.first().map(|row| user(call, row)).transpose()
    }

    async fn any_user(&self) -> Result<bool, StoreError> {
        let call = self.call();
        let rows = call.read(&self.statements().any_user, &[]).await?;
        rows.first().map_or(Ok(false), |row| call.column(row, 0))
    }

    async fn create_user(
        &self,
        user: &User,
        condition: CreateUser,
    ) -> Result<UserCreated, StoreError> {
        let call = self.call();
        let parameters: &[&(dyn ToSql + Sync)] = &[
            &Text(&user.username),
            &Text(&user.password),
            &user.last_login.map(Moment),
            &user.is_superuser,
            &Text(&user.first_name),
            &Text(&user.last_name),
            &Text(&user.email),
            &user.is_staff,
            &user.is_active,
            &Moment(user.date_joined),
        ];
        let answer = match condition {
            CreateUser::Always => {
                let statement = &self.statements().create_user;
                call.write(None, statement, parameters).await?
            }
            // The lock stops whoever else inserts a user, a Django too; readers go on.
            CreateUser::OnlyTheFirst => {
                let lock = "LOCK TABLE auth_user IN SHARE ROW EXCLUSIVE MODE";
                let statement = &self.statements().create_first_user;
                call.write_after(lock, statement, parameters).await?
            }
        };
        let Some(row) = answer.rows.first() else {
            return Ok(match condition {
                CreateUser::Always => UserCreated::UsernameTaken,
                CreateUser::OnlyTheFirst => UserCreated::NotTheFirst,
            });
        };
        let mut created = user.clone();
        created.id = call.column::<i64>(row, 0)?.to_string();
        Ok(UserCreated::Created(created))
    }

    async fn set_password(
        &self,
        id: &str,
        seen: Option<&str>,
        encoded: &str,
    ) -> Result<UserChanged, StoreError> {
        let Ok(id) = id.parse::<i64>() else {
            return Ok(UserChanged::NotChanged);
        };
        let statement = &self.statements().set_password;
        let answer = self
            .call()
            .write(None, statement, &[&id, &Text(encoded), &seen.map(Text)])
            .await?;
        Ok(outcome(answer.count))
    }

    async fn set_last_login(&self, id: &str, at: Timestamp) -> Result<UserChanged, StoreError> {
        let Ok(id) = id.parse::<i64>() else {
            return Ok(UserChanged::NotChanged);
        };
        let statement = &self.statements().set_last_login;
        let call = self.call();
        let answer = call.write(None, statement, &[&id, &Moment(at)]).await?;
        Ok(outcome(answer.count))
    }
}

fn user(call: Call<'_>, row: &Row) -> Result<User, StoreError> {
    let id: i64 = call.column(row, 0)?;
    let Moment(date_joined) = call.column(row, 10)?;
    let mut user = User::new(id.to_string(), call.column::<String>(row, 1)?, date_joined);
    user.password = call.column(row, 2)?;
    user.last_login = call
        .column::<Option<Moment>>(row, 3)?
        .map(|Moment(last_login)| last_login);
    user.is_superuser = call.column(row, 4)?;
    user.first_name = call.column(row, 5)?;
    user.last_name = call.column(row, 6)?;
    user.email = call.column(row, 7)?;
    user.is_staff = call.column(row, 8)?;
    user.is_active = call.column(row, 9)?;
    Ok(user)
}

const fn outcome(changed: u64) -> UserChanged {
    if changed == 0 {
        UserChanged::NotChanged
    } else {
        UserChanged::Changed
    }
}

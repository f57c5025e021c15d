//! `auth_user`, by the contract of [`UserStore`].

use async_trait::async_trait;
use cloakroom_core::auth::{CreateUser, User, UserChanged, UserCreated, UserStore};
use cloakroom_core::session::StoreError;
use cloakroom_core::time::{Timestamp, Zone};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};

use super::SqliteStore;

#[async_trait]
impl UserStore for SqliteStore {
    async fn by_id(&self, id: &str) -> Result<Option<User>, StoreError> {
        let Ok(id) = id.parse::<i64>() else {
            return Ok(None);
        };
        let zone = self.zone();
        self.read(move |connection| find(connection, zone, "id", &id))
            .await
    }

    async fn by_username(&self, username: &str) -> Result<Option<User>, StoreError> {
        let username = username.to_owned();
        let zone = self.zone();
        self.read(move |connection| find(connection, zone, "username", &username))
            .await
    }

    async fn any_user(&self) -> Result<bool, StoreError> {
        self.read(any).await
    }

    async fn create_user(
        &self,
        user: &User,
        condition: CreateUser,
    ) -> Result<UserCreated, StoreError> {
        let (user, zone) = (user.clone(), self.zone());
        self.write(move |connection| {
            if condition == CreateUser::OnlyTheFirst && any(connection)? {
                return Ok(UserCreated::NotTheFirst);
            }
            let inserted = connection
                .prepare_cached(
                    "INSERT INTO auth_user (username, password, last_login, is_superuser, first_name, last_name, \
                     email, is_staff, is_active, date_joined) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
                     ON CONFLICT (username) DO NOTHING",
                )?
                .execute(params![
                    user.username,
                    user.password,
                    user.last_login.map(|moment| zone.sql_text(moment)),
                    user.is_superuser,
                    user.first_name,
                    user.last_name,
                    user.email,
                    user.is_staff,
                    user.is_active,
                    zone.sql_text(user.date_joined),
                ])?;
            if inserted == 0 {
                return Ok(UserCreated::UsernameTaken);
            }
            let mut created = user.clone();
            created.id = connection.last_insert_rowid().to_string();
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
        let Ok(id) = id.parse::<i64>() else {
            return Ok(UserChanged::NotChanged);
        };
        let seen = seen.map(str::to_owned);
        let encoded = encoded.to_owned();
        self.write(move |connection| {
            let changed = connection
                .prepare_cached(
                    "UPDATE auth_user SET password = ?2 WHERE id = ?1 AND (?3 IS NULL OR password = ?3)",
                )?
                .execute(params![id, encoded, seen])?;
            Ok(outcome(changed))
        })
        .await
    }

    async fn set_last_login(&self, id: &str, at: Timestamp) -> Result<UserChanged, StoreError> {
        let Ok(id) = id.parse::<i64>() else {
            return Ok(UserChanged::NotChanged);
        };
        let at = self.zone().sql_text(at);
        self.write(move |connection| {
            let changed = connection
                .prepare_cached("UPDATE auth_user SET last_login = ?2 WHERE id = ?1")?
                .execute(params![id, at])?;
            Ok(outcome(changed))
        })
        .await
    }
}

/// Names every column: their order differs between databases and between Django's releases.
const COLUMNS: &str = "id, username, password, last_login, is_superuser, first_name, last_name, email, \
                       is_staff, is_active, date_joined";

fn find(
    connection: &Connection,
    zone: Zone,
    column: &'static str,
    value: &dyn ToSql,
) -> rusqlite::Result<Option<User>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM auth_user WHERE {column} = ?1"
        ))?
        .query_row([value], |row| user(row, zone))
        .optional()
}

fn any(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM auth_user)")?
        .query_row([], |row| row.get(0))
}

fn user(row: &Row<'_>, zone: Zone) -> rusqlite::Result<User> {
    let id: i64 = row.get(0)?;
    let mut user = User::new(
        id.to_string(),
        row.get::<_, String>(1)?,
        moment(row, 10, zone)?,
    );
    user.password = row.get(2)?;
    user.last_login = match row.get_ref(3)?.data_type() {
        Type::Null => None,
        _ => Some(moment(row, 3, zone)?),
    };
    user.is_superuser = row.get(4)?;
    user.first_name = row.get(5)?;
    user.last_name = row.get(6)?;
    user.email = row.get(7)?;
    user.is_staff = row.get(8)?;
    user.is_active = row.get(9)?;
    Ok(user)
}

/// A date that is none is an error, unlike in a session: guessing about a user would be worse.
fn moment(row: &Row<'_>, column: usize, zone: Zone) -> rusqlite::Result<Timestamp> {
    let text: String = row.get(column)?;
    zone.from_sql_text(&text).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, "not a date".into())
    })
}

const fn outcome(changed: usize) -> UserChanged {
    if changed == 0 {
        UserChanged::NotChanged
    } else {
        UserChanged::Changed
    }
}

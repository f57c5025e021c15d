//! `auth_user`, by the contract of [`UserStore`].
//!
//! A name is compared by the column's collation, as Django on this database compares it: usually `Ada`, `ada` and
//! `àda` name the same user, and none of them can be taken by a second one. Passwords are compared as bytes.

use async_trait::async_trait;
use cloakroom_core::auth::{CreateUser, User, UserChanged, UserCreated, UserStore};
use cloakroom_core::session::StoreError;
use cloakroom_core::time::{Timestamp, Zone};
use mysql_async::{Row, Value};

use super::pool::Access;
use super::sessions::text;
use super::{MySqlStore, moment};

impl MySqlStore {
    async fn user(&self, sql: &str, value: Value) -> Result<Option<User>, StoreError> {
        self.within(async {
            let mut lease = self.lease(Access::Read).await?;
            let row = lease.row(sql, &[value]).await?;
            let user = row.map(|row| user(&row, self.0.zone).ok_or_else(|| self.unreadable()));
            user.transpose()
        })
        .await
    }

    async fn change_user(&self, sql: &str, params: &[Value]) -> Result<UserChanged, StoreError> {
        self.within(async {
            let mut lease = self.lease(Access::Write).await?;
            let changed = lease.execute(sql, params).await?;
            Ok(if changed == 0 {
                UserChanged::NotChanged
            } else {
                UserChanged::Changed
            })
        })
        .await
    }

    /// Unlike a session that cannot be read, such a user is an error: guessing about a user would be worse.
    fn unreadable(&self) -> StoreError {
        StoreError::new(format!(
            "the database {} has a user with a date or a text that is none; look at the rows of auth_user",
            self.name()
        ))
    }
}

#[async_trait]
impl UserStore for MySqlStore {
    async fn by_id(&self, id: &str) -> Result<Option<User>, StoreError> {
        match id.parse::<i64>() {
            Ok(id) => self.user(BY_ID, id.into()).await,
            Err(_) => Ok(None),
        }
    }

    async fn by_username(&self, username: &str) -> Result<Option<User>, StoreError> {
        self.user(BY_USERNAME, text(username)).await
    }

    async fn any_user(&self) -> Result<bool, StoreError> {
        self.within(async {
            let mut lease = self.lease(Access::Read).await?;
            let row = lease.row("SELECT 1 FROM auth_user LIMIT 1", &[]).await?;
            Ok(row.is_some())
        })
        .await
    }

    async fn create_user(
        &self,
        user: &User,
        condition: CreateUser,
    ) -> Result<UserCreated, StoreError> {
        let zone = self.0.zone;
        self.within(async {
            let params = [
                text(&user.username),
                text(&user.password),
                user.last_login
                    .map_or(Value::NULL, |at| moment::param(zone, at)),
                user.is_superuser.into(),
                text(&user.first_name),
                text(&user.last_name),
                text(&user.email),
                user.is_staff.into(),
                user.is_active.into(),
                moment::param(zone, user.date_joined),
            ];
            let mut lease = self.lease(Access::Write).await?;
            let sql = match condition {
                CreateUser::Always => CREATE,
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
                    CREATE_FIRST
                }
            };
            match lease.insert(sql, &params).await? {
                None => Ok(UserCreated::UsernameTaken),
                Some(0) => Ok(UserCreated::NotTheFirst),
                Some(_) => {
                    let mut created = user.clone();
                    let id = lease.inserted_id().ok_or_else(|| self.unreadable())?;
                    created.id = id.to_string();
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
        let Ok(id) = id.parse::<i64>() else {
            return Ok(UserChanged::NotChanged);
        };
        let mut params = vec![text(encoded), id.into()];
        let Some(seen) = seen else {
            return self.change_user(SET_PASSWORD, &params).await;
        };
        params.push(text(seen));
        self.change_user(REPLACE_PASSWORD, &params).await
    }

    async fn set_last_login(&self, id: &str, at: Timestamp) -> Result<UserChanged, StoreError> {
        let Ok(id) = id.parse::<i64>() else {
            return Ok(UserChanged::NotChanged);
        };
        self.change_user(SET_LAST_LOGIN, &[moment::param(self.0.zone, at), id.into()])
            .await
    }
}

/// A row of `SELECT`; `None` if a value is not of its kind.
fn user(row: &Row, zone: Zone) -> Option<User> {
    let date_joined = moment::read(zone, row.as_ref(10)?)?;
    let last_login = match row.as_ref(3)? {
        Value::NULL => None,
        value => Some(moment::read(zone, value)?),
    };
    let text = |column: usize| row.get_opt::<String, _>(column)?.ok();
    let flag = |column: usize| row.get_opt::<bool, _>(column)?.ok();
    let id = row.get_opt::<i64, _>(0)?.ok()?;
    let mut user = User::new(id.to_string(), text(1)?, date_joined);
    user.password = text(2)?;
    user.last_login = last_login;
    user.is_superuser = flag(4)?;
    user.first_name = text(5)?;
    user.last_name = text(6)?;
    user.email = text(7)?;
    user.is_staff = flag(8)?;
    user.is_active = flag(9)?;
    Some(user)
}

/// Names every column: their order differs between databases and between Django's releases.
macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT id, username, password, last_login, is_superuser, first_name, last_name, email, is_staff, \
             is_active, date_joined FROM auth_user WHERE ",
            $condition
        )
    };
}

macro_rules! insert {
    ($source:literal) => {
        concat!(
            "INSERT INTO auth_user (username, password, last_login, is_superuser, first_name, last_name, email, \
             is_staff, is_active, date_joined) ",
            $source
        )
    };
}

/// Waits no longer than a page may; whoever does not get the lock is only slower. Its name has at most 64 characters.
const ONE_AT_A_TIME: &str =
    "DO GET_LOCK(LEFT(CONCAT('cloakroom first user of ', DATABASE()), 64), 2)";

const BY_ID: &str = select!("id = ?");
const BY_USERNAME: &str = select!("username = ?");
const CREATE: &str = insert!("VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
const CREATE_FIRST: &str = insert!(
    "SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM auth_user)"
);
const SET_PASSWORD: &str = "UPDATE auth_user SET password = ? WHERE id = ?";
const REPLACE_PASSWORD: &str = "UPDATE auth_user SET password = ? \
                                WHERE id = ? AND CAST(password AS BINARY) = CAST(? AS BINARY)";
const SET_LAST_LOGIN: &str = "UPDATE auth_user SET last_login = ? WHERE id = ?";

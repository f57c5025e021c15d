//! The stores of the site that asks: each call is a call back through the pipe.
//!
//! So its own database connection, transactions and routers hold, and its queries are counted as its own.

use std::collections::HashSet;

use async_trait::async_trait;
use cloakroom_core::auth::{CreateUser, User, UserChanged, UserCreated, UserStore};
use cloakroom_core::session::{
    Created, Deleted, Record, Replaced, SessionKey, Store, StoreError, Stored, Version,
};
use cloakroom_core::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::pipe::call;

/// The session table of the site that asks. `site` tells it which session object's table is meant.
#[derive(Debug)]
pub(crate) struct SiteSessions {
    pub(crate) site: u64,
    pub(crate) kept: Kept,
}

/// The form in which a site keeps the data; the text is its own version.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kept {
    /// Django's signed text, as in its `db` and `file`.
    Signed,
    /// JSON, for Django's `cache`, which pickles the object itself.
    Json,
}

#[async_trait]
impl Store for SiteSessions {
    async fn load(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Stored>, StoreError> {
        let reply = call(
            "load",
            &json!({"site": self.site, "key": key.as_str(), "now": now.unix_micros()}),
        )?;
        self.stored(&reply)
    }

    async fn create(&self, key: &SessionKey, record: &Record) -> Result<Created, StoreError> {
        let reply = call("create", &self.row(key, record))?;
        Ok(if reply == json!(true) {
            Created::Created(self.version(record))
        } else {
            Created::KeyTaken
        })
    }

    async fn replace(
        &self,
        key: &SessionKey,
        seen: &Version,
        record: &Record,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        let mut row = self.row(key, record);
        row["seen"] = json!(seen.as_text());
        row["now"] = json!(now.unix_micros());
        let reply = call("replace", &row)?;
        if reply == json!(true) {
            return Ok(Replaced::Replaced(self.version(record)));
        }
        Ok(self
            .stored(&reply)?
            .map_or(Replaced::Gone, Replaced::Changed))
    }

    async fn delete(
        &self,
        key: &SessionKey,
        seen: Option<&Version>,
        now: Timestamp,
    ) -> Result<Deleted, StoreError> {
        let reply = call(
            "delete",
            &json!({
                "site": self.site,
                "key": key.as_str(),
                "seen": seen.map(Version::as_text),
                "now": now.unix_micros(),
            }),
        )?;
        if reply == json!(true) {
            return Ok(Deleted::Deleted);
        }
        Ok(self.stored(&reply)?.map_or(Deleted::Gone, Deleted::Changed))
    }

    async fn clear_expired(&self, now: Timestamp, at_most: u32) -> Result<u64, StoreError> {
        let reply = call(
            "clear_expired",
            &json!({"site": self.site, "now": now.unix_micros(), "at_most": at_most}),
        )?;
        reply.as_u64().ok_or_else(malformed)
    }
}

impl SiteSessions {
    fn version(&self, record: &Record) -> Version {
        Version::of_text(match self.kept {
            Kept::Signed => record.signed_text().clone(),
            Kept::Json => record.json_text().clone(),
        })
    }

    fn row(&self, key: &SessionKey, record: &Record) -> Value {
        json!({
            "site": self.site,
            "key": key.as_str(),
            "text": &**record.signed_text(),
            "json": &**record.json_text(),
            "expires": record.expire_date().unix_micros(),
        })
    }

    /// `null`, or `[text, expiry]`.
    fn stored(&self, reply: &Value) -> Result<Option<Stored>, StoreError> {
        if reply.is_null() {
            return Ok(None);
        }
        let text = reply[0].as_str().ok_or_else(malformed)?;
        let expires = Timestamp::from_unix_micros(reply[1].as_i64().ok_or_else(malformed)?);
        Ok(Some(match self.kept {
            Kept::Signed => Stored::signed(text, expires),
            Kept::Json => Stored::json(text, expires),
        }))
    }
}

/// The users of the site that asks. Only finding one is asked for: the rest is the site's own.
#[derive(Debug)]
pub(crate) struct SiteUsers;

#[async_trait]
impl UserStore for SiteUsers {
    async fn by_id(&self, id: &str) -> Result<Option<User>, StoreError> {
        let reply = call("user", &json!({"id": id}))?;
        if reply.is_null() {
            return Ok(None);
        }
        user(&reply).ok_or_else(malformed).map(Some)
    }

    async fn by_username(&self, _username: &str) -> Result<Option<User>, StoreError> {
        Err(unasked())
    }

    async fn by_email(&self, _typed: &str) -> Result<Vec<User>, StoreError> {
        Err(unasked())
    }

    async fn permissions(&self, _id: &str) -> Result<HashSet<String>, StoreError> {
        Err(unasked())
    }

    async fn groups(&self, _id: &str) -> Result<Vec<String>, StoreError> {
        Err(unasked())
    }

    async fn second_factor(&self, _id: &str) -> Result<bool, StoreError> {
        Err(unasked())
    }

    async fn any_user(&self) -> Result<bool, StoreError> {
        Err(unasked())
    }

    async fn create_user(
        &self,
        _user: &User,
        _condition: CreateUser,
    ) -> Result<UserCreated, StoreError> {
        Err(unasked())
    }

    async fn set_password(
        &self,
        _id: &str,
        _seen: Option<&str>,
        _encoded: &str,
    ) -> Result<UserChanged, StoreError> {
        Err(unasked())
    }

    async fn set_last_login(&self, _id: &str, _at: Timestamp) -> Result<UserChanged, StoreError> {
        Err(unasked())
    }
}

/// A user's columns as far as the rules look at them.
pub(crate) fn user(columns: &Value) -> Option<User> {
    let mut user = User::new(columns["id"].as_str()?, "", Timestamp::MIN);
    columns["password"].as_str()?.clone_into(&mut user.password);
    user.is_active = columns["is_active"].as_bool()?;
    Some(user)
}

fn malformed() -> StoreError {
    StoreError::new("the reply has another form")
}

fn unasked() -> StoreError {
    StoreError::new("no question leads here")
}

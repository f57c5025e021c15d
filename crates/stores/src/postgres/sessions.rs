//! The table of sessions, by the contract of [`Store`].

use std::error::Error as _;
use std::str::Utf8Error;
use std::sync::Arc;

use async_trait::async_trait;
use cloakroom_core::session::{
    Created, Deleted, Record, Replaced, SessionKey, Store, StoreError, Stored, Version,
};
use cloakroom_core::time::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::PostgresStore;
use super::call::Call;
use super::value::{Moment, Text};

impl PostgresStore {
    /// The session that ends last, expired or not; `None` if there are no sessions.
    ///
    /// Its signature tells whether the secret key fits the database.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn newest_session(&self) -> Result<Option<Stored>, StoreError> {
        let call = self.call();
        let rows = call.read(&self.statements().newest, &[]).await?;
        first(call, &rows)
    }

    async fn find(
        &self,
        call: Call<'_>,
        key: &SessionKey,
        now: Timestamp,
    ) -> Result<Option<Stored>, StoreError> {
        let rows = call
            .read(
                &self.statements().load,
                &[&Text(key.as_str()), &Moment(now)],
            )
            .await?;
        first(call, &rows)
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn load(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Stored>, StoreError> {
        self.find(self.call(), key, now).await
    }

    async fn create(&self, key: &SessionKey, record: &Record) -> Result<Created, StoreError> {
        let text = record.signed_text();
        let answer = self
            .call()
            .write(
                Some(key.as_str()),
                &self.statements().create,
                &[
                    &Text(key.as_str()),
                    &Text(text),
                    &Moment(record.expire_date()),
                ],
            )
            .await?;
        Ok(if answer.count == 0 {
            Created::KeyTaken
        } else {
            Created::Created(Version::of_text(Arc::clone(text)))
        })
    }

    async fn replace(
        &self,
        key: &SessionKey,
        seen: &Version,
        record: &Record,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        let call = self.call();
        let text = record.signed_text();
        let (key_text, seen_text) = (Text(key.as_str()), text_of(seen));
        let (now_moment, expire_date) = (Moment(now), Moment(record.expire_date()));
        let parameters: [&(dyn ToSql + Sync); 5] = [
            &key_text,
            &seen_text,
            &now_moment,
            &expire_date,
            &Text(text),
        ];
        let (statement, parameters) = if seen.as_bytes() == text.as_bytes() {
            (&self.statements().extend, &parameters[..4])
        } else {
            (&self.statements().replace, &parameters[..])
        };
        loop {
            let turn = Some(key.as_str());
            if call.write(turn, statement, parameters).await?.count > 0 {
                return Ok(Replaced::Replaced(Version::of_text(Arc::clone(text))));
            }
            match self.find(call, key, now).await? {
                None => return Ok(Replaced::Gone),
                Some(stored) if stored.version != *seen => return Ok(Replaced::Changed(stored)),
                // Somebody has put it back in between: neither answer would be true.
                Some(_) => {}
            }
        }
    }

    async fn delete(
        &self,
        key: &SessionKey,
        seen: Option<&Version>,
        now: Timestamp,
    ) -> Result<Deleted, StoreError> {
        let call = self.call();
        let key_text = Text(key.as_str());
        let turn = Some(key.as_str());
        let Some(seen) = seen else {
            let statement = &self.statements().delete;
            let answer = call.write(turn, statement, &[&key_text]).await?;
            return Ok(if answer.count == 0 {
                Deleted::Gone
            } else {
                Deleted::Deleted
            });
        };
        loop {
            let statement = &self.statements().delete_seen;
            let parameters: [&(dyn ToSql + Sync); 3] = [&key_text, &text_of(seen), &Moment(now)];
            if call.write(turn, statement, &parameters).await?.count > 0 {
                return Ok(Deleted::Deleted);
            }
            match self.find(call, key, now).await? {
                None => break,
                Some(stored) if stored.version != *seen => return Ok(Deleted::Changed(stored)),
                Some(_) => {}
            }
        }
        let statement = &self.statements().delete_expired;
        let _ = call
            .write(turn, statement, &[&key_text, &Moment(now)])
            .await?;
        Ok(Deleted::Gone)
    }

    async fn clear_expired(&self, now: Timestamp, at_most: u32) -> Result<u64, StoreError> {
        let at_most = i64::from(at_most);
        let answer = self
            .call()
            .write(
                None,
                &self.statements().clear_expired,
                &[&Moment(now), &at_most],
            )
            .await?;
        Ok(answer.count)
    }
}

/// The text that was seen; NULL, which equals nothing, if it is none that PostgreSQL can hold.
fn text_of(seen: &Version) -> Option<Text<'_>> {
    seen.as_text().filter(|text| !text.contains('\0')).map(Text)
}

/// The first row's data and expiry; `None` if its data is not even text.
///
/// Such a row counts as missing rather than as the store's failure. Its visitor gets a new session instead
/// of an error at every visit; the row stays as it is for whoever wants to look at it.
fn first(call: Call<'_>, rows: &[Row]) -> Result<Option<Stored>, StoreError> {
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let text = match row.try_get::<_, &str>(0) {
        Ok(text) => text,
        // Only a database that knows no encoding (`SQL_ASCII`) can hold this.
        Err(error)
            if error
                .source()
                .is_some_and(|source| source.is::<Utf8Error>()) =>
        {
            tracing::warn!("a row of the table of sessions is not readable and counts as missing");
            return Ok(None);
        }
        Err(error) => return Err(call.explain(&error)),
    };
    let Moment(expire_date) = call.column(row, 1)?;
    Ok(Some(Stored::signed(text, expire_date)))
}

//! The session store's five calls.

use std::sync::Arc;

use async_trait::async_trait;
use cloakroom_core::session::{
    Created, Deleted, Record, Replaced, SessionKey, Store, StoreError, Stored, Version,
};
use cloakroom_core::time::Timestamp;

use super::RedisStore;
use super::scripts::{Answer, Argument, CREATE, Call, DELETE, Found, LOAD, REPLACE};

#[async_trait]
impl Store for RedisStore {
    async fn load(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Stored>, StoreError> {
        let key = self.key(key);
        let answer = self.0.link.ask(&Call::reading(&LOAD, &key)).await?;
        match answer {
            Answer::Found(found) => {
                let stored = stored(found);
                Ok((stored.expire_date > now).then_some(stored))
            }
            Answer::Not => Ok(None),
            Answer::Done => Err(self.odd()),
        }
    }

    async fn create(&self, key: &SessionKey, record: &Record) -> Result<Created, StoreError> {
        let key = self.key(key);
        let value = record.pickled();
        let arguments = vec![Argument::Bytes(value), ends(record)];
        let call = Call::writing(&CREATE, &key, arguments);
        match self.0.link.ask(&call).await? {
            Answer::Done => Ok(Created::Created(Version::of_bytes(Arc::clone(value)))),
            Answer::Not => Ok(Created::KeyTaken),
            Answer::Found(_) => Err(self.odd()),
        }
    }

    async fn replace(
        &self,
        key: &SessionKey,
        seen: &Version,
        record: &Record,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        let key = self.key(key);
        let value = record.pickled();
        let mut arguments = vec![Argument::Bytes(seen.as_bytes()), millis(now), ends(record)];
        if **value != *seen.as_bytes() {
            arguments.push(Argument::Bytes(value));
        }
        let answer = self
            .0
            .link
            .ask(&Call::writing(&REPLACE, &key, arguments))
            .await?;
        Ok(match answer {
            Answer::Done => Replaced::Replaced(Version::of_bytes(Arc::clone(value))),
            Answer::Not => Replaced::Gone,
            Answer::Found(found) => Replaced::Changed(stored(found)),
        })
    }

    async fn delete(
        &self,
        key: &SessionKey,
        seen: Option<&Version>,
        now: Timestamp,
    ) -> Result<Deleted, StoreError> {
        let key = self.key(key);
        let mut arguments = vec![millis(now)];
        arguments.extend(seen.map(|seen| Argument::Bytes(seen.as_bytes())));
        let answer = self
            .0
            .link
            .ask(&Call::writing(&DELETE, &key, arguments))
            .await?;
        Ok(match answer {
            Answer::Done => Deleted::Deleted,
            Answer::Not => Deleted::Gone,
            Answer::Found(found) => Deleted::Changed(stored(found)),
        })
    }

    /// Redis removes by itself what has expired.
    async fn clear_expired(&self, _now: Timestamp, _at_most: u32) -> Result<u64, StoreError> {
        Ok(0)
    }
}

impl RedisStore {
    fn odd(&self) -> StoreError {
        StoreError::new(format!(
            "{} gave an answer that is not understood",
            self.0.link.place()
        ))
    }
}

/// A record that was found.
pub(super) fn stored(found: Found) -> Stored {
    let in_millis = |millis: i64| Timestamp::from_unix_micros(millis.saturating_mul(1000));
    let expire_date = match (found.at, found.left) {
        (at @ 0.., _) => in_millis(at),
        (-3, left @ 0..) => in_millis(Timestamp::now().unix_micros() / 1000 + left),
        // A site may keep sessions for ever.
        _ => Timestamp::MAX,
    };
    Stored::pickled(found.value, expire_date)
}

pub(super) fn ends(record: &Record) -> Argument<'static> {
    millis(record.expire_date())
}

/// Rounded down, so that nothing lives longer than it was given.
pub(super) const fn millis(time: Timestamp) -> Argument<'static> {
    Argument::Millis(time.unix_micros().div_euclid(1000))
}

//! The session store's five calls.

use std::sync::Arc;

use async_trait::async_trait;
use cloakroom_core::session::{
    Created, Deleted, Record, Replaced, SessionKey, Store, StoreError, Stored, Version,
};
use cloakroom_core::time::Timestamp;
use redis::Value;

use super::RedisStore;
use super::scripts::{Argument, CREATE, Call, DELETE, LOAD, REPLACE};

#[async_trait]
impl Store for RedisStore {
    async fn load(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Stored>, StoreError> {
        let key = self.key(key);
        let answer = self.0.link.ask(&Call::reading(&LOAD, &key)).await?;
        match <[Value; 3]>::try_from(answer) {
            Ok(found) => {
                let stored = self.stored(found)?;
                Ok((stored.expire_date > now).then_some(stored))
            }
            Err(nothing) if nothing.is_empty() => Ok(None),
            Err(_) => Err(self.odd()),
        }
    }

    async fn create(&self, key: &SessionKey, record: &Record) -> Result<Created, StoreError> {
        let key = self.key(key);
        let value = record.pickled();
        let arguments = vec![Argument::Bytes(value), ends(record)];
        let call = Call::writing(&CREATE, &key, arguments);
        match self.0.link.ask(&call).await?[..] {
            [Value::Int(1)] => Ok(Created::Created(Version::of_bytes(Arc::clone(value)))),
            [Value::Int(0)] => Ok(Created::KeyTaken),
            _ => Err(self.odd()),
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
        match answer[..] {
            [Value::Int(1)] => Ok(Replaced::Replaced(Version::of_bytes(Arc::clone(value)))),
            [Value::Int(0)] => Ok(Replaced::Gone),
            _ => self.found(answer).map(Replaced::Changed),
        }
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
        match answer[..] {
            [Value::Int(1)] => Ok(Deleted::Deleted),
            [Value::Int(0)] => Ok(Deleted::Gone),
            _ => self.found(answer).map(Deleted::Changed),
        }
    }

    /// Redis removes by itself what has expired.
    async fn clear_expired(&self, _now: Timestamp, _at_most: u32) -> Result<u64, StoreError> {
        Ok(0)
    }
}

impl RedisStore {
    pub(super) fn found(&self, answer: Vec<Value>) -> Result<Stored, StoreError> {
        let found = <[Value; 3]>::try_from(answer).map_err(|_| self.odd())?;
        self.stored(found)
    }

    /// A value, when it ends, and how long it has left where the server cannot tell that.
    fn stored(&self, found: [Value; 3]) -> Result<Stored, StoreError> {
        let [Value::BulkString(value), Value::Int(at), Value::Int(left)] = found else {
            return Err(self.odd());
        };
        let in_millis = |millis: i64| Timestamp::from_unix_micros(millis.saturating_mul(1000));
        let expire_date = match (at, left) {
            (0.., _) => in_millis(at),
            (-3, 0..) => in_millis(Timestamp::now().unix_micros() / 1000 + left),
            // A site may keep sessions for ever.
            _ => Timestamp::MAX,
        };
        Ok(Stored::pickled(value, expire_date))
    }

    fn odd(&self) -> StoreError {
        StoreError::new(format!(
            "{} gave an answer that is not understood",
            self.0.link.place()
        ))
    }
}

pub(super) fn ends(record: &Record) -> Argument<'static> {
    millis(record.expire_date())
}

/// Rounded down, so that nothing lives longer than it was given.
pub(super) const fn millis(time: Timestamp) -> Argument<'static> {
    Argument::Millis(time.unix_micros().div_euclid(1000))
}

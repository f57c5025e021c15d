//! Redis as a cache in front of a database, whose truth it only repeats.

use std::time::Duration;

use cloakroom_core::session::{Record, SessionKey, StoreError, Stored};

use super::RedisStore;
use super::scripts::{Answer, Argument, BLOCK, CREATE, Call, PEEK, UNBLOCK};
use super::sessions::{ends, millis, stored};

/// What the cache has of a session.
pub(crate) enum Cached {
    Nothing,
    /// A pickled None: somebody writes to the database, or has deleted there. Nobody is to fill it.
    Blocked,
    Value(Stored),
}

/// A pickled None that nobody else puts there: how its writer knows that it wrote alone.
pub(crate) struct Block(Vec<u8>);

/// How long a None stays: longer than any request between its read of the database and its write to the cache.
const BLOCKED: Duration = Duration::from_secs(300);

impl RedisStore {
    pub(crate) async fn peek(&self, session: &SessionKey) -> Result<Cached, StoreError> {
        let key = self.key(session);
        let answer = self.0.link.ask(&Call::reading(&PEEK, &key)).await?;
        Ok(match answer {
            Answer::Not => Cached::Nothing,
            Answer::Done => Cached::Blocked,
            Answer::Found(found) => Cached::Value(stored(found)),
        })
    }

    /// Puts the database's answer where nothing is.
    pub(crate) async fn fill(
        &self,
        session: &SessionKey,
        pickle: &[u8],
        end: cloakroom_core::time::Timestamp,
    ) -> Result<(), StoreError> {
        let key = self.key(session);
        let arguments = vec![Argument::Bytes(pickle), millis(end)];
        let call = Call::writing(&CREATE, &key, arguments);
        self.0.link.ask(&call).await.map(drop)
    }

    /// Puts a None there, before the database is written to.
    pub(crate) async fn block(&self, session: &SessionKey) -> Result<Block, StoreError> {
        let key = self.key(session);
        // A text that is taken from the stack again, and None: Python reads None.
        let number = SessionKey::generate().map_err(|error| {
            StoreError::new("no random number can be drawn for the cache").with_source(error)
        })?;
        let text = number.as_str().as_bytes();
        let length = u8::try_from(text.len()).unwrap_or(0);
        let block = [b"\x80\x04\x8c", &[length][..], text, b"0N."].concat();
        let arguments = vec![Argument::Bytes(&block), stay()];
        let call = Call::writing(&BLOCK, &key, arguments);
        self.0.link.ask(&call).await?;
        Ok(Block(block))
    }

    /// Puts the record in the place of our own None. If that is not there any more somebody else was writing too,
    /// and nobody knows whose is the truth: then another None.
    pub(crate) async fn unblock(
        &self,
        session: &SessionKey,
        Block(block): Block,
        record: &Record,
    ) -> Result<(), StoreError> {
        let key = self.key(session);
        let arguments = vec![
            Argument::Bytes(&block),
            stay(),
            Argument::Bytes(record.pickled()),
            ends(record),
        ];
        let call = Call::writing(&UNBLOCK, &key, arguments);
        self.0.link.ask(&call).await.map(drop)
    }
}

fn stay() -> Argument<'static> {
    Argument::Millis(i64::try_from(BLOCKED.as_millis()).unwrap_or(i64::MAX))
}

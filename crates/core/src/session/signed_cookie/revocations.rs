//! The list of sessions in signed cookies that have ended.

use std::fmt;
use std::sync::Arc;

use super::super::codec::Codec;
use super::super::key::SessionKey;
use super::super::store::{Created, Record, Store, StoreError};
use super::CookieId;
use crate::secret::Secrets;
use crate::signing::SaltedHmac;
use crate::time::Timestamp;

/// Remembers, for as long as a cookie of theirs could be valid, which sessions have ended.
///
/// It is kept in a [`Store`]: for each of them an empty session that expires when the last of its cookies has. So
/// whatever clears expired sessions clears the list, and `create`, which takes no key twice, makes sure that a session
/// ends once.
///
/// # Security
/// The key of such a record is a MAC of the session's id, under a key that is derived from the site's. A browser
/// knows the ids of its own sessions; if it knew the records' keys, it could send one as a session cookie to a Django
/// that keeps its sessions in the same table, and have it deleted by signing out there. As it is, nobody can name one,
/// and whoever could would open a session with nothing in it.
#[derive(Clone)]
pub struct Revocations {
    store: Arc<dyn Store>,
    codec: Codec,
    /// The one under which is written comes first.
    hashers: Arc<[SaltedHmac]>,
    age: i64,
}

impl Revocations {
    const SALT: &[u8] = b"cloakroom.session.revocations";
    /// As many characters as Django's table has room for. Its own keys have 32, so none is ever equal to one of these.
    const KEY_LENGTH: usize = 40;
    /// Seconds that a record outlives the cookies. Clocks of several machines differ, and a request that has looked
    /// just before may write its cookie a moment later.
    const MARGIN: i64 = 3600;

    /// `age` is how many seconds a cookie is valid: `SESSION_COOKIE_AGE`. `codec` writes what the store keeps.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, secrets: &Secrets, codec: Codec, age: i64) -> Self {
        let hashers = secrets
            .iter()
            .map(|secret| SaltedHmac::new(Self::SALT, secret));
        Self {
            store,
            codec,
            hashers: hashers.collect(),
            age: age.max(0),
        }
    }

    /// True if the session has ended.
    pub(super) async fn holds(&self, id: &CookieId, now: Timestamp) -> Result<bool, StoreError> {
        self.any_holds(&self.hashers, id, now).await
    }

    /// Ends the session; false if it had ended already.
    pub(super) async fn add(&self, id: &CookieId, now: Timestamp) -> Result<bool, StoreError> {
        let (current, former) = self.hashers.split_at(1);
        if self.any_holds(former, id, now).await? {
            return Ok(false);
        }
        let end = now.plus_seconds(self.age.saturating_add(Self::MARGIN));
        let record = Record::new("{}".into(), end, self.codec.clone(), now);
        for key in keys(current, id) {
            if self.store.create(&key, &record).await? != Created::KeyTaken {
                continue;
            }
            if self.store.load(&key, now).await?.is_some() {
                return Ok(false);
            }
            // One that has expired and was not cleared. `SESSION_COOKIE_AGE` was raised meanwhile, or there would be no
            // cookie any more; then its session must end once more.
            let _ = self.store.delete(&key, None, now).await?;
            return Ok(self.store.create(&key, &record).await? != Created::KeyTaken);
        }
        Ok(true)
    }

    async fn any_holds(
        &self,
        hashers: &[SaltedHmac],
        id: &CookieId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        for key in keys(hashers, id) {
            // Whatever is in it.
            if self.store.load(&key, now).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The keys of a session's record, as written under each of the secret keys.
fn keys(hashers: &[SaltedHmac], id: &CookieId) -> impl Iterator<Item = SessionKey> {
    let key = |hasher: &SaltedHmac| {
        let mut digits = hasher.hex(id.as_bytes());
        digits.truncate(Revocations::KEY_LENGTH);
        // Hexadecimal digits are a key.
        SessionKey::parse(&digits)
    };
    hashers.iter().filter_map(key)
}

impl fmt::Debug for Revocations {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Revocations")
            .field("store", &self.store)
            .field("age", &self.age)
            .finish_non_exhaustive()
    }
}

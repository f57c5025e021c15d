//! The list of a user's sessions: where somebody is signed in, since when, and from where.

use std::fmt;
use std::net::IpAddr;

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};

use crate::random::{self, RandomError};
use crate::session::{SessionKey, StoreError, Stored};
use crate::time::Timestamp;

/// One row of the list: a session of a user's.
#[derive(Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a store makes it of a row's columns"
)]
pub struct SessionEntry {
    /// By which the user names the session. It opens nothing, and stays when the session gets a new key.
    pub id: String,
    /// Whose session it is, as text.
    pub user_id: String,
    /// The session's key. Whoever has it has the session, so it is never shown.
    pub key: SessionKey,
    /// When the user signed in.
    pub created: Timestamp,
    /// When the session was last used, to a minute or two.
    pub last_seen: Timestamp,
    /// From where it was begun or renewed, if that is known.
    pub address: Option<IpAddr>,
    /// The browser's word for itself: up to 200 characters of ASCII.
    pub user_agent: String,
}

impl SessionEntry {
    /// The most characters of a browser's name that are kept.
    pub const LONGEST_USER_AGENT: usize = 200;

    /// A session that begins now, under an id of 128 random bits.
    ///
    /// What is no printable ASCII in `user_agent` becomes a question mark: a login must not fail for a character that
    /// some database does not keep.
    ///
    /// # Errors
    /// The random generator does not answer.
    pub fn new(
        user_id: impl Into<String>,
        key: SessionKey,
        now: Timestamp,
        address: Option<IpAddr>,
        user_agent: &[u8],
    ) -> Result<Self, RandomError> {
        let shown = |byte: &u8| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '?',
        };
        Ok(Self {
            id: random::text(b"0123456789abcdef", 32)?,
            user_id: user_id.into(),
            key,
            created: now,
            last_seen: now,
            address,
            user_agent: user_agent
                .iter()
                .take(Self::LONGEST_USER_AGENT)
                .map(shown)
                .collect(),
        })
    }
}

impl SessionEntry {
    /// The id of a session that somebody else has listed without one: 128 bits of its key's SHA-256. Nobody guesses it,
    /// and it opens nothing.
    #[must_use]
    pub fn id_of(key: &SessionKey) -> String {
        let digest = Sha256::new()
            .chain_update("cloakroom session list")
            .chain_update(key.as_str())
            .finalize();
        let hex = digest[..16].iter().map(|byte| format!("{byte:02x}"));
        hex.collect()
    }
}

impl fmt::Debug for SessionEntry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SessionEntry")
            .field("id", &self.id)
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}

/// Keeps the list of sessions beside the sessions themselves. One contract test holds for all implementations.
///
/// A row is written before its session is, so no session lives that is not listed; one whose session has ended may stay
/// until somebody looks. Under one id there may be two rows for a moment: while a session moves to another key it is listed
/// under both.
///
/// Each call is atomic, durable when it returns `Ok`, and has its own deadline. No method has a default body, so that a
/// wrapper cannot drop one by accident.
///
/// # Security
/// The keys stand in the list as they are: whoever can read it can read the table of sessions, too, where they stand as
/// well.
#[async_trait]
pub trait SessionList: Send + Sync + fmt::Debug {
    /// True if there is a table that keeps the list: allauth's, or ours. Looked up once; one that is made later is seen at
    /// the next start. Without one, nothing is kept and nothing found.
    async fn is_kept(&self) -> Result<bool, StoreError>;

    /// Lists a session. If its key is listed already, that row gets this user, address and browser and was seen now; its
    /// id and when it was created stay.
    async fn add(&self, entry: &SessionEntry) -> Result<(), StoreError>;

    /// The user's sessions, at most so many, the one last seen first.
    async fn of_user(&self, user_id: &str, at_most: u32) -> Result<Vec<SessionEntry>, StoreError>;

    /// The user's session with this key.
    async fn by_key(
        &self,
        user_id: &str,
        key: &SessionKey,
    ) -> Result<Option<SessionEntry>, StoreError>;

    /// Takes a key out of the list, whoever's it is.
    async fn remove(&self, key: &SessionKey) -> Result<(), StoreError>;

    /// Notes that these sessions were in use at this moment. Those that are not listed, or were seen later, stay as they
    /// are.
    async fn seen(&self, keys: &[SessionKey], at: Timestamp) -> Result<(), StoreError>;

    /// Removes up to `at_most` rows that were last seen before `before` and whose session is not in the same database, or
    /// has expired at `now`; how many. Those of another package's table are left to it.
    async fn clear_unseen(
        &self,
        before: Timestamp,
        now: Timestamp,
        at_most: u32,
    ) -> Result<u64, StoreError>;

    /// The sessions that are kept in the same database, of whomever, for who looks for those that are not listed: at most
    /// so many, in the order of their keys, from the one behind `after` on. Each stands there with its key's text, and
    /// without a record if it cannot be read.
    async fn records(
        &self,
        after: &str,
        now: Timestamp,
        at_most: u32,
    ) -> Result<Vec<(String, Option<Stored>)>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_key_is_always_the_same_and_another_key_has_another() {
        let id = |key| SessionEntry::id_of(&SessionKey::parse(key).unwrap());
        let ann = id("abcdefghijklmnopqrstuvwxyz012345");
        assert_eq!(ann, id("abcdefghijklmnopqrstuvwxyz012345"));
        assert_ne!(ann, id("abcdefghijklmnopqrstuvwxyz012346"));
        assert!(ann.len() == 32 && ann.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }

    fn entry(user_agent: &[u8]) -> SessionEntry {
        let key = SessionKey::generate().unwrap();
        SessionEntry::new("7", key, Timestamp::MIN, None, user_agent).unwrap()
    }

    #[test]
    fn an_id_has_128_random_bits_and_is_no_part_of_the_key() {
        let (first, second) = (entry(b""), entry(b""));
        assert_eq!(first.id.len(), 32);
        assert!(first.id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(first.id, second.id);
        assert!(!first.id.contains(&first.key.as_str()[..8]));
    }

    #[test]
    fn a_browser_s_name_is_short_and_printable() {
        assert_eq!(entry(b"Firefox\x00\n\xe9").user_agent, "Firefox???");
        assert_eq!(entry(&[b'x'; 300]).user_agent, "x".repeat(200));
    }

    #[test]
    fn debug_shows_no_key() {
        let entry = entry(b"");
        assert!(!format!("{entry:?}").contains(entry.key.as_str()));
    }
}

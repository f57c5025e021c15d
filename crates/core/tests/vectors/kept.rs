//! Sessions that are kept, and what becomes of them.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use cloakroom_core::session::{
    Codec, CommitError, Committed, Created, Form, Lifetime, MemoryStore, Record, SaveRules,
    SessionKey, SessionState, Store as _,
};
use cloakroom_core::signing::Compression;
use cloakroom_core::time::Timestamp;

use crate::json::canonical;
use crate::rows::{NOW, SECRET, secrets};

/// A database of sessions.
pub(crate) struct Kept {
    store: MemoryStore,
    rules: SaveRules,
}

impl Kept {
    pub(crate) fn new() -> Self {
        let codec = Codec::new(
            &secrets(SECRET, &[]),
            Codec::DJANGO_SALT,
            Compression::Never,
        );
        Self {
            store: MemoryStore::new(9),
            rules: SaveRules {
                codec,
                lifetime: Lifetime::DJANGO,
                guarded_names: Vec::new(),
                save_every_request: false,
                key_length: SessionKey::LENGTH,
            },
        }
    }

    pub(crate) fn create(&self, key: &SessionKey, json: &str, expire_date: Timestamp) {
        let record = Record::new(json.into(), expire_date, self.rules.codec.clone(), NOW);
        let created = at_once(self.store.create(key, &record)).unwrap();
        assert!(matches!(created, Created::Created(_)));
    }

    /// The session that a browser's key opens, or a new one.
    pub(crate) fn load(&self, key: &SessionKey) -> SessionState {
        let stored = at_once(self.store.load(key, NOW)).unwrap();
        stored.map_or_else(SessionState::new, |stored| {
            SessionState::from_stored(key.clone(), stored, &self.rules.codec)
        })
    }

    /// The value that is kept under a key.
    pub(crate) fn json(&self, key: &SessionKey) -> Option<String> {
        let stored = at_once(self.store.load(key, NOW)).unwrap()?;
        let Form::Json(text) = stored.form else {
            panic!("the memory store keeps JSON")
        };
        canonical(&text)
    }

    pub(crate) fn commit(&self, session: &mut SessionState) -> Result<Committed, CommitError> {
        at_once(session.commit(&self.store, &self.rules, NOW))
    }
}

fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the memory store waits for nothing"),
    }
}

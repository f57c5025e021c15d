//! Django's text form of a session: signed, dated JSON under the session engine's salt.

use std::sync::Arc;

use crate::secret::Secrets;
use crate::signing::{Compression, LoadError, ObjectSigner};
use crate::time::Timestamp;

/// Writes and reads the text that Django's `db`, `cached_db` and `file` engines keep
/// (`SessionBase.encode` and `decode`). Clones share the prepared keys.
#[derive(Clone, Debug)]
pub struct Codec(Arc<ObjectSigner>);

impl Codec {
    /// The salt of all of Django's own engines, whose classes are all called `SessionStore`. A site with a
    /// class of its own has `django.contrib.sessions.` and that name.
    pub const DJANGO_SALT: &str = "django.contrib.sessions.SessionStore";

    /// `salt` is [`DJANGO_SALT`](Self::DJANGO_SALT) unless the site subclasses its engine.
    #[must_use]
    pub fn new(secrets: &Secrets, salt: &str, compression: Compression) -> Self {
        Self(Arc::new(ObjectSigner::new(secrets, salt, compression)))
    }

    /// The signed text of a JSON object's text.
    #[must_use]
    pub fn encode(&self, json: &str, now: Timestamp) -> String {
        self.0.dumps(json, now)
    }

    /// The JSON bytes that were signed. Their age does not matter: a session ends by its expiry.
    ///
    /// # Errors
    /// The text was signed by none of the keys, is malformed, or inflates beyond all reason.
    pub fn decode(&self, text: &str) -> Result<Vec<u8>, LoadError> {
        self.0.loads(text)
    }
}

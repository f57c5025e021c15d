//! What tells one session in signed cookies from others, through all of its cookies.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::super::change::Changes;
use super::super::data::SessionData;
use crate::random;

/// A session's id, which stands in each of its cookies.
///
/// It is no secret: the cookie's bearer can read it.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::session) struct CookieId(String);

impl CookieId {
    /// The name under which a cookie's data hold it. A Django beside us keeps it as it keeps any name.
    const NAME: &str = "_cookie_id";
    /// 128 bits in base64.
    const LENGTH: usize = 22;
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    /// A new session's.
    pub(super) fn generate() -> Result<Self, random::RandomError> {
        random::text(Self::ALPHABET, Self::LENGTH).map(Self)
    }

    /// The id of the session in a cookie, and the data without it, as the site's pages see them.
    ///
    /// A cookie that a Django wrote has none. Then it is the hash of that cookie's signature, so that what is revoked
    /// later is that cookie too and not only those that we write from then on.
    pub(super) fn take_from(data: SessionData, value: &str) -> (Self, SessionData) {
        let kept = data.get(Self::NAME).ok().flatten();
        let Some(id) = kept.filter(|id: &String| Self::is_one(id)) else {
            return (Self::of_signature(value), data);
        };
        let mut without = Changes::new();
        without.remove(Self::NAME);
        (Self(id), changed(&without, &data))
    }

    /// The data as a cookie holds them.
    pub(super) fn put_into(&self, data: &SessionData) -> SessionData {
        let mut with = Changes::new();
        with.set(Self::NAME, format!("\"{}\"", self.0));
        changed(&with, data)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    fn is_one(text: &str) -> bool {
        text.len() == Self::LENGTH && text.bytes().all(|byte| Self::ALPHABET.contains(&byte))
    }

    fn of_signature(value: &str) -> Self {
        // Behind the last separator. The text that is signed could be as long as a cookie, the signature is 43 bytes.
        let signature = value.rsplit(':').next().unwrap_or(value);
        let hash = Sha256::digest(signature);
        Self(URL_SAFE_NO_PAD.encode(&hash[..16]))
    }
}

/// Only counters can be in conflict, and these changes have none.
fn changed(changes: &Changes, data: &SessionData) -> SessionData {
    changes.apply(data).unwrap_or_else(|_| data.clone())
}

impl fmt::Debug for CookieId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CookieId(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(text: &str) -> SessionData {
        SessionData::from_bytes(text.into()).unwrap()
    }

    #[test]
    fn a_new_id_is_another_one_each_time_and_comes_back_from_its_cookie() {
        let id = CookieId::generate().unwrap();
        assert_ne!(id, CookieId::generate().unwrap());
        let plain = data(r#"{"a": 1e400, "b": [NaN]}"#);
        let with = id.put_into(&plain);
        assert!(with.get::<String>("_cookie_id").unwrap().is_some());
        let (found, without) = CookieId::take_from(with, "payload:time:signature");
        assert_eq!(found, id);
        assert_eq!(without.raw("a"), Some("1e400"));
        assert_eq!(without.raw("b"), Some("[NaN]"));
        assert_eq!(without.len(), 2);
    }

    #[test]
    fn a_cookie_of_a_django_s_is_told_by_its_signature() {
        let of = |value| CookieId::take_from(data(r#"{"a": 1}"#), value).0;
        assert_eq!(of("one:1r31eq:signature"), of("two:1r31eq:signature"));
        assert_ne!(of("one:1r31eq:signature"), of("one:1r31eq:signatura"));
        let (id, left) = CookieId::take_from(data(r#"{"a": 1}"#), "one:1r31eq:signature");
        assert_eq!(left.len(), 1);
        assert_eq!(CookieId::take_from(id.put_into(&left), "x:y:z").0, id);
    }

    #[test]
    fn what_is_no_id_is_somebody_else_s_and_stays() {
        for value in [
            "7",
            "\"\"",
            "\"short\"",
            "null",
            "\"....................!.\"",
            "[]",
        ] {
            let theirs = data(&format!(r#"{{"_cookie_id": {value}}}"#));
            let (id, left) = CookieId::take_from(theirs, "one:1r31eq:signature");
            assert_eq!(
                id,
                CookieId::of_signature("one:1r31eq:signature"),
                "{value}"
            );
            assert_eq!(left.raw("_cookie_id"), Some(value));
        }
    }

    #[test]
    fn debug_shows_no_id() {
        let id = CookieId::generate().unwrap();
        assert_eq!(format!("{id:?}"), "CookieId(..)");
    }
}

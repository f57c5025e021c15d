//! The five calls that keep sessions: the contract between the rules and every database.

use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;

use super::codec::Codec;
use super::data::SessionData;
use super::key::SessionKey;
use super::{USER_ID_NAME, pickle};
use crate::time::Timestamp;

/// Keeps session records under their keys. One contract test holds for all implementations.
///
/// Each call is atomic, has its own deadline inside the store, and is durable when it returns `Ok` (as far
/// as the engine promises durability at all). No method has a default body, so that a wrapper cannot drop
/// one by accident.
///
/// An `Err` means that nothing is known: what was asked may or may not have happened. Callers acknowledge
/// nothing then, and the same call may be made again.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// The record under `key`, unless there is none or it expires at or before `now`.
    ///
    /// Never creates anything. The key is compared byte for byte, whatever the database's collation.
    async fn load(&self, key: &SessionKey, now: Timestamp) -> Result<Option<Stored>, StoreError>;

    /// Keeps a new record; never touches one that is there, expired or not.
    async fn create(&self, key: &SessionKey, record: &Record) -> Result<Created, StoreError>;

    /// Puts `record` in the place of the one whose version was `seen`, if that is what is there still and it
    /// has not expired at `now`.
    ///
    /// Never brings a deleted record back. A record whose data are the ones seen changes only the expiry.
    async fn replace(
        &self,
        key: &SessionKey,
        seen: &Version,
        record: &Record,
        now: Timestamp,
    ) -> Result<Replaced, StoreError>;

    /// Removes the record; with `seen`, only if its version is still that one.
    ///
    /// An expired record counts as `Gone` when `seen` is given, and is removed all the same.
    async fn delete(
        &self,
        key: &SessionKey,
        seen: Option<&Version>,
        now: Timestamp,
    ) -> Result<Deleted, StoreError>;

    /// Removes up to `at_most` records that expired before `now`, and says how many it removed.
    async fn clear_expired(&self, now: Timestamp, at_most: u32) -> Result<u64, StoreError>;
}

/// What a store found under a key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stored {
    /// The session's data in the form in which the store keeps it.
    pub form: Form,
    /// When the record ends.
    pub expire_date: Timestamp,
    /// What [`Store::replace`] and [`Store::delete`] compare.
    pub version: Version,
}

impl Stored {
    /// A record of an engine that keeps Django's signed text; the text is its version.
    #[must_use]
    pub fn signed(text: impl Into<Arc<str>>, expire_date: Timestamp) -> Self {
        let text = text.into();
        Self {
            version: Version::of_text(Arc::clone(&text)),
            form: Form::Signed(text),
            expire_date,
        }
    }

    /// A record of an engine that keeps the JSON text as it is; the text is its version.
    #[must_use]
    pub fn json(text: impl Into<Arc<str>>, expire_date: Timestamp) -> Self {
        let text = text.into();
        Self {
            version: Version::of_text(Arc::clone(&text)),
            form: Form::Json(text),
            expire_date,
        }
    }

    /// A record of an engine that keeps Python's pickle of the data; the bytes are its version.
    #[must_use]
    pub fn pickled(bytes: impl Into<Arc<[u8]>>, expire_date: Timestamp) -> Self {
        let bytes = bytes.into();
        Self {
            version: Version::of_bytes(Arc::clone(&bytes)),
            form: Form::Pickled(bytes),
            expire_date,
        }
    }
}

/// The forms in which engines keep a session's data.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// Django's signed text, as its `db` and `file` engines keep it. Not verified yet.
    Signed(Arc<str>),
    /// The JSON object's text, in stores that nobody else writes to.
    Json(Arc<str>),
    /// Python's pickle of the object, as Django's `cache` engine keeps it. Not checked yet.
    Pickled(Arc<[u8]>),
}

impl Form {
    /// The data; `None` if they cannot be read.
    #[must_use]
    pub fn data(&self, codec: &Codec) -> Option<SessionData> {
        match self {
            Self::Signed(text) => SessionData::from_bytes(codec.decode(text).ok()?).ok(),
            Self::Json(text) => SessionData::from_ascii(Arc::clone(text)).ok(),
            Self::Pickled(bytes) => SessionData::from_pickle(bytes).ok(),
        }
    }
}

impl fmt::Debug for Form {
    /// Session data is its user's: only the form's name is shown.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Signed(_) => "Signed(..)",
            Self::Json(_) => "Json(..)",
            Self::Pickled(_) => "Pickled(..)",
        })
    }
}

/// Tells one state of a record's data from another. Never includes the expiry. Opaque outside its store.
#[derive(Clone, PartialEq, Eq)]
pub struct Version(Arc<[u8]>);

impl Version {
    /// The stored text is its own version.
    #[must_use]
    pub fn of_text(text: impl Into<Arc<str>>) -> Self {
        Self(text.into().into())
    }

    /// The stored bytes are their own version.
    #[must_use]
    pub fn of_bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// What was given to [`of_bytes`](Self::of_bytes), or the text's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text given to [`of_text`](Self::of_text); `None` for bytes that are no text, which no text equals.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Version(..)")
    }
}

/// A session as it is to be kept. It renders itself in the form its store keeps, once.
pub struct Record {
    json: Arc<str>,
    expire_date: Timestamp,
    codec: Codec,
    signed_at: Timestamp,
    signed: OnceLock<Arc<str>>,
    pickled: OnceLock<Arc<[u8]>>,
    /// The pickle whose unchanged values are to be kept.
    pickled_before: Option<Arc<[u8]>>,
    signed_in: OnceLock<bool>,
}

fn has_user(data: &SessionData) -> bool {
    data.raw_by_normal(USER_ID_NAME).is_some()
}

impl Record {
    /// `json` is the data's text; `signed_at` is the time that goes into the signature.
    #[must_use]
    pub const fn new(
        json: Arc<str>,
        expire_date: Timestamp,
        codec: Codec,
        signed_at: Timestamp,
    ) -> Self {
        Self {
            json,
            expire_date,
            codec,
            signed_at,
            signed: OnceLock::new(),
            pickled: OnceLock::new(),
            pickled_before: None,
            signed_in: OnceLock::new(),
        }
    }

    /// A record of data that are not to be read again.
    pub(super) fn of(
        data: &SessionData,
        expire_date: Timestamp,
        codec: Codec,
        signed_at: Timestamp,
    ) -> Self {
        let record = Self::new(Arc::clone(data.text()), expire_date, codec, signed_at);
        let _ = record.signed_in.set(has_user(data));
        record
    }

    /// A record whose data did not change keeps the form it was read as, so that only its expiry moves.
    pub(super) fn keeping(self, form: &Form) -> Self {
        match form {
            Form::Signed(text) => drop(self.signed.set(Arc::clone(text))),
            Form::Pickled(bytes) => drop(self.pickled.set(Arc::clone(bytes))),
            Form::Json(_) => {}
        }
        self
    }

    /// A record of data that were read in this form and changed since: a pickle's other values stay as they were.
    pub(super) fn changed_from(mut self, form: &Form) -> Self {
        if let Form::Pickled(bytes) = form {
            self.pickled_before = Some(Arc::clone(bytes));
        }
        self
    }

    /// Django's signed text of the data.
    #[must_use]
    pub fn signed_text(&self) -> &Arc<str> {
        self.signed
            .get_or_init(|| self.codec.encode(&self.json, self.signed_at).into())
    }

    /// The JSON object's text of the data.
    #[must_use]
    pub const fn json_text(&self) -> &Arc<str> {
        &self.json
    }

    /// Python's pickle of the data.
    #[must_use]
    pub fn pickled(&self) -> &Arc<[u8]> {
        self.pickled.get_or_init(|| match &self.pickled_before {
            Some(before) => pickle::write_over(before, &self.json).into(),
            None => pickle::write(&self.json).into(),
        })
    }

    /// The pickle of these data whatever they were read from: [`SessionData::to_pickle`]'s.
    #[must_use]
    pub fn plain_pickle(&self) -> Vec<u8> {
        pickle::write(&self.json)
    }

    /// Whether the session is somebody's who has signed in.
    #[must_use]
    pub fn is_signed_in(&self) -> bool {
        *self.signed_in.get_or_init(|| {
            SessionData::from_ascii(Arc::clone(&self.json)).is_ok_and(|data| has_user(&data))
        })
    }

    /// The form in which the store has kept it. Who asked for two compares the signed text.
    pub(super) fn form(&self) -> Form {
        match (self.signed.get(), self.pickled.get()) {
            (Some(text), _) => Form::Signed(Arc::clone(text)),
            (None, Some(bytes)) => Form::Pickled(Arc::clone(bytes)),
            (None, None) => Form::Json(Arc::clone(&self.json)),
        }
    }

    /// When the record ends.
    #[must_use]
    pub const fn expire_date(&self) -> Timestamp {
        self.expire_date
    }

    /// When the record is saved, from which its age counts.
    #[must_use]
    pub const fn saved_at(&self) -> Timestamp {
        self.signed_at
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Record")
            .field("expire_date", &self.expire_date)
            .finish_non_exhaustive()
    }
}

/// What [`Store::create`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[expect(
    clippy::exhaustive_enums,
    reason = "these are all the outcomes of the contract"
)]
pub enum Created {
    /// The record is kept.
    Created(Version),
    /// Another record has this key; nothing changed.
    KeyTaken,
}

/// What [`Store::replace`] did.
#[derive(Clone, Debug)]
#[must_use]
#[expect(
    clippy::exhaustive_enums,
    reason = "these are all the outcomes of the contract"
)]
pub enum Replaced {
    /// The record is kept.
    Replaced(Version),
    /// Someone else changed it; this is what is there now.
    Changed(Stored),
    /// There is none any more, or it has expired.
    Gone,
}

/// What [`Store::delete`] did.
#[derive(Clone, Debug)]
#[must_use]
#[expect(
    clippy::exhaustive_enums,
    reason = "these are all the outcomes of the contract"
)]
pub enum Deleted {
    /// The record is gone by this call.
    Deleted,
    /// Someone else changed it, so it was left; this is what is there now.
    Changed(Stored),
    /// There was none.
    Gone,
}

/// A store could not do what was asked. Never means that a record is missing.
#[derive(Debug)]
pub struct StoreError {
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StoreError {
    /// `message` says what failed and, where it can, what to do; it carries no session's data.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }

    /// The same with the driver's error as its source, for the log.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source
            .as_ref()
            .map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::{SecretKey, Secrets};
    use crate::signing::Compression;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    #[test]
    fn debug_shows_nothing_of_the_data() {
        let stored = Stored::signed("the user's own", NOW);
        assert_eq!(format!("{:?}", stored.form), "Signed(..)");
        assert_eq!(format!("{:?}", stored.version), "Version(..)");
        let stored = Stored::json("the user's own", NOW);
        assert_eq!(format!("{:?}", stored.form), "Json(..)");
        assert_eq!(format!("{:?}", stored.version), "Version(..)");
        let stored = Stored::pickled(*b"the user's own", NOW);
        assert_eq!(format!("{:?}", stored.form), "Pickled(..)");
        assert_eq!(format!("{:?}", stored.version), "Version(..)");
    }

    #[test]
    fn an_error_keeps_the_driver_s_for_the_log() {
        let bare = StoreError::new("the database does not answer");
        assert_eq!(bare.to_string(), "the database does not answer");
        assert!(std::error::Error::source(&bare).is_none());
        let error = bare.with_source("disk I/O error");
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(source.to_string(), "disk I/O error");
    }

    #[test]
    fn a_record_is_written_in_the_form_that_its_store_keeps() {
        let secrets = Secrets::new(SecretKey::insecure_new("k").unwrap());
        let codec = Codec::new(&secrets, Codec::DJANGO_SALT, Compression::Never);
        let record = || Record::new(r#"{"a":1}"#.into(), NOW, codec.clone(), NOW);
        assert_eq!(&**record().json_text(), r#"{"a":1}"#);
        assert_eq!(record().form(), Form::Json(r#"{"a":1}"#.into()));
        let signed = record();
        assert_eq!(**signed.signed_text(), *codec.encode(r#"{"a":1}"#, NOW));
        assert_eq!(
            signed.form(),
            Form::Signed(Arc::clone(signed.signed_text()))
        );
        let kept = record().keeping(&Form::Signed("as it was read".into()));
        assert_eq!(&**kept.signed_text(), "as it was read");
        let pickled = record();
        assert!(pickled.pickled().ends_with(b"u."));
        assert_eq!(pickled.form(), Form::Pickled(Arc::clone(pickled.pickled())));
        let kept = record().keeping(&Form::Pickled((*b"as it was read").into()));
        assert_eq!(&**kept.pickled(), b"as it was read");
        let shown = format!("{:?}", record());
        assert!(shown.starts_with("Record { expire_date: "), "{shown}");
    }

    #[test]
    fn the_plain_pickle_is_the_same_whatever_the_data_were_read_from() {
        let secrets = Secrets::new(SecretKey::insecure_new("k").unwrap());
        let codec = Codec::new(&secrets, Codec::DJANGO_SALT, Compression::Never);
        // {"a": (1,)}
        let before = Form::Pickled((*b"\x80\x04}\x8c\x01aK\x01\x85s.").into());
        let json = r#"{"a":[1],"b":2}"#;
        let record = Record::new(json.into(), NOW, codec, NOW).changed_from(&before);
        let plain = SessionData::from_ascii(json).unwrap().to_pickle();
        assert_eq!(plain, b"\x80\x04}(\x8c\x01a](K\x01e\x8c\x01bK\x02u.");
        assert_eq!(record.plain_pickle(), plain);
        assert_eq!(
            **record.pickled(),
            *b"\x80\x04}(\x8c\x01a(K\x01t\x8c\x01bK\x02u."
        );
    }

    #[test]
    fn a_record_is_somebody_s_who_signed_in_where_it_holds_a_user_s_id() {
        let secrets = Secrets::new(SecretKey::insecure_new("k").unwrap());
        let codec = Codec::new(&secrets, Codec::DJANGO_SALT, Compression::Never);
        for (json, signed_in) in [
            (r#"{"_auth_user_id":"7","a":1}"#, true),
            (r#"{"\u005fauth_user_id":7}"#, true),
            ("{}", false),
            (r#"{"a":{"_auth_user_id":"7"}}"#, false),
        ] {
            let data = SessionData::from_ascii(json).unwrap();
            let text = Record::new(json.into(), NOW, codec.clone(), NOW);
            let read = Record::of(&data, NOW, codec.clone(), NOW);
            assert_eq!(text.is_signed_in(), signed_in, "{json}");
            assert_eq!(read.is_signed_in(), signed_in, "{json}");
        }
    }

    #[test]
    fn a_version_is_what_is_stored() {
        assert_eq!(Version::of_text("a").as_text(), Some("a"));
        assert_eq!(Version::of_text("a").as_bytes(), b"a");
        assert_ne!(Version::of_text("a"), Version::of_text("b"));
        assert_eq!(Version::of_bytes(*b"\x80\x04").as_text(), None);
        assert_eq!(Stored::json("a", NOW).version, Version::of_text("a"));
        let bytes = Stored::pickled(*b"\x80\x04", NOW).version;
        assert_eq!(bytes, Version::of_bytes(*b"\x80\x04"));
    }
}

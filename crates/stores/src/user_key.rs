//! Primary keys of users: numbers, UUIDs or texts, and never one compared with another.

use cloakroom_core::session::StoreError;
use uuid::{Builder, Uuid};

/// What the primary keys of the table of users are.
///
/// A session keeps the key as text. A text that is none of these belongs to nobody, and is not looked for: MySQL
/// finds `0` equal to every text that begins with no digit, and `1x` to the number 1 (CVE-2014-0474).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "callers choose one")]
pub enum KeyType {
    /// A whole number (`AutoField`, `BigAutoField`), numbered by the database.
    #[default]
    Integer,
    /// A `UUIDField` as Django keeps it: `uuid` in PostgreSQL and in MariaDB from 10.7 on, otherwise 32 hexadecimal
    /// digits.
    Uuid,
    /// A UUID as text with hyphens.
    UuidText,
    /// A text of the site's own, at most 255 characters.
    Text,
}

impl KeyType {
    /// The key that stands in a session; `None` if the text is none.
    pub(crate) fn parse(self, text: &str) -> Option<UserKey> {
        match self {
            Self::Integer => text.parse().ok().map(UserKey::Integer),
            Self::Uuid => uuid(text).map(UserKey::Uuid),
            Self::UuidText => uuid(text).map(|uuid| UserKey::Text(uuid.hyphenated().to_string())),
            Self::Text => {
                let fits = !text.is_empty() && !text.contains('\0');
                let short = text.chars().nth(LONGEST_TEXT).is_none();
                (fits && short).then(|| UserKey::Text(text.to_owned()))
            }
        }
    }

    /// A column's text as a session keeps it; `None` if a key of this type is not written so.
    pub(crate) fn text_of_column(self, text: String) -> Option<String> {
        match self {
            Self::Uuid | Self::UuidText => uuid(&text).map(|uuid| uuid.hyphenated().to_string()),
            Self::Integer | Self::Text => Some(text),
        }
    }

    /// The key of a new user, where it is not the database that numbers them: a random UUID, or `wanted`.
    pub(crate) fn new_key(self, wanted: &str) -> Result<Option<UserKey>, StoreError> {
        match self {
            Self::Integer => Ok(None),
            Self::Uuid | Self::UuidText => {
                let mut bytes = [0; 16];
                getrandom::fill(&mut bytes).map_err(|error| {
                    StoreError::new("there is no randomness").with_source(error)
                })?;
                let uuid = Builder::from_random_bytes(bytes).into_uuid();
                Ok(self.parse(&uuid.hyphenated().to_string()))
            }
            Self::Text => match self.parse(wanted) {
                Some(key) => Ok(Some(key)),
                None => Err(StoreError::new(
                    "the primary keys of the table of users are texts of the site's own; the site makes its users",
                )),
            },
        }
    }
}

/// A primary key, of the type of its column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UserKey {
    Integer(i64),
    Uuid(Uuid),
    Text(String),
}

impl UserKey {
    /// As a session keeps it.
    pub(crate) fn to_session_text(&self) -> String {
        match self {
            Self::Integer(number) => number.to_string(),
            Self::Uuid(uuid) => uuid.hyphenated().to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// A UUID with hyphens or without; what Python reads besides, no session holds.
fn uuid(text: &str) -> Option<Uuid> {
    let plain = matches!(text.len(), 32 | 36);
    plain.then(|| Uuid::try_parse(text).ok()).flatten()
}

const LONGEST_TEXT: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "0b2f8a5e-7c1d-4e6f-9a3b-5d7e9f1a2b3c";

    /// CVE-2014-0474.
    #[test]
    fn a_key_is_of_its_type_or_none() {
        let rows = [
            (KeyType::Integer, "7", true),
            (KeyType::Integer, UUID, false),
            (KeyType::Integer, "1x", false),
            (KeyType::Integer, "0e0", false),
            (KeyType::Integer, "99999999999999999999", false),
            (KeyType::Integer, "", false),
            (KeyType::Uuid, UUID, true),
            (KeyType::Uuid, "0b2f8a5e7c1d4e6f9a3b5d7e9f1a2b3c", true),
            (KeyType::Uuid, "0B2F8A5E-7C1D-4E6F-9A3B-5D7E9F1A2B3C", true),
            (KeyType::Uuid, "7", false),
            (KeyType::Uuid, "0b2f8a5e-7c1d-4e6f-9a3b-5d7e9f1a2b3", false),
            (
                KeyType::Uuid,
                "{0b2f8a5e-7c1d-4e6f-9a3b-5d7e9f1a2b3c}",
                false,
            ),
            (KeyType::UuidText, UUID, true),
            (KeyType::UuidText, "0", false),
            (KeyType::Text, "ann", true),
            (KeyType::Text, "0", true),
            (KeyType::Text, "", false),
            (KeyType::Text, "a\0", false),
        ];
        for (key, text, is_one) in rows {
            assert_eq!(key.parse(text).is_some(), is_one, "{key:?} {text}");
        }
        assert_eq!(KeyType::Text.parse(&"x".repeat(256)), None);
    }

    #[test]
    fn a_uuid_is_one_whatever_its_spelling() {
        for key in [KeyType::Uuid, KeyType::UuidText] {
            for spelling in [UUID.to_uppercase(), UUID.replace('-', ""), UUID.to_owned()] {
                let parsed = key.parse(&spelling).unwrap();
                assert_eq!(parsed.to_session_text(), UUID);
                assert_eq!(key.text_of_column(spelling).as_deref(), Some(UUID));
            }
            assert_eq!(key.text_of_column("7".into()), None);
        }
    }

    #[test]
    fn only_uuids_are_drawn_here() {
        assert_eq!(KeyType::Integer.new_key("7").unwrap(), None);
        let drawn = |key: KeyType| key.new_key("").unwrap().unwrap();
        assert_ne!(drawn(KeyType::Uuid), drawn(KeyType::Uuid));
        assert_eq!(&drawn(KeyType::UuidText).to_session_text()[14..15], "4");
        let given = KeyType::Text.new_key("ann").unwrap();
        assert_eq!(given, Some(UserKey::Text("ann".into())));
        assert!(KeyType::Text.new_key("").is_err());
    }
}

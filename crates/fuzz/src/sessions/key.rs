//! Session keys as clients send them.

use cloakroom_core::session::SessionKey;

use crate::parts::Parts;

/// A cookie's value.
pub fn session_key(input: &[u8]) {
    let text = Parts::of(input).text();
    let key = SessionKey::parse(&text);
    let control = |character: char| matches!(u32::from(character), 0..=0x1F | 0x7F..=0x9F);
    let fits = text.chars().count() >= 8 && !text.chars().any(control);
    assert_eq!(key.is_some(), fits);
    if let Some(key) = key {
        assert_eq!(key.as_str(), text);
        assert_eq!(format!("{key:?}"), "SessionKey(..)");
    }
}

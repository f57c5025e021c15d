//! Salts: 22 characters of Django's alphabet.

use crate::random::{self, RandomError};

/// As many characters of this alphabet as 128 bits need.
pub(super) const LENGTH: usize = 22;
pub(super) const ALPHABET: &[u8; 62] =
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// A salt for hashes that are made to spend time.
pub(super) const ANY: &str = "abcdefghijklmnopqrstuv";

pub(super) fn random() -> Result<String, RandomError> {
    random::text(ALPHABET, LENGTH)
}

/// The salt, unless it is none or would move the parts of the text.
pub(super) fn checked(salt: &str) -> Option<&str> {
    (!salt.is_empty() && !salt.contains('$')).then_some(salt)
}

/// Fewer than 128 bits in so many characters of which there are 62.
pub(super) const fn is_weak(characters: usize) -> bool {
    characters < LENGTH
}

//! The session key: the ticket a browser carries.

use std::fmt;
use std::sync::Arc;

use crate::random;

/// A session's name in its store and the value of its cookie.
///
/// Whoever knows it holds the session, so `Debug` never shows it. Clones share the text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey(Arc<str>);

impl SessionKey {
    /// Characters of a new key, as in Django.
    pub const LENGTH: usize = 32;
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    /// Shorter keys are ignored (`_validate_session_key` in `django.contrib.sessions.backends.base`).
    const SHORTEST: usize = 8;

    /// A new key: 32 characters of `a-z0-9`, 165 bits from the operating system's generator.
    ///
    /// # Errors
    /// The generator does not answer.
    pub fn generate() -> Result<Self, random::RandomError> {
        Self::generate_of(Self::LENGTH)
    }

    /// A new key of another length, for sites whose own engine draws longer ones. Never shorter than
    /// [`LENGTH`](Self::LENGTH).
    ///
    /// # Errors
    /// The generator does not answer.
    pub fn generate_of(length: usize) -> Result<Self, random::RandomError> {
        let text = random::text(Self::ALPHABET, length.max(Self::LENGTH))?;
        Ok(Self(text.into()))
    }

    /// Accepts what a client sent: at least 8 code points, as in Django.
    ///
    /// Unlike Django it takes no control characters. Quoted cookies can carry a NUL, which no key holds and
    /// with which Django on PostgreSQL answers 500.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = if text.is_ascii() {
            // Every key that we or Django drew; the general rule takes ten times as long.
            text.len() >= Self::SHORTEST && !text.bytes().any(|byte| byte.is_ascii_control())
        } else {
            text.chars().count() >= Self::SHORTEST && !text.chars().any(char::is_control)
        };
        fits.then(|| Self(text.into()))
    }

    /// The key's text: the cookie's value, the row's `session_key`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SessionKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_django_s() {
        let key = SessionKey::generate().unwrap();
        assert_eq!(key.as_str().len(), 32);
        assert!(
            key.as_str()
                .bytes()
                .all(|byte| SessionKey::ALPHABET.contains(&byte))
        );
        assert_ne!(key, SessionKey::generate().unwrap());
    }

    #[test]
    fn a_new_key_has_small_letters_and_digits() {
        let drawn: String = (0..100)
            .map(|_| SessionKey::generate().unwrap().as_str().to_owned())
            .collect();
        for character in ('a'..='z').chain('0'..='9') {
            // One of them is missing by chance once in 10^37 runs.
            assert!(drawn.contains(character), "{character}");
        }
        let others = |character: char| !matches!(character, 'a'..='z' | '0'..='9');
        assert!(!drawn.contains(others));
    }

    /// S1: 36 symbols in 32 places are 165 bits if each is drawn evenly, whatever stands before it.
    #[test]
    fn of_a_million_keys_none_is_twice_and_every_character_is_as_frequent_as_the_others() {
        let draws = 1_000_000;
        let mut keys = Vec::with_capacity(draws);
        let mut counts = [[0_u32; 256]; SessionKey::LENGTH];
        for _ in 0..draws {
            let key = SessionKey::generate().unwrap();
            let bytes: [u8; SessionKey::LENGTH] = key.as_str().as_bytes().try_into().unwrap();
            for (counts, byte) in counts.iter_mut().zip(bytes) {
                counts[usize::from(byte)] += 1;
            }
            keys.push(bytes);
        }
        let expected = 1_000_000.0 / 36.0;
        for counts in counts {
            let drawn = SessionKey::ALPHABET.map(|symbol| f64::from(counts[usize::from(symbol)]));
            assert!(
                drawn.iter().sum::<f64>() > 999_999.5,
                "nothing else is drawn"
            );
            let squares = drawn.map(|count| (count - expected).powi(2) / expected);
            // With 35 degrees of freedom it exceeds 100 once in thirty million places. Bytes whose remainder is taken
            // make it 2,000, half of the alphabet makes it a million.
            let chi_squared: f64 = squares.iter().sum();
            assert!(chi_squared < 100.0, "{chi_squared}");
        }
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), draws);
    }

    #[test]
    fn a_key_may_be_longer_and_not_shorter() {
        for (length, drawn) in [(128, 128), (33, 33), (8, 32), (0, 32)] {
            let key = SessionKey::generate_of(length).unwrap();
            assert_eq!(key.as_str().len(), drawn);
            assert!(SessionKey::parse(key.as_str()).is_some());
        }
    }

    /// CVE-2015-3982, CVE-2020-13254, C10.
    #[test]
    fn short_keys_and_control_characters_are_no_keys() {
        assert!(SessionKey::parse("abcdefg").is_none());
        assert!(
            SessionKey::parse("ééééééé").is_none(),
            "seven code points in fourteen bytes"
        );
        assert!(SessionKey::parse("éééééééé").is_some());
        assert!(
            SessionKey::parse("ABCDEFGH").is_some(),
            "the store decides, not the alphabet"
        );
        assert!(SessionKey::parse("aaaaaaaa\0").is_none());
        assert!(SessionKey::parse("").is_none());
    }

    /// S11.
    #[test]
    fn debug_shows_no_key() {
        let key = SessionKey::generate().unwrap();
        assert_eq!(format!("{key:?}"), "SessionKey(..)");
    }
}

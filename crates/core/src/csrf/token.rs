//! The CSRF secret and the masked tokens that prove it.

use std::fmt;

use crate::random::{self, RandomError};
use crate::secret::same;

/// What ties a browser's cookie to the forms it was shown: 32 characters of `a-zA-Z0-9`.
///
/// Only a page of this site can read it, so a request that repeats it comes from one.
#[derive(Clone)]
pub struct CsrfSecret(String);

impl CsrfSecret {
    pub(super) const LENGTH: usize = 32;
    /// A mask and the secret under it.
    pub(super) const MASKED_LENGTH: usize = 2 * Self::LENGTH;
    /// The order matters: masking adds the places of two characters.
    pub(super) const ALPHABET: &[u8; 62] =
        b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    /// A new secret, 190 bits from the operating system's generator.
    ///
    /// # Errors
    /// The generator does not answer.
    pub fn generate() -> Result<Self, RandomError> {
        random::text(Self::ALPHABET, Self::LENGTH).map(Self)
    }

    /// From characters of the alphabet, as many as a secret has.
    pub(super) const fn of_drawn(text: String) -> Self {
        Self(text)
    }

    /// Reads what the cookie or the session holds; 64 characters, as Django before 4.0 kept them, are
    /// unmasked.
    ///
    /// What has neither shape is to be replaced by a new secret at once, even on a `GET`. Django does so
    /// for the cookie only: with an ill-shaped value in a session it refuses every form or answers 500,
    /// for as long as the session lives.
    ///
    /// # Errors
    /// The text has the wrong length or other characters.
    pub fn from_stored(text: &str) -> Result<Self, TokenFault> {
        unmasked(text).map(Self)
    }

    /// The text to keep in the cookie or the session.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A token for a form: 64 characters, under a fresh mask each time.
    ///
    /// A compressed page that shows the same secret twice and repeats what the request said would
    /// otherwise betray it by its length (BREACH).
    ///
    /// # Errors
    /// The generator does not answer.
    pub fn masked(&self) -> Result<String, RandomError> {
        let mask = random::text(Self::ALPHABET, Self::LENGTH)?;
        let cipher = combine(&self.0, &mask, |secret, mask| secret + mask);
        Ok([mask, cipher].concat())
    }

    /// Whether a request's token, masked or not, proves this secret.
    ///
    /// # Errors
    /// The token has the wrong length, other characters, or is another secret's.
    pub fn verify(&self, token: &str) -> Result<(), TokenFault> {
        let token = unmasked(token)?;
        if same(token.as_bytes(), self.0.as_bytes()) {
            Ok(())
        } else {
            Err(TokenFault::Incorrect)
        }
    }
}

impl fmt::Debug for CsrfSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CsrfSecret(..)")
    }
}

/// The 32 characters of a secret or of a masked token.
fn unmasked(text: &str) -> Result<String, TokenFault> {
    // Django counts code points, and the length before it looks at the characters.
    let length = text.chars().count();
    if length != CsrfSecret::LENGTH && length != CsrfSecret::MASKED_LENGTH {
        return Err(TokenFault::IncorrectLength);
    }
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(TokenFault::InvalidCharacters);
    }
    if length == CsrfSecret::LENGTH {
        return Ok(text.to_owned());
    }
    let (mask, cipher) = text.split_at(CsrfSecret::LENGTH);
    Ok(combine(cipher, mask, |cipher, mask| {
        cipher + CsrfSecret::ALPHABET.len() - mask
    }))
}

/// Each character's place in the alphabet, joined with that of the mask's character.
fn combine(text: &str, mask: &str, join: impl Fn(usize, usize) -> usize) -> String {
    let places = text.bytes().zip(mask.bytes());
    places
        .map(|(character, mask)| {
            let place = join(place(character), place(mask)) % CsrfSecret::ALPHABET.len();
            char::from(CsrfSecret::ALPHABET[place])
        })
        .collect()
}

/// Where an alphanumeric character stands in the alphabet.
const fn place(character: u8) -> usize {
    let offset = match character {
        b'a'..=b'z' => b'a',
        b'A'..=b'Z' => b'A' - 26,
        _ => return 52 + (character.wrapping_sub(b'0') % 10) as usize,
    };
    (character - offset) as usize
}

/// What is wrong with a token. Reads as the end of a sentence: `CSRF cookie has incorrect length`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "these are all the ways in which Django refuses a token"
)]
pub enum TokenFault {
    /// Neither 32 nor 64 characters.
    IncorrectLength,
    /// Characters other than `a-zA-Z0-9`.
    InvalidCharacters,
    /// Well formed, and another secret's.
    Incorrect,
}

impl fmt::Display for TokenFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::IncorrectLength => "has incorrect length",
            Self::InvalidCharacters => "has invalid characters",
            Self::Incorrect => "incorrect",
        })
    }
}

impl std::error::Error for TokenFault {}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "lcccccccX2kcccccccY2jcccccccssIC";

    fn secret() -> CsrfSecret {
        CsrfSecret::from_stored(SECRET).unwrap()
    }

    #[test]
    fn masks_are_django_s() {
        let rows = [
            (SECRET.to_owned(), SECRET),
            (
                "1bcdefghij2bcdefghij3bcdefghij4bcdefghij5bcdefghij6bcdefghijABCD".to_owned(),
                SECRET,
            ),
            (
                "2JgchWvM1tpxT2lfz9aydoXW9yT1DN3NdLiejYxOOlzzV4nhBbYqmqZYbAV3V5Bf".to_owned(),
                SECRET,
            ),
            ("a".repeat(64), "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ];
        for (stored, expected) in rows {
            let secret = CsrfSecret::from_stored(&stored).unwrap();
            assert_eq!(secret.as_str(), expected);
            assert_eq!(secret.verify(&stored), Ok(()));
        }
    }

    #[test]
    fn each_token_differs_and_all_are_valid() {
        let secret = CsrfSecret::generate().unwrap();
        let tokens: Vec<String> = (0..100).map(|_| secret.masked().unwrap()).collect();
        for token in &tokens {
            assert_eq!(token.len(), 64);
            assert_eq!(secret.verify(token), Ok(()));
            assert_eq!(tokens.iter().filter(|other| *other == token).count(), 1);
        }
        assert_eq!(secret.verify(secret.as_str()), Ok(()));
    }

    #[test]
    fn every_place_of_the_alphabet_is_its_own() {
        for (expected, character) in CsrfSecret::ALPHABET.iter().enumerate() {
            assert_eq!(place(*character), expected);
        }
    }

    /// F12.
    #[test]
    fn a_mask_is_uniform_and_so_is_what_it_covers() {
        let mut counts = [[0_u32; 62]; 64];
        let draws = 10_000;
        let secret = secret();
        for _ in 0..draws {
            for (at, character) in secret.masked().unwrap().bytes().enumerate() {
                counts[at][place(character)] += 1;
            }
        }
        // Chi-squared with 61 degrees of freedom exceeds 130 once in a million.
        let expected = f64::from(draws) / 62.0;
        for counts in counts {
            let chi_squared: f64 = counts
                .iter()
                .map(|count| (f64::from(*count) - expected).powi(2) / expected)
                .sum();
            assert!(chi_squared < 130.0, "{chi_squared}");
        }
    }

    #[test]
    fn the_wrong_shape_is_refused_length_first() {
        use TokenFault::{IncorrectLength, InvalidCharacters};
        let rows = [
            (String::new(), IncorrectLength),
            ("a".repeat(31), IncorrectLength),
            ("a".repeat(33), IncorrectLength),
            ("a".repeat(63), IncorrectLength),
            ("a".repeat(65), IncorrectLength),
            ("*".repeat(16), IncorrectLength),
            ("é".repeat(16), IncorrectLength),
            ("é".repeat(32), InvalidCharacters),
            ("*".repeat(32), InvalidCharacters),
            ("a".repeat(63) + " ", InvalidCharacters),
            ("a".repeat(31) + "\0", InvalidCharacters),
            ("٣".repeat(64), InvalidCharacters),
        ];
        for (text, fault) in rows {
            assert_eq!(
                CsrfSecret::from_stored(&text).map(|_| ()),
                Err(fault),
                "{text:?}"
            );
            assert_eq!(secret().verify(&text), Err(fault), "{text:?}");
        }
    }

    #[test]
    fn another_secret_s_token_is_incorrect() {
        let other = CsrfSecret::generate().unwrap();
        for token in [other.as_str().to_owned(), other.masked().unwrap()] {
            assert_eq!(secret().verify(&token), Err(TokenFault::Incorrect));
        }
        assert_eq!(
            secret().verify(&SECRET.to_lowercase()),
            Err(TokenFault::Incorrect)
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(format!("{:?}", secret()), "CsrfSecret(..)");
    }
}

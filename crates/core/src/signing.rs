//! Django's signatures: a salted HMAC-SHA-256 behind a separator (`django.core.signing`).

pub mod base62;
mod object;
mod timestamp;

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

pub use object::{Compression, LoadError, ObjectSigner};
pub use timestamp::{SigningError, TimestampSigner};

use crate::secret::{SecretKey, Secrets, same};

/// HMAC-SHA-256 keyed as Django's `salted_hmac` keys it: with the hash of salt and secret.
///
/// The key's schedule is computed once; each MAC clones it.
#[derive(Clone)]
pub(crate) struct SaltedHmac(Hmac<Sha256>);

impl SaltedHmac {
    pub(crate) fn new(salt: &[u8], secret: &SecretKey) -> Self {
        Self::with_key_prefix(salt, b"", secret)
    }

    fn with_key_prefix(salt: &[u8], prefix: &[u8], secret: &SecretKey) -> Self {
        let hash = Sha256::new()
            .chain_update(salt)
            .chain_update(prefix)
            .chain_update(secret.expose());
        let key = zeroize::Zeroizing::new(<[u8; 32]>::from(hash.finalize()));
        Self(Hmac::new_from_slice(&*key).expect("HMAC takes keys of any length"))
    }

    pub(crate) fn mac(&self, value: &[u8]) -> [u8; 32] {
        let mut hmac = self.0.clone();
        hmac.update(value);
        hmac.finalize().into_bytes().into()
    }

    /// The MAC as 64 lower-case hexadecimal digits.
    pub(crate) fn hex(&self, value: &[u8]) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = String::with_capacity(64);
        for byte in self.mac(value) {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from(DIGITS[usize::from(digit)]));
            }
        }
        text
    }
}

/// Signs text and verifies it again: `value:signature`.
///
/// Clones share the prepared keys.
#[derive(Clone)]
pub struct Signer {
    /// The one that signs comes first.
    keys: Arc<[SaltedHmac]>,
}

impl Signer {
    /// Characters of a signature: 32 bytes in URL-safe base64 without padding.
    const SIGNATURE_LENGTH: usize = 43;
    const SEPARATOR: char = ':';

    /// Stands for an empty salt: the class's name.
    const DEFAULT_SALT: &str = "django.core.signing.Signer";

    /// `salt` tells purposes apart: what was signed for one is never valid for another. An empty one is the
    /// default of Django's class, as there.
    #[must_use]
    pub fn new(secrets: &Secrets, salt: &str) -> Self {
        Self::with_key_prefix(secrets, b"", unless_empty(salt, Self::DEFAULT_SALT))
    }

    /// As `get_cookie_signer` does: every key gets a prefix of its own purpose.
    pub(crate) fn with_key_prefix(secrets: &Secrets, prefix: &[u8], salt: &str) -> Self {
        // `Signer.signature` appends this word to every salt.
        let salt = format!("{salt}signer");
        let keys = secrets
            .iter()
            .map(|secret| SaltedHmac::with_key_prefix(salt.as_bytes(), prefix, secret));
        Self {
            keys: keys.collect(),
        }
    }

    /// `value`, a colon, and the signature.
    #[must_use]
    pub fn sign(&self, value: &str) -> String {
        let mut signed = String::with_capacity(value.len() + 1 + Self::SIGNATURE_LENGTH);
        signed.push_str(value);
        self.append_signature(&mut signed);
        signed
    }

    /// Signs what `text` holds, in place.
    fn append_signature(&self, text: &mut String) {
        let mac = self.keys[0].mac(text.as_bytes());
        text.push(Self::SEPARATOR);
        URL_SAFE_NO_PAD.encode_string(mac, text);
    }

    /// The value, if one of the keys signed it.
    ///
    /// # Errors
    /// There is no separator, or no key signed this.
    pub fn unsign<'a>(&self, signed: &'a str) -> Result<&'a str, BadSignature> {
        let Some((value, signature)) = split_signature(signed) else {
            return Err(match signed.contains(Self::SEPARATOR) {
                true => BadSignature::Mismatch,
                false => BadSignature::NoSeparator,
            });
        };
        // The decoded bytes cannot be compared: several texts decode to the same ones, and Django
        // accepts exactly one.
        let verifies = |key: &SaltedHmac| {
            let mut expected = [0; Self::SIGNATURE_LENGTH];
            let length = URL_SAFE_NO_PAD.encode_slice(key.mac(value.as_bytes()), &mut expected);
            length.is_ok() && same(&expected, signature.as_bytes())
        };
        if self.keys.iter().any(verifies) {
            Ok(value)
        } else {
            Err(BadSignature::Mismatch)
        }
    }
}

/// The value, and what stands where a signature has its place: nothing is searched, as all signatures are of one length.
///
/// `None` if there is no separator before it, which is no signature of ours. A separator within it is not looked for: no
/// signature has one, so that the comparison fails.
fn split_signature(signed: &str) -> Option<(&str, &str)> {
    let (value, rest) =
        signed.split_at_checked(signed.len().checked_sub(Signer::SIGNATURE_LENGTH + 1)?)?;
    Some((value, rest.strip_prefix(Signer::SEPARATOR)?))
}

/// Django asks for its salts with `or`.
const fn unless_empty<'a>(salt: &'a str, default: &'a str) -> &'a str {
    if salt.is_empty() { default } else { salt }
}

impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Signer(..)")
    }
}

/// The text was not signed by any of the keys for this purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadSignature {
    /// The separator is missing.
    NoSeparator,
    /// No key made this signature.
    Mismatch,
}

impl fmt::Display for BadSignature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NoSeparator => "no separator in the signed value",
            Self::Mismatch => "the signature does not match",
        })
    }
}

impl std::error::Error for BadSignature {}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(key: impl Into<Vec<u8>>) -> Secrets {
        Secrets::new(SecretKey::insecure_new(key).unwrap())
    }

    fn signer(key: impl Into<Vec<u8>>) -> Signer {
        Signer::new(&secrets(key), "django.core.signing.Signer")
    }

    #[test]
    fn signatures_are_django_s() {
        let secret = SecretKey::insecure_new("secret").unwrap();
        assert_eq!(
            SaltedHmac::new(b"salt", &secret).hex(b"value"),
            "debaddcd9ecbaab181289870baf8af49b0af0a7050d620d1a63f1e69bd87ceb8"
        );
        assert_eq!(
            signer("k").sign("hello"),
            "hello:3jIRTXB8cju7lLwsdsd67hWGpe2iqP8I-aEAoY-u96k"
        );
        assert_eq!(
            signer([0xE7]).sign("foo"),
            "foo:EE4qGC5MEKyQG5msxYA0sBohAxLC0BJf8uRhemh0BGU"
        );
    }

    #[test]
    fn what_was_signed_verifies_and_nothing_else_does() {
        let signed = signer("k").sign("a:b");
        assert_eq!(signer("k").unsign(&signed), Ok("a:b"));
        assert_eq!(signer("other").unsign(&signed), Err(BadSignature::Mismatch));
        assert_eq!(
            signer("k").unsign("no separator"),
            Err(BadSignature::NoSeparator)
        );
        for end in [0, 1, 40, 44] {
            assert_eq!(
                signer("k").unsign(&format!("a:b:{}", "A".repeat(end))),
                Err(BadSignature::Mismatch)
            );
        }
        // The last character carries four bits; another spelling of the same bytes is not what Django takes.
        let mut respelled = signer("k").sign("hello");
        respelled.pop();
        respelled.push('l');
        assert_eq!(signer("k").unsign(&respelled), Err(BadSignature::Mismatch));
    }

    #[test]
    fn an_empty_salt_is_the_class_s_default() {
        let signed = Signer::new(&secrets("k"), "").sign("hello");
        assert_eq!(signed, signer("k").sign("hello"));
    }

    /// C13.
    #[test]
    fn another_salt_is_another_purpose() {
        let signed = Signer::new(&secrets("k"), "one").sign("hello");
        assert_eq!(
            Signer::new(&secrets("k"), "two").unsign(&signed),
            Err(BadSignature::Mismatch)
        );
    }

    #[test]
    fn a_fallback_key_verifies_and_never_signs() {
        let rotated = secrets("new").with_fallbacks(vec![SecretKey::insecure_new("k").unwrap()]);
        let rotated = Signer::new(&rotated, "django.core.signing.Signer");
        assert_eq!(rotated.unsign(&signer("k").sign("hello")), Ok("hello"));
        assert_eq!(rotated.sign("hello"), signer("new").sign("hello"));
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", signer("k")), "Signer(..)");
    }

    #[test]
    fn every_fallback_verifies() {
        let fallbacks =
            ["third", "second", "first"].map(|key| SecretKey::insecure_new(key).unwrap());
        let rotated = secrets("new").with_fallbacks(fallbacks.to_vec());
        let rotated = Signer::new(&rotated, "django.core.signing.Signer");
        for key in ["new", "third", "second", "first"] {
            assert_eq!(
                rotated.unsign(&signer(key).sign("hello")),
                Ok("hello"),
                "{key}"
            );
        }
    }

    #[test]
    fn a_signature_is_taken_whole_or_not_at_all() {
        let signed = signer("k").sign("hello");
        for end in 7..signed.len() {
            assert!(signer("k").unsign(&signed[..end]).is_err(), "{end} bytes");
        }
        for tail in ["=", "A", " ", "\n", "\0", "\u{e9}"] {
            let longer = format!("{signed}{tail}");
            assert_eq!(
                signer("k").unsign(&longer),
                Err(BadSignature::Mismatch),
                "{tail:?}"
            );
        }
        for separator in [".", ";", "A", "é"] {
            let other = signed.replacen(':', separator, 1);
            assert_eq!(
                signer("k").unsign(&other),
                Err(BadSignature::NoSeparator),
                "{separator}"
            );
        }
    }

    /// Looks for the last separator, wherever it stands, as Django does.
    fn unsign_by_search<'a>(signer: &Signer, signed: &'a str) -> Result<&'a str, BadSignature> {
        let (value, _) = signed
            .rsplit_once(Signer::SEPARATOR)
            .ok_or(BadSignature::NoSeparator)?;
        match signer.sign(value) == signed {
            true => Ok(value),
            false => Err(BadSignature::Mismatch),
        }
    }

    proptest::proptest! {
        #[test]
        fn a_signature_s_place_is_the_one_that_a_search_finds(
            value in "[:aé ]{0,8}",
            tail in "[:A_é=]{0,48}",
            place in proptest::prelude::any::<proptest::sample::Index>(),
            put in proptest::option::of("[:Aé]"),
        ) {
            let signer = signer("k");
            let mut signed = signer.sign(&value);
            if let Some(put) = put {
                // Somewhere in the signed text, in place of one character.
                let places: Vec<usize> = signed.char_indices().map(|(at, _)| at).collect();
                let at = places[place.index(places.len())];
                let end = at + signed[at..].chars().next().map_or(0, char::len_utf8);
                signed.replace_range(at..end, &put);
            }
            for text in [&signed, &format!("{value}{tail}"), &format!("{value}:{tail}"), &tail] {
                proptest::prop_assert_eq!(
                    signer.unsign(text),
                    unsign_by_search(&signer, text),
                    "{}", text
                );
            }
            // What stands before the last separator is the value, and behind it the time.
            proptest::prop_assert_eq!(timestamp::split_timestamp(&signed), signed.rsplit_once(':'));
            proptest::prop_assert_eq!(timestamp::split_timestamp(&tail), tail.rsplit_once(':'));
        }
    }
}

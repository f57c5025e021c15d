//! Signatures that know when they were made: `value:timestamp:signature`.

use std::fmt;
use std::time::Duration;

use super::{BadSignature, Signer, base62, unless_empty};
use crate::secret::Secrets;
use crate::time::Timestamp;

/// Signs text together with the time (`django.core.signing.TimestampSigner`).
#[derive(Clone, Debug)]
pub struct TimestampSigner(Signer);

impl TimestampSigner {
    /// Stands for an empty salt: the class's name.
    const DEFAULT_SALT: &str = "django.core.signing.TimestampSigner";

    /// `salt` tells purposes apart. An empty one is the default of Django's class, as there.
    #[must_use]
    pub fn new(secrets: &Secrets, salt: &str) -> Self {
        Self::with_key_prefix(secrets, b"", salt)
    }

    pub(crate) fn with_key_prefix(secrets: &Secrets, prefix: &[u8], salt: &str) -> Self {
        let salt = unless_empty(salt, Self::DEFAULT_SALT);
        Self(Signer::with_key_prefix(secrets, prefix, salt))
    }

    /// `value`, the time in whole seconds, and the signature over both.
    #[must_use]
    pub fn sign(&self, value: &str, now: Timestamp) -> String {
        let mut signed = String::with_capacity(value.len() + 8 + Signer::SIGNATURE_LENGTH);
        signed.push_str(value);
        self.append(&mut signed, now);
        signed
    }

    /// Dates and signs what `text` holds, in place.
    pub(super) fn append(&self, text: &mut String, now: Timestamp) {
        text.push(Signer::SEPARATOR);
        base62::encode(now.unix_seconds(), text);
        self.0.append_signature(text);
    }

    /// The value, whenever it was signed.
    ///
    /// # Errors
    /// The signature is bad, or the signed text carries no timestamp.
    pub fn unsign<'a>(&self, signed: &'a str) -> Result<&'a str, SigningError> {
        self.split(signed).map(|(value, _)| value)
    }

    /// The value, if it was signed at most `max_age` before `now`. As in Django a time in the future passes,
    /// and the whole second of the signature makes values up to a second older than they are.
    ///
    /// # Errors
    /// The signature is bad, the text carries no timestamp, or it is older than `max_age`.
    pub fn unsign_within<'a>(
        &self,
        signed: &'a str,
        max_age: Duration,
        now: Timestamp,
    ) -> Result<&'a str, SigningError> {
        let (value, seconds) = self.split(signed)?;
        let age = i128::from(now.unix_micros()) - i128::from(seconds) * 1_000_000;
        let oldest = i128::try_from(max_age.as_micros()).unwrap_or(i128::MAX);
        if age > oldest {
            Err(SigningError::Expired)
        } else {
            Ok(value)
        }
    }

    fn split<'a>(&self, signed: &'a str) -> Result<(&'a str, i64), SigningError> {
        let dated = self.0.unsign(signed).map_err(SigningError::BadSignature)?;
        let seconds = |(value, timestamp)| Some((value, base62::decode(timestamp)?));
        split_timestamp(dated)
            .and_then(seconds)
            .ok_or(SigningError::NoTimestamp)
    }
}

/// What stands on both sides of the last separator. It is a few bytes before the end, where looking at one after the other
/// takes less than what searches long texts quickly.
pub(super) fn split_timestamp(dated: &str) -> Option<(&str, &str)> {
    let separator = dated
        .bytes()
        .rposition(|byte| byte == Signer::SEPARATOR as u8)?;
    Some((dated.get(..separator)?, dated.get(separator + 1..)?))
}

/// Why a dated signature is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SigningError {
    /// Nobody with one of the keys signed this.
    BadSignature(BadSignature),
    /// It is signed, but older than allowed.
    Expired,
    /// It is signed, but without a time.
    NoTimestamp,
}

impl fmt::Display for SigningError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadSignature(error) => error.fmt(formatter),
            Self::Expired => formatter.write_str("the signature is older than allowed"),
            Self::NoTimestamp => formatter.write_str("the signed value has no timestamp"),
        }
    }
}

impl std::error::Error for SigningError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretKey;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    fn secrets() -> Secrets {
        Secrets::new(SecretKey::insecure_new("k").unwrap())
    }

    fn signer() -> TimestampSigner {
        TimestampSigner::new(&secrets(), "django.core.signing.TimestampSigner")
    }

    #[test]
    fn a_dated_signature_is_django_s() {
        let signed = "hello:1r31eq:ITVAZeRKoRwLyev_rc4yqLEnB5MJjHgZvq15DzDWXhY";
        assert_eq!(signer().sign("hello", NOW), signed);
        assert_eq!(signer().unsign(signed), Ok("hello"));
        let without_salt = TimestampSigner::new(&secrets(), "");
        assert_eq!(without_salt.sign("hello", NOW), signed);
    }

    #[test]
    fn a_value_may_hold_the_separator() {
        let signed = "a:b:1r31eq:ZVRLDpXVp3Yfej2BDzrV69PaYimur9gp8QfF-q6qhWQ";
        assert_eq!(signer().sign("a:b", NOW), signed);
        assert_eq!(signer().unsign(signed), Ok("a:b"));
    }

    #[test]
    fn age_counts_fractions_of_now_and_whole_seconds_of_the_signature() {
        let signed = signer().sign("hello", NOW);
        let at = |micros| Timestamp::from_unix_micros(NOW.unix_micros() + micros);
        let within =
            |seconds, now| signer().unsign_within(&signed, Duration::from_secs(seconds), now);
        assert_eq!(within(10, at(10_000_000)), Ok("hello"));
        assert_eq!(within(10, at(10_000_001)), Err(SigningError::Expired));
        assert_eq!(within(0, at(1)), Err(SigningError::Expired));
        assert_eq!(
            within(0, at(-100_000_000)),
            Ok("hello"),
            "signed in the future"
        );
        assert_eq!(within(u64::MAX, Timestamp::MAX), Ok("hello"));
    }

    #[test]
    fn a_value_signed_without_a_time_is_refused() {
        let plain = Signer::new(&secrets(), "django.core.signing.TimestampSigner");
        assert_eq!(
            signer().unsign(&plain.sign("hello")),
            Err(SigningError::NoTimestamp)
        );
        assert_eq!(
            signer().unsign(&plain.sign("hello:é")),
            Err(SigningError::NoTimestamp)
        );
    }

    #[test]
    fn each_refusal_is_told_from_the_others() {
        let refusals = [
            (
                SigningError::BadSignature(BadSignature::NoSeparator),
                "no separator in the signed value",
            ),
            (
                SigningError::BadSignature(BadSignature::Mismatch),
                "the signature does not match",
            ),
            (SigningError::Expired, "the signature is older than allowed"),
            (
                SigningError::NoTimestamp,
                "the signed value has no timestamp",
            ),
        ];
        for (refusal, text) in refusals {
            assert_eq!(refusal.to_string(), text);
        }
    }
}

//! Signed objects: JSON text, compressed where that helps, in base64 (`dumps` and `loads`).

use std::cell::RefCell;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use flate2::{Compress, Decompress, FlushCompress, FlushDecompress, Status};

use super::{SigningError, TimestampSigner};
use crate::secret::Secrets;
use crate::time::Timestamp;

/// Python reads base64 whose last character has stray bits, so we do too: the MAC vouches for the text.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// When compression is tried. Django reads both forms whatever the setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// Never.
    Never,
    /// For texts of more than this many bytes. zlib on 500 bytes costs as much as the rest of a request.
    Above(usize),
    /// For every text, as Django does.
    Always,
}

/// Signs JSON text as Django's `dumps` does and reads it as `loads` does. Clones share the prepared keys.
#[derive(Clone, Debug)]
pub struct ObjectSigner {
    signer: TimestampSigner,
    compression: Compression,
}

impl ObjectSigner {
    /// The most bytes that a compressed text may inflate to: 16 MiB. A session is some kB; what is larger
    /// than this by a thousand times is an attack or an accident, and stops here.
    pub const LARGEST: usize = 16 << 20;

    /// `salt` tells purposes apart.
    #[must_use]
    pub fn new(secrets: &Secrets, salt: &str, compression: Compression) -> Self {
        Self {
            signer: TimestampSigner::new(secrets, salt),
            compression,
        }
    }

    /// The payload, the time and the signature. `json` must be ASCII, as Django's serializer writes it.
    #[must_use]
    pub fn dumps(&self, json: &str, now: Timestamp) -> String {
        let compressed = match self.compression {
            Compression::Never => None,
            Compression::Above(size) if json.len() <= size => None,
            Compression::Above(_) | Compression::Always => compress(json.as_bytes()),
        };
        let payload = compressed.as_deref().unwrap_or(json.as_bytes());
        let mut text = String::with_capacity(payload.len() * 4 / 3 + 64);
        if compressed.is_some() {
            text.push('.');
        }
        URL_SAFE_NO_PAD.encode_string(payload, &mut text);
        self.signer.append(&mut text, now);
        text
    }

    /// The payload's bytes, whenever they were signed.
    ///
    /// # Errors
    /// The signature is bad, or what was signed is no payload, or it inflates to more than 16 MiB.
    pub fn loads(&self, signed: &str) -> Result<Vec<u8>, LoadError> {
        decode(self.signer.unsign(signed).map_err(LoadError::Signing)?)
    }

    /// The payload's bytes, if they were signed at most `max_age` before `now`.
    ///
    /// # Errors
    /// As [`loads`](Self::loads), and when the signature is older.
    pub fn loads_within(
        &self,
        signed: &str,
        max_age: Duration,
        now: Timestamp,
    ) -> Result<Vec<u8>, LoadError> {
        decode(
            self.signer
                .unsign_within(signed, max_age, now)
                .map_err(LoadError::Signing)?,
        )
    }
}

/// Why a signed object cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// Its signature is refused.
    Signing(SigningError),
    /// It is signed, but not base64 or not zlib.
    Malformed,
    /// It inflates to more than [`ObjectSigner::LARGEST`].
    TooLarge,
}

impl fmt::Display for LoadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signing(error) => error.fmt(formatter),
            Self::Malformed => formatter.write_str("the signed payload is malformed"),
            Self::TooLarge => {
                formatter.write_str("the signed payload inflates to more than 16 MiB")
            }
        }
    }
}

impl std::error::Error for LoadError {}

fn decode(payload: &str) -> Result<Vec<u8>, LoadError> {
    let (compressed, text) = payload
        .strip_prefix('.')
        .map_or((false, payload), |text| (true, text));
    let bytes = LENIENT.decode(text).map_err(|_| LoadError::Malformed)?;
    if compressed {
        inflate(&bytes)
    } else {
        Ok(bytes)
    }
}

/// The zlib form, if it is shorter by more than one byte: Django's rule.
fn compress(bytes: &[u8]) -> Option<Vec<u8>> {
    thread_local! {
        // zlib's default level, which Django uses; its state is large, so it is made once a thread.
        static STATE: RefCell<Compress> = RefCell::new(Compress::new(flate2::Compression::new(6), true));
    }
    // Room for what is still worth having; whatever does not fit is not.
    let mut output = vec![0; bytes.len().checked_sub(2)?];
    STATE.with_borrow_mut(|state| {
        state.reset();
        let status = state.compress(bytes, &mut output, FlushCompress::Finish);
        output.truncate(usize::try_from(state.total_out()).ok()?);
        matches!(status, Ok(Status::StreamEnd)).then_some(output)
    })
}

fn inflate(bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
    thread_local! {
        static STATE: RefCell<Decompress> = RefCell::new(Decompress::new(true));
    }
    let mut output = Vec::with_capacity((bytes.len() * 4).clamp(256, ObjectSigner::LARGEST));
    STATE.with_borrow_mut(|state| {
        state.reset(true);
        loop {
            let consumed = usize::try_from(state.total_in()).map_err(|_| LoadError::Malformed)?;
            let status =
                state.decompress_vec(&bytes[consumed..], &mut output, FlushDecompress::Finish);
            match status {
                Ok(Status::StreamEnd) => {
                    // `Vec` may reserve more than it was asked for.
                    let fits = output.len() <= ObjectSigner::LARGEST;
                    return if fits {
                        Ok(std::mem::take(&mut output))
                    } else {
                        Err(LoadError::TooLarge)
                    };
                }
                Ok(Status::Ok | Status::BufError) if output.len() == output.capacity() => {
                    if output.len() >= ObjectSigner::LARGEST {
                        return Err(LoadError::TooLarge);
                    }
                    let left = ObjectSigner::LARGEST.saturating_sub(output.len());
                    output.reserve_exact(output.len().min(left));
                }
                // zlib stops when its input or its room is at an end; here the input is.
                _ => return Err(LoadError::Malformed),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretKey;
    use crate::signing::BadSignature;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    fn signer(compression: Compression) -> ObjectSigner {
        let secrets = Secrets::new(SecretKey::insecure_new("test-secret-key-0123456789").unwrap());
        ObjectSigner::new(&secrets, "django.core.signing", compression)
    }

    #[test]
    fn objects_are_signed_as_django_signs_them() {
        let json = r#"{"a":1,"\u00e9":"x\u2019"}"#;
        let signed = "eyJhIjoxLCJcdTAwZTkiOiJ4XHUyMDE5In0:1r31eq:-QKPZZ9ibu_9vnVRQL5kMI2V0G_9W4vHqZgPiftH0MY";
        assert_eq!(signer(Compression::Never).dumps(json, NOW), signed);
        assert_eq!(
            signer(Compression::Never).loads(signed).unwrap(),
            json.as_bytes()
        );
    }

    #[test]
    fn payloads_are_in_the_alphabet_for_urls() {
        let json = r#"{"a":"???>>>"}"#;
        let signed = "eyJhIjoiPz8_Pj4-In0:1r31eq:j2N4QlN_6ONxO_TgeA7Et5w_d3B6-r6D6_DdkKvqkjA";
        assert_eq!(signer(Compression::Never).dumps(json, NOW), signed);
        assert_eq!(
            signer(Compression::Never).loads(signed).unwrap(),
            json.as_bytes()
        );
    }

    #[test]
    fn a_text_is_compressed_above_its_bound_and_not_at_it() {
        let json = format!(r#"{{"a":"{}"}}"#, "x".repeat(200));
        for (bound, compressed) in [
            (json.len() - 1, true),
            (json.len(), false),
            (json.len() + 1, false),
        ] {
            let signed = signer(Compression::Above(bound)).dumps(&json, NOW);
            assert_eq!(signed.starts_with('.'), compressed, "{bound}");
        }
    }

    #[test]
    fn compressed_objects_are_read_and_written() {
        let json = format!(r#"{{"a":"{}"}}"#, "x".repeat(200));
        let django =
            ".eJyrVkpUslKqGCZAqRYAvw9f3A:1r31eq:Ms8oAwHafyCv3giEM_ln4wFXuRsf0WH9tUWZsC8UOeU";
        assert_eq!(
            signer(Compression::Always).loads(django).unwrap(),
            json.as_bytes()
        );
        let ours = signer(Compression::Always).dumps(&json, NOW);
        assert!(ours.starts_with('.') && ours.len() < 100);
        assert_eq!(
            signer(Compression::Always).loads(&ours).unwrap(),
            json.as_bytes()
        );
    }

    #[test]
    fn compression_is_used_when_it_saves_more_than_a_byte() {
        let json = |count| format!(r#"{{"a":"{}"}}"#, "x".repeat(count));
        let first = (0..64).find(|count| {
            signer(Compression::Always)
                .dumps(&json(*count), NOW)
                .starts_with('.')
        });
        // 12 with zlib; another deflate may differ by a byte or two, which every reader takes.
        assert!((10..=15).contains(&first.unwrap()), "{first:?}");
        assert!(
            !signer(Compression::Always)
                .dumps("{}", NOW)
                .starts_with('.')
        );
        assert!(!signer(Compression::Always).dumps("", NOW).starts_with('.'));
    }

    #[test]
    fn one_byte_less_is_not_worth_the_dot() {
        for count in 0..64 {
            let json = format!(r#"{{"a":"{}"}}"#, "x".repeat(count));
            let signed = signer(Compression::Always).dumps(&json, NOW);
            let (payload, _) = signed.split_once(':').unwrap();
            if let Some(payload) = payload.strip_prefix('.') {
                assert!(payload.len() * 3 / 4 + 1 < json.len(), "{json}");
            }
        }
    }

    #[test]
    fn a_zip_bomb_stops_at_the_limit() {
        let bomb = " ".repeat(ObjectSigner::LARGEST + 1);
        let signed = signer(Compression::Always).dumps(&bomb, NOW);
        assert!(signed.len() < 30_000);
        assert_eq!(
            signer(Compression::Always).loads(&signed),
            Err(LoadError::TooLarge)
        );
        let largest = " ".repeat(ObjectSigner::LARGEST);
        let signed = signer(Compression::Always).dumps(&largest, NOW);
        assert_eq!(
            signer(Compression::Always).loads(&signed).unwrap().len(),
            ObjectSigner::LARGEST
        );
    }

    #[test]
    fn signed_garbage_is_malformed_and_unsigned_garbage_is_bad() {
        let signer = signer(Compression::Always);
        let sign = |payload: &str| signer.signer.sign(payload, NOW);
        let truncated = signer.dumps(&"abc".repeat(500), NOW);
        let truncated = &truncated[..truncated.find(':').unwrap() - 8];
        for payload in [".", ".AAAA", "%%%", "é", truncated] {
            assert_eq!(
                signer.loads(&sign(payload)),
                Err(LoadError::Malformed),
                "{payload}"
            );
        }
        assert_eq!(
            signer.loads(""),
            Err(LoadError::Signing(SigningError::BadSignature(
                BadSignature::NoSeparator
            )))
        );
    }

    #[test]
    fn what_is_beyond_the_limit_is_not_looked_at() {
        let signer = signer(Compression::Always);
        let bomb = compress(&vec![b' '; ObjectSigner::LARGEST + 1]).unwrap();
        let (whole, _checksum) = bomb.split_at(bomb.len() - 4);
        let payload = format!(".{}", URL_SAFE_NO_PAD.encode([whole, b"oops"].concat()));
        assert_eq!(
            signer.loads(&signer.signer.sign(&payload, NOW)),
            Err(LoadError::TooLarge)
        );
    }

    #[test]
    fn each_refusal_is_told_from_the_others() {
        let refusals = [
            (
                LoadError::Signing(SigningError::Expired),
                "the signature is older than allowed",
            ),
            (LoadError::Malformed, "the signed payload is malformed"),
            (
                LoadError::TooLarge,
                "the signed payload inflates to more than 16 MiB",
            ),
        ];
        for (refusal, text) in refusals {
            assert_eq!(refusal.to_string(), text);
        }
    }
}

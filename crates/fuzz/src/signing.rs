//! Signatures: what is accepted is what was signed, and nothing else.

use std::io::Read as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::cookie::SignedCookies;
use cloakroom_core::secret::{SecretKey, Secrets};
use cloakroom_core::signing::{
    BadSignature, Compression, LoadError, ObjectSigner, Signer, SigningError, TimestampSigner,
};
use cloakroom_core::time::Timestamp;
use cloakroom_core::version::DjangoVersion;

use crate::parts::Parts;
use crate::{NOW, secrets};

const SALT: &str = "a purpose";

/// A text that somebody sends, one to be signed, and a change to what was signed: where, and what stands there
/// instead.
pub fn signature(input: &[u8]) {
    let mut parts = Parts::of(input);
    let (sent, value) = (parts.text(), parts.text());
    let (place, instead) = (parts.number(), parts.text());
    let signer = Signer::new(&secrets(), SALT);
    let fallback = Signer::new(&Secrets::new(secrets().fallbacks()[0].clone()), SALT);
    let judge = |text: &str| match signer.unsign(text) {
        Ok(value) => assert!(
            [&signer, &fallback]
                .iter()
                .any(|signer| signer.sign(value) == text)
        ),
        Err(BadSignature::NoSeparator) => assert!(!text.contains(':')),
        Err(_) => assert!(text.contains(':')),
    };
    judge(&sent);
    let signed = signer.sign(&value);
    assert_eq!(signer.unsign(&signed), Ok(&*value));
    assert_eq!(signer.unsign(&fallback.sign(&value)), Ok(&*value));
    assert!(fallback.unsign(&signed).is_err());
    assert!(Signer::new(&secrets(), "another").unsign(&signed).is_err());

    let at = usize::try_from(place).unwrap_or_default() % (signed.len() + 1);
    if signed.is_char_boundary(at) {
        let cut = at + signed[at..].chars().next().map_or(0, char::len_utf8);
        for changed in [
            [&signed[..at], &instead, &signed[at..]].concat(),
            [&signed[..at], &instead, &signed[cut..]].concat(),
            [&signed[..at], &instead].concat(),
        ] {
            // What was signed, or is put in, may be a whole signed text of its own: the corpus knows some.
            let holds_another = value.contains(':') || instead.contains(':');
            if changed != signed && !holds_another {
                assert!(signer.unsign(&changed).is_err(), "a forgery");
            }
            judge(&changed);
        }
    }
}

/// A value, the text of a date, an age and a moment: what was signed with a date that may be none.
pub fn signed_time(input: &[u8]) {
    let mut parts = Parts::of(input);
    let (value, date) = (parts.text(), parts.text());
    let (most, micros) = (parts.number().unsigned_abs(), parts.number());
    let now = Timestamp::from_unix_micros(micros);
    let signer = TimestampSigner::new(&secrets(), SALT);
    let dated = format!("{value}:{date}");
    let signed = Signer::new(&secrets(), SALT).sign(&dated);
    // A colon in the date moves the value's end.
    let (value, date) = dated.rsplit_once(':').expect("there is one");
    let seconds = base62(date);
    let expected = if seconds.is_some() {
        Ok(value)
    } else {
        Err(SigningError::NoTimestamp)
    };
    assert_eq!(signer.unsign(&signed), expected);
    let within = signer.unsign_within(&signed, Duration::from_secs(most), now);
    match seconds {
        None => assert_eq!(within, Err(SigningError::NoTimestamp)),
        Some(seconds) => {
            let end = (i128::from(seconds) + i128::from(most)) * 1_000_000;
            let fresh = i128::from(now.unix_micros()) <= end;
            assert_eq!(
                within,
                if fresh {
                    Ok(value)
                } else {
                    Err(SigningError::Expired)
                }
            );
        }
    }
    let ours = signer.sign(value, now);
    assert_eq!(
        signer.unsign_within(&ours, Duration::from_secs(1), now),
        Ok(value)
    );
    let inner = Signer::new(&secrets(), SALT);
    let (_, written) = inner.unsign(&ours).unwrap().rsplit_once(':').unwrap();
    assert_eq!(base62(written), Some(now.unix_seconds()));
}

/// Django's base 62, in wider numbers.
fn base62(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let mut number = 0_i128;
    for character in digits.chars() {
        let digit = match character {
            '0'..='9' => u32::from(character) - u32::from('0'),
            'A'..='Z' => u32::from(character) - u32::from('A') + 10,
            'a'..='z' => u32::from(character) - u32::from('a') + 36,
            _ => return None,
        };
        number = (number * 62 + i128::from(digit)).min(i128::from(u64::MAX));
    }
    let number = if digits.len() < text.len() {
        -number
    } else {
        number
    };
    i64::try_from(number).ok().filter(|_| !digits.is_empty())
}

/// Flags and a payload: a signed text (`t`), a compressed one (`z`), or one to be compressed (neither).
pub fn signed_object(input: &[u8]) {
    let (flags, payload) = match input.iter().position(|byte| *byte == 0xFF) {
        Some(at) => (&input[..at], &input[at + 1..]),
        None => (&input[..0], input),
    };
    let signer = TimestampSigner::new(&secrets(), SALT);
    let object = |compression| ObjectSigner::new(&secrets(), SALT, compression);
    if flags.contains(&b't') {
        let text = String::from_utf8_lossy(payload);
        let loaded = object(Compression::Always).loads(&signer.sign(&text, NOW));
        assert!(!matches!(loaded, Err(LoadError::Signing(_))));
    } else if flags.contains(&b'z') {
        let text = format!(".{}", URL_SAFE_NO_PAD.encode(payload));
        let loaded = object(Compression::Always).loads(&signer.sign(&text, NOW));
        assert_eq!(loaded, inflated(payload));
    } else {
        let text: String = payload.iter().map(|byte| char::from(byte & 0x7F)).collect();
        for compression in [
            Compression::Never,
            Compression::Above(64),
            Compression::Always,
        ] {
            let signed = object(compression).dumps(&text, NOW);
            assert!(signed.is_ascii());
            assert_eq!(
                object(Compression::Never).loads(&signed).as_deref(),
                Ok(text.as_bytes())
            );
            let second = Duration::from_secs(1);
            assert!(
                object(Compression::Never)
                    .loads_within(&signed, second, NOW)
                    .is_ok()
            );
            if compression == Compression::Never {
                assert!(!signed.starts_with('.'));
            }
        }
        // Three times as long and the same twice over, so that there is something to compress.
        let long = text.repeat(3);
        let signed = object(Compression::Always).dumps(&long, NOW);
        assert_eq!(
            object(Compression::Never).loads(&signed).as_deref(),
            Ok(long.as_bytes())
        );
    }
}

/// What a reader of streams makes of it, up to the bound.
fn inflated(bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
    let mut plain = Vec::new();
    let most = ObjectSigner::LARGEST as u64 + 1;
    match flate2::read::ZlibDecoder::new(bytes)
        .take(most)
        .read_to_end(&mut plain)
    {
        _ if plain.len() > ObjectSigner::LARGEST => Err(LoadError::TooLarge),
        Ok(_) => Ok(plain),
        Err(_) => Err(LoadError::Malformed),
    }
}

/// A release, two cookies' names and salts, a value, and a text that somebody sends.
pub fn signed_cookie(input: &[u8]) {
    let mut parts = Parts::of(input);
    let version = parts.text().parse().unwrap_or(DjangoVersion::LATEST);
    let (name, salt) = (parts.text(), parts.text());
    let (other_name, other_salt) = (parts.text(), parts.text());
    let (value, sent) = (parts.text(), parts.text());
    let cookies = SignedCookies::new(&secrets(), version);
    let signer = cookies.signer(&name, &salt);
    let signed = signer.sign(&value, NOW);
    assert_eq!(signer.unsign(&signed), Ok(&*value));
    if let Ok(value) = signer.unsign(&sent) {
        let date = sent[value.len() + 1..].split(':').next().and_then(base62);
        let date = Timestamp::from_unix_seconds(date.expect("it was accepted"));
        let written_by = |version: &str| {
            let cookies = SignedCookies::new(&secrets(), version.parse().unwrap());
            cookies.signer(&name, &salt).sign(value, date)
        };
        assert!(
            ["6.1", "5.1"]
                .iter()
                .any(|version| written_by(version) == sent)
        );
    }

    // Only the older salt lets two cookies pass for each other, and only if they read the same together.
    let other = cookies.signer(&other_name, &other_salt);
    let same = name == other_name && salt == other_salt;
    let reads_the_same = [&*name, &*salt].concat() == [&*other_name, &*other_salt].concat();
    let passes = other.unsign(&signed).is_ok();
    if version.reads_v2_signed_cookies() {
        assert_eq!(passes, same);
    } else {
        assert_eq!(passes, reads_the_same);
    }
    let strict = SignedCookies::new(&secrets(), DjangoVersion::LATEST);
    let signed = strict.signer(&name, &salt).sign(&value, NOW);
    assert_eq!(
        strict
            .signer(&other_name, &other_salt)
            .unsign(&signed)
            .is_ok(),
        same
    );
    assert_eq!(
        signer.unsign(&signed),
        Ok(&*value),
        "the newer form is always read"
    );
    let key = SecretKey::insecure_new("a stranger's").unwrap();
    let stranger = SignedCookies::new(&Secrets::new(key), version).signer(&name, &salt);
    assert!(signer.unsign(&stranger.sign(&value, NOW)).is_err());
}

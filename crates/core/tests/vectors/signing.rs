//! Signatures, dates and objects.

use std::time::Duration;

use cloakroom_core::signing::{
    Compression, LoadError, ObjectSigner, Signer, SigningError, TimestampSigner,
};

use crate::json::canonical;
use crate::rows::{Answer, Release, Row};

pub(crate) fn sign(row: &Row, _: &Release) -> Answer {
    let signer = Signer::new(&row.secrets(), row.text("salt"));
    let value = row.text("value");
    Answer::new(value, row.text("signed"), signer.sign(value))
}

pub(crate) fn unsign(row: &Row, _: &Release) -> Answer {
    let signer = Signer::new(&row.secrets(), row.text("salt"));
    let signed = row.text("signed");
    let ours = signer.unsign(signed);
    Answer::new(
        signed,
        django(row, "value"),
        ours.map_or_else(|_| "BadSignature".into(), |value| format!("{value:?}")),
    )
}

pub(crate) fn timestamp_sign(row: &Row, _: &Release) -> Answer {
    let signer = TimestampSigner::new(&row.secrets(), row.text("salt"));
    let value = row.text("value");
    let input = format!("{value} at {}", row.value("at"));
    Answer::new(
        input,
        row.text("signed"),
        signer.sign(value, row.time("at")),
    )
}

pub(crate) fn timestamp_unsign(row: &Row, _: &Release) -> Answer {
    let signer = TimestampSigner::new(&row.secrets(), row.text("salt"));
    let signed = row.text("signed");
    let ours = match row.maybe_number("max_age").map(Duration::from_secs_f64) {
        None => signer.unsign(signed),
        Some(max_age) => signer.unsign_within(signed, max_age, row.time("at")),
    };
    let (text, _signature) = signed.rsplit_once(':').unwrap_or((signed, ""));
    let input = match row.maybe_number("max_age") {
        None => text.to_owned(),
        Some(max_age) => format!("{text} within {max_age}"),
    };
    Answer::new(input, django(row, "value"), read(ours))
}

pub(crate) fn dumps(row: &Row, _: &Release) -> Answer {
    let compression = if row.flag("compress") {
        Compression::Always
    } else {
        Compression::Never
    };
    let signer = ObjectSigner::new(&row.secrets(), row.text("salt"), compression);
    let (json, signed) = (row.text("json"), row.text("signed"));
    let ours = signer.dumps(json, row.time("at"));
    // Two deflates differ in their bytes; each must be read, and used for the same texts.
    if signed.starts_with('.') && ours.starts_with('.') {
        let inflated = |signed| format!("compressed {:?}", signer.loads(signed).map(text));
        let expected = format!("compressed {:?}", Ok::<_, LoadError>(json));
        assert_eq!(inflated(&ours), expected);
        return Answer::new(json, expected, inflated(signed));
    }
    Answer::new(json, signed, ours)
}

pub(crate) fn loads(row: &Row, _: &Release) -> Answer {
    let signer = ObjectSigner::new(&row.secrets(), row.text("salt"), Compression::Always);
    let signed = row.text("signed");
    let loaded = match row.maybe_number("max_age").map(Duration::from_secs_f64) {
        None => signer.loads(signed),
        Some(max_age) => signer.loads_within(signed, max_age, row.time("at")),
    };
    // Core hands out bytes; that they are JSON is asked when they are read.
    let ours = match loaded {
        Ok(bytes) => canonical(&text(bytes)).unwrap_or_else(|| "unreadable".into()),
        Err(LoadError::Signing(error)) => refusal(error).into(),
        Err(_) => "unreadable".into(),
    };
    let django = match row.maybe_text("error") {
        None => canonical(row.text("json")).unwrap(),
        // Of base64, zlib and JSON; Django lets them through.
        Some("Error" | "error" | "JSONDecodeError") => "unreadable".into(),
        Some(error) => raised(error),
    };
    let (payload, _signature) = signed.rsplit_once(':').unwrap_or((signed, ""));
    Answer::new(payload, django, ours)
}

/// Django reads the bytes as Latin-1.
pub(crate) fn text(bytes: Vec<u8>) -> String {
    bytes.into_iter().map(char::from).collect()
}

/// What Django found under a signature, or how it refused.
pub(crate) fn django(row: &Row, name: &str) -> String {
    match row.maybe_text("error") {
        None => format!("{:?}", row.text(name)),
        Some(error) => raised(error),
    }
}

/// The same of ours.
pub(crate) fn read(found: Result<&str, SigningError>) -> String {
    found.map_or_else(
        |error| refusal(error).to_owned(),
        |value| format!("{value:?}"),
    )
}

/// A date that is none raises what Django's callers do not catch.
fn raised(error: &str) -> String {
    match error {
        "ValueError" | "IndexError" => "no date".into(),
        _ => error.to_owned(),
    }
}

fn refusal(error: SigningError) -> &'static str {
    match error {
        SigningError::BadSignature(_) => "BadSignature",
        SigningError::Expired => "SignatureExpired",
        SigningError::NoTimestamp => "no date",
        _ => "another error",
    }
}

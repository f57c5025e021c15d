//! Password hashes.

use std::num::NonZeroU32;

use cloakroom_core::password::{Hashers, Verification, is_password_usable};
use cloakroom_core::version::DjangoVersion;

use crate::rows::{Answer, Release, Row};

fn hashers(iterations: i64) -> Hashers {
    let iterations = u32::try_from(iterations).unwrap();
    Hashers::new(DjangoVersion::LATEST).with_iterations(NonZeroU32::new(iterations).unwrap())
}

pub(crate) fn make(row: &Row, _: &Release) -> Answer {
    let salt = row.text("salt");
    let ours = hashers(row.integer("iterations")).make_with_salt(&row.bytes("password"), salt);
    let django = match row.maybe_text("error") {
        None => row.text("encoded"),
        Some(error) => error,
    };
    // The only thing that Django refuses is a salt.
    Answer::new(salt, django, ours.unwrap_or_else(|_| "ValueError".into()))
}

pub(crate) fn verify(row: &Row, _: &Release) -> Answer {
    let (password, encoded) = (row.text("password"), row.text("encoded"));
    let hashers = hashers(row.integer("preferred_iterations"));
    let ours = match hashers.verify(password.as_bytes(), encoded) {
        Verification::Wrong => "wrong",
        Verification::Correct => "correct",
        Verification::CorrectButOutdated => "correct, renewed",
    };
    let django = match row.maybe_text("error") {
        Some(error) => format!("raises {error}"),
        None => match (row.flag("correct"), row.flag("renewed")) {
            (false, false) => "wrong".into(),
            (true, false) => "correct".into(),
            (true, true) => "correct, renewed".into(),
            (false, true) => "wrong, renewed".into(),
        },
    };
    Answer::new(format!("{password} {encoded}"), django, ours)
}

/// `None`, which Django's forms may ask about, is no text of the column; it is usable as the empty one is.
pub(crate) fn usable(row: &Row, _: &Release) -> Answer {
    let encoded = row.maybe_text("encoded").unwrap_or_default();
    Answer::new(
        encoded,
        row.flag("usable").to_string(),
        is_password_usable(encoded).to_string(),
    )
}

/// A weak salt is one whose hash is renewed.
pub(crate) fn weak_salt(row: &Row, _: &Release) -> Answer {
    let salt = row.text("salt");
    let hashers = hashers(1);
    let ours = hashers.make_with_salt(b"secret", salt).map_or_else(
        |_| "no salt".to_owned(),
        |encoded| {
            let found = hashers.verify(b"secret", &encoded);
            (found == Verification::CorrectButOutdated).to_string()
        },
    );
    Answer::new(salt, row.flag("weak").to_string(), ours)
}

pub(crate) fn defaults(row: &Row, release: &Release) -> Answer {
    let encoded = hashers(1).make(b"secret").unwrap();
    let salt = encoded.split('$').nth(2).unwrap();
    Answer::new(
        release.name,
        format!(
            "{} {}",
            row.integer("iterations"),
            row.integer("salt_length")
        ),
        format!("{} {}", release.version.pbkdf2_iterations(), salt.len()),
    )
}

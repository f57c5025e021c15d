//! Sessions behind a signature: rows of a database, and the browser's own cookie.

use cloakroom_core::session::{
    Codec, Lifetime, SessionData, SessionKey, SessionState, SignedCookieEngine, Stored,
    WrittenCookie,
};
use cloakroom_core::signing::{Compression, TimestampSigner};

use super::data::spans_are_the_values;
use crate::parts::Parts;
use crate::{NOW, secrets};

/// Flags, and the text of a row; with `s` it is a payload that is signed as Django's rows are, with `j` a store's
/// own JSON.
pub fn session_row(input: &[u8]) {
    let mut parts = Parts::of(input);
    let flags = parts.flags();
    let text = parts.text();
    let compression = if flags.has(b'c') {
        Compression::Always
    } else {
        Compression::Never
    };
    let codec = Codec::new(&secrets(), Codec::DJANGO_SALT, compression);
    let key = SessionKey::parse("abcdefgh").unwrap();
    let stored = if flags.has(b's') {
        let signer = TimestampSigner::new(&secrets(), Codec::DJANGO_SALT);
        Stored::signed(signer.sign(&text, NOW), NOW)
    } else if flags.has(b'j') {
        if !text.is_ascii() {
            return;
        }
        Stored::json(&*text, NOW)
    } else {
        Stored::signed(&*text, NOW)
    };
    let session = SessionState::from_stored(key.clone(), stored, &codec);
    assert!(!session.is_modified() && session.is_unreadable() != session.key().is_some());
    let data = session.data();
    spans_are_the_values(&data);
    if session.is_unreadable() {
        assert!(data.is_empty(), "what cannot be read shows something");
        return;
    }
    // What was read is written, and read again, without a byte of it changing.
    let row = codec.encode(data.text(), NOW);
    assert_eq!(codec.decode(&row).as_deref(), Ok(data.text().as_bytes()));
    let again = SessionState::from_stored(key, Stored::signed(row, NOW), &codec);
    assert_eq!(again.data().text(), data.text());
    assert!(again.data().names().eq(data.names()));
}

/// Flags, seconds since it was signed, and a cookie's value; with `s` it is a payload that is signed.
pub fn signed_cookie_session(input: &[u8]) {
    let mut parts = Parts::of(input);
    let flags = parts.flags();
    let age = parts.number();
    let text = parts.text();
    let engine = SignedCookieEngine::new(&secrets(), Lifetime::DJANGO);
    let signer = TimestampSigner::new(&secrets(), SignedCookieEngine::SALT);
    let value = if flags.has(b's') {
        signer.sign(&text, NOW)
    } else {
        text.into_owned()
    };
    let now = NOW.plus_seconds(age);
    let mut session = engine.read(&value, now);
    let data = session.data();
    spans_are_the_values(&data);
    if flags.has(b's') && now.micros_since(NOW) > 1_209_600 * 1_000_000 {
        assert!(data.is_empty(), "older than two weeks");
    }
    let untouched = engine.write(&mut session, "sessionid", false, now);
    assert!(
        untouched == Ok(WrittenCookie::Untouched),
        "looking at it writes nothing"
    );

    session.set("n", &1).unwrap();
    let wanted = session.data();
    match engine.write(&mut session, "sessionid", false, now) {
        Ok(WrittenCookie::Saved { value, max_age }) => {
            assert!("sessionid=".len() + value.len() <= SignedCookieEngine::LARGEST_COOKIE);
            assert!(
                value
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && !b"\";,\\".contains(&byte))
            );
            let read = engine.read(&value, now).data();
            assert_eq!(read.text(), wanted.text());
            let ends = Lifetime::DJANGO.ends_with_browser(&read);
            assert_eq!(
                max_age,
                (!ends).then(|| Lifetime::DJANGO.expiry_age(&read, now))
            );
        }
        Ok(_) => panic!("what was set is not written"),
        Err(error) => assert!(error.size > SignedCookieEngine::LARGEST_COOKIE),
    }
    for name in data.names().filter(|name| name != "n") {
        assert_eq!(
            wanted.raw(&name),
            data.raw(&name),
            "a value that nobody touched"
        );
    }
    assert_eq!(
        SessionData::from_bytes(wanted.text().as_bytes().to_vec())
            .unwrap()
            .text(),
        wanted.text()
    );
}

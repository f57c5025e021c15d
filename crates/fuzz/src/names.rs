//! Short texts: releases of Django, names of users and headers.

use cloakroom_core::auth::{LONGEST_USERNAME, normalize_username};
use cloakroom_core::csrf::TokenHeader;
use cloakroom_core::version::DjangoVersion;
use unicode_normalization::UnicodeNormalization as _;

use crate::parts::Parts;

/// `DJANGO_VERSION`, and `CSRF_HEADER_NAME`.
pub fn django_version(input: &[u8]) {
    let mut parts = Parts::of(input);
    let (text, header) = (parts.text(), parts.text());
    let read = text.parse::<DjangoVersion>();
    if let Ok(version) = read {
        let written = version.to_string();
        assert_eq!(written.parse(), Ok(version));
        assert!(version >= "4.2".parse().unwrap());
        let numbers =
            |text: &str| -> Vec<u8> { text.split('.').map(|part| part.parse().unwrap()).collect() };
        let (mut said, kept) = (numbers(&text), numbers(&written));
        said.resize(3, 0);
        assert_eq!(said, kept);
        assert!(version.pbkdf2_iterations() >= 600_000);
    }
    if let Some(header) = TokenHeader::from_setting(&header) {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        assert!(!header.as_str().is_empty() && header.as_str().bytes().all(allowed));
        let setting = format!("HTTP_{}", header.as_str().replace('-', "_"));
        assert_eq!(TokenHeader::from_setting(&setting), Some(header));
    }
}

/// What somebody types as their name.
pub fn username(input: &[u8]) {
    let typed = Parts::of(input).text();
    let Some(name) = normalize_username(&typed) else {
        assert!(typed.contains('\0'));
        return;
    };
    assert!(!name.contains('\0'));
    // Python counts four separators of ASCII among the blanks.
    let blank =
        |character: char| character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character);
    let trimmed = typed.trim_matches(blank);
    if trimmed.chars().count() <= LONGEST_USERNAME {
        assert!(
            name.nfkc().eq(name.chars()),
            "not in the form in which names are kept"
        );
        assert!(name.chars().eq(trimmed.nfkc()));
    } else {
        assert_eq!(name, trimmed);
    }
}

"""Signatures, their alphabets, salts and keys."""

from bug import Bug, core, stack, vectors

SECRET = "crates/core/src/secret.rs"
TEXT = "crates/core/src/secret/text.rs"
SIGNING = "crates/core/src/signing.rs"
BASE62 = "crates/core/src/signing/base62.rs"
OBJECT = "crates/core/src/signing/object.rs"
TIMESTAMP = "crates/core/src/signing/timestamp.rs"
COMPARE = "crates/core/src/secret/compare.rs"
SIGNED_COOKIES = "crates/core/src/cookie/signed.rs"

# What a compressed text may be long at most.
ROOM = "bytes.len().checked_sub(2)?"

WEAK_KEYS = core("secret::text::tests::a_weak_key_is_refused")

BUGS = [
    Bug(
        "the small letters stand before the capitals in base 62",
        BASE62,
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        core("signing::base62::tests::numbers_are_written_as_django_writes_them"),
    ),
    Bug(
        "signatures are in the standard alphabet of base64",
        SIGNING,
        "URL_SAFE_NO_PAD.encode_string(mac, text)",
        "base64::engine::general_purpose::STANDARD_NO_PAD.encode_string(mac, text)",
        core("signing::tests::signatures_are_django_s"),
    ),
    Bug(
        "signatures are padded",
        SIGNING,
        "URL_SAFE_NO_PAD.encode_string(mac, text)",
        "base64::engine::general_purpose::URL_SAFE.encode_string(mac, text)",
        core("signing::tests::signatures_are_django_s"),
    ),
    Bug(
        "the key of a signature is derived without the word signer",
        SIGNING,
        'format!("{salt}signer")',
        "salt.to_owned()",
        core("signing::tests::signatures_are_django_s"),
    ),
    Bug(
        "the key of a signature is derived from the secret before the salt",
        SIGNING,
        """            .chain_update(salt)
            .chain_update(prefix)
            .chain_update(secret.expose());""",
        """            .chain_update(prefix)
            .chain_update(secret.expose())
            .chain_update(salt);""",
        core("signing::tests::signatures_are_django_s"),
    ),
    Bug(
        "the last fallback signs",
        SIGNING,
        "self.keys[0].mac(text.as_bytes())",
        "self.keys[self.keys.len() - 1].mac(text.as_bytes())",
        core("signing::tests::a_fallback_key_verifies_and_never_signs"),
    ),
    Bug(
        "no fallback verifies",
        SIGNING,
        "self.keys.iter().any(verifies)",
        "self.keys.iter().take(1).any(verifies)",
        core("signing::tests::a_fallback_key_verifies_and_never_signs"),
    ),
    Bug(
        "only the first fallback verifies",
        SIGNING,
        "self.keys.iter().any(verifies)",
        "self.keys.iter().take(2).any(verifies)",
        core("signing::tests::every_fallback_verifies"),
    ),
    Bug(
        "the last character of a signature does not count",
        SIGNING,
        "same(&expected, signature.as_bytes())",
        "same(&expected[..42], &signature.as_bytes()[..42])",
        core("signing::tests::what_was_signed_verifies_and_nothing_else_does"),
    ),
    Bug(
        "two differences of a signature cancel each other out",
        COMPARE,
        "differing | (u64::from_ne_bytes(*left)",
        "differing ^ (u64::from_ne_bytes(*left)",
        core("secret::compare::tests::differences_do_not_cancel_each_other_out"),
    ),
    Bug(
        "any character may stand before a signature",
        SIGNING,
        "rest.strip_prefix(Signer::SEPARATOR)?",
        "rest.get(1..)?",
        core("signing::tests::a_signature_is_taken_whole_or_not_at_all"),
    ),
    Bug(
        "the time of a signature begins at the first separator",
        TIMESTAMP,
        ".rposition(|byte|",
        ".position(|byte|",
        core("signing::timestamp::tests::a_value_may_hold_the_separator"),
    ),
    Bug(
        "signatures carry milliseconds",
        TIMESTAMP,
        "base62::encode(now.unix_seconds(), text)",
        "base62::encode(now.unix_micros() / 1000, text)",
        core("signing::timestamp::tests::a_dated_signature_is_django_s"),
    ),
    Bug(
        "a signature ends when it is exactly as old as allowed",
        TIMESTAMP,
        "if age > oldest",
        "if age >= oldest",
        core("signing::timestamp::tests::age_counts_fractions_of_now_and_whole_seconds_of_the_signature"),
    ),
    Bug(
        "the age of a signature is counted in whole seconds",
        TIMESTAMP,
        "i128::from(now.unix_micros())",
        "i128::from(now.unix_seconds()) * 1_000_000",
        core("signing::timestamp::tests::age_counts_fractions_of_now_and_whole_seconds_of_the_signature"),
    ),
    Bug(
        "the payload is in the standard alphabet of base64",
        OBJECT,
        "URL_SAFE_NO_PAD.encode_string(payload, &mut text)",
        "base64::engine::general_purpose::STANDARD_NO_PAD.encode_string(payload, &mut text)",
        core("signing::object::tests::payloads_are_in_the_alphabet_for_urls"),
    ),
    Bug(
        "the payload is padded",
        OBJECT,
        "URL_SAFE_NO_PAD.encode_string(payload, &mut text)",
        "base64::engine::general_purpose::URL_SAFE.encode_string(payload, &mut text)",
        core("signing::object::tests::objects_are_signed_as_django_signs_them"),
    ),
    Bug(
        "base64 with stray bits at its end is refused",
        OBJECT,
        ".with_decode_allow_trailing_bits(true)",
        ".with_decode_allow_trailing_bits(false)",
        vectors(),
    ),
    Bug(
        "the dot before a compressed payload is left out",
        OBJECT,
        "if compressed.is_some() {",
        "if false {",
        core("signing::object::tests::compressed_objects_are_read_and_written"),
    ),
    Bug(
        "nothing is compressed",
        OBJECT,
        "Compression::Above(_) | Compression::Always => compress(json.as_bytes()),",
        "Compression::Above(_) | Compression::Always => None::<Vec<u8>>,",
        core("signing::object::tests::compressed_objects_are_read_and_written"),
    ),
    Bug(
        "only what gets half as long is compressed",
        OBJECT,
        ROOM,
        "bytes.len() / 2",
        core("signing::object::tests::compression_is_used_when_it_saves_more_than_a_byte"),
    ),
    Bug(
        "what gets longer is compressed too",
        OBJECT,
        ROOM,
        "bytes.len() + 64",
        core("signing::object::tests::compression_is_used_when_it_saves_more_than_a_byte"),
    ),
    Bug(
        "what gets shorter by one byte is compressed",
        OBJECT,
        ROOM,
        "bytes.len().checked_sub(1)?",
        core("signing::object::tests::one_byte_less_is_not_worth_the_dot"),
    ),
    Bug(
        "a text is compressed from its bound on and not above it",
        OBJECT,
        "json.len() <= size => None",
        "json.len() < size => None",
        core("signing::object::tests::a_text_is_compressed_above_its_bound_and_not_at_it"),
    ),
    Bug(
        "signed cookies are signed with the bare secret key",
        SIGNED_COOKIES,
        'b"django.http.cookies";',
        'b"";',
        core("cookie::signed::tests::signed_cookies_are_django_s"),
    ),
    Bug(
        "the salt of signed cookies is always the older one",
        SIGNED_COOKIES,
        ".filter(|_| !self.writes_v2)",
        ".filter(|_| true)",
        core("cookie::signed::tests::the_release_decides_which_salt_is_written"),
    ),
    Bug(
        "name and salt of a signed cookie change places",
        SIGNED_COOKIES,
        "{length}:{salt}{name}",
        "{length}:{name}{salt}",
        core("cookie::signed::tests::signed_cookies_are_django_s"),
    ),
    Bug(
        "the salt of a signed cookie is measured in bytes",
        SIGNED_COOKIES,
        "salt.chars().count()",
        "salt.len()",
        core("cookie::signed::tests::signed_cookies_are_django_s"),
    ),
    Bug(
        "the older salt of signed cookies is always read",
        SIGNED_COOKIES,
        ".filter(|_| self.accepts_legacy)",
        ".filter(|_| true)",
        core("cookie::signed::tests::the_older_salt_is_read_where_it_is_accepted"),
    ),
    Bug(
        "the newer salt is written for a Django that does not read it",
        "crates/core/src/version.rs",
        "(5, 2) => self.patch >= 15",
        "(5, 2) => self.patch >= 14",
        core("version::tests::v2_is_written_only_where_it_is_read"),
    ),
    Bug("an empty secret key signs", SECRET, "if bytes.is_empty() {", "if bytes.len() == usize::MAX {", WEAK_KEYS),
    Bug(
        "a secret key of 31 bytes is long enough",
        SECRET,
        "pub const SHORTEST: usize = 32;",
        "pub const SHORTEST: usize = 31;",
        WEAK_KEYS,
    ),
    Bug(
        "a secret key that Django marks as insecure passes",
        SECRET,
        'DJANGO_INSECURE: &str = "django-insecure-"',
        'DJANGO_INSECURE: &str = "django-insecure:"',
        WEAK_KEYS,
    ),
    Bug(
        "blanks around a fallback are no part of it",
        TEXT,
        "text.split(',').map(parse).collect()",
        "text.split(',').map(str::trim).map(parse).collect()",
        core("secret::text::tests::nothing_is_trimmed"),
    ),
    Bug(
        "an empty fallback is passed over",
        TEXT,
        "text.split(',').map(parse).collect()",
        "text.split(',').filter(|key| !key.is_empty()).map(parse).collect()",
        core("secret::text::tests::a_list_is_json_or_has_commas"),
    ),
    Bug(
        "a session's cookie is signed as its row is",
        "crates/core/src/session/signed_cookie.rs",
        'SALT: &str = "django.contrib.sessions.backends.signed_cookies";',
        'SALT: &str = "django.contrib.sessions.SessionStore";',
        stack("purposes::nobody_takes_what_was_signed_for_another_purpose"),
    ),
]

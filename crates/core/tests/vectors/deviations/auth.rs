//! CSRF decisions, passwords, logins and redirects that deviate.

use super::{Deviation, alike, everywhere, only_in};

pub(crate) fn csrf_and_passwords() -> Vec<Deviation> {
    const SALT: &str = "abcdefghijklmnopqrstuv";
    const HASH: &str = "VRvR68vNi+zQi9o2aVnQFi7bdWqhTZzIP4qrcJVyENI=";
    let malformed = [
        "pbkdf2_sha256".to_owned(),
        "pbkdf2_sha256$".to_owned(),
        "pbkdf2_sha256$$$".to_owned(),
        "pbkdf2_sha256$3".to_owned(),
        format!("pbkdf2_sha256$3${SALT}"),
        format!("pbkdf2_sha256${SALT}$3${HASH}"),
        format!("pbkdf2_sha256$x${SALT}${HASH}"),
        format!("pbkdf2_sha256$-3${SALT}${HASH}"),
        format!("pbkdf2_sha256$3.0${SALT}${HASH}"),
        format!("pbkdf2_sha256$${SALT}${HASH}"),
        format!("pbkdf2_sha256$3$${HASH}"),
    ];
    let malformed = malformed
        .iter()
        .flat_map(|encoded| [format!("secret {encoded}"), format!("wrong {encoded}")]);
    vec![
        everywhere(
            "csrf_decisions",
            "methods are case-sensitive (RFC 9110, section 9.1); Django takes this one for GET",
            [(
                "get origin None referer None",
                r#"Some("CSRF cookie not set."), cookie replaced false"#,
            )],
        ),
        everywhere(
            "password_verify",
            "Django raises on text that is damaged; here it verifies no password",
            alike("wrong", malformed),
        ),
        everywhere(
            "hasher_verify",
            "Django raises on text that is damaged; here it verifies no password",
            alike("wrong", CLASSES.map(|class| format!("{class}: damaged"))),
        ),
        everywhere(
            "hasher_verify",
            "bcrypt 5 raises at more than 72 bytes; here they verify nothing",
            alike("wrong", ["BCryptPasswordHasher: too long"]),
        ),
        everywhere(
            "hasher_make",
            "bcrypt takes what follows a NUL for the beginning: another password would fit too",
            [("BCryptPasswordHasher a\0b", "unfit")],
        ),
        everywhere(
            "hasher_verify",
            "bcrypt takes what follows a NUL for the beginning: another password would fit too",
            alike(
                "wrong",
                [
                    "a\0b bcrypt$$2b$05$abcdefghijklmnopqrstuuZryQ3HLnGrTji8GGXkkAn2CuMsqqjDG",
                    "a\0a bcrypt$$2b$05$abcdefghijklmnopqrstuu8.veTXNDPV2eEsdpKNczMw2otgh5LnK",
                ],
            ),
        ),
        everywhere(
            "password_weak_salt",
            "an empty salt is none: Django makes no hash with it and reads none",
            [("", "no salt")],
        ),
    ]
}

/// The hashers whose damaged texts were tried, and at some of which Django raises.
const CLASSES: [&str; 10] = [
    "PBKDF2PasswordHasher",
    "PBKDF2SHA1PasswordHasher",
    "Argon2PasswordHasher",
    "BCryptSHA256PasswordHasher",
    "BCryptPasswordHasher",
    "ScryptPasswordHasher",
    "MD5PasswordHasher",
    "SHA1PasswordHasher",
    "UnsaltedMD5PasswordHasher",
    "UnsaltedSHA1PasswordHasher",
];

pub(crate) fn logins() -> Vec<Deviation> {
    let session =
        |id: &str, backend: &str| format!("{{id:{id},backend:{backend},hash:good,cart:1}}");
    let login = |id: &str, user: &str| {
        (
            format!("{} as {user}", session(id, "ModelBackend")),
            format!("{{id: {user}, backend: ModelBackend, hash: good}}, new key, old record gone"),
        )
    };
    let nobody = "nobody: unchanged, old key, old record kept";
    // Each session was shown to four sites.
    let get_user = |ids: &[&str]| {
        let sessions = ids.iter().map(|id| session(id, "ModelBackend"));
        let inputs = sessions.flat_map(|session| {
            [(0, 1), (0, 2), (2, 1), (2, 2)].map(|(fallbacks, backends)| {
                format!("{session} {fallbacks} fallbacks {backends} backends")
            })
        });
        alike(nobody, inputs)
    };
    let update = "update_session_auth_hash";
    let own = session("7", "ModelBackend");
    let changed = "9b24b886c8cb0d524e3fb12cc7869ad953655a7890c0eb1a841e04ab1ec6bd57";
    let renewed = format!(
        "{{id: 7, backend: ModelBackend, hash: {changed}, cart: 1}}, new key, old record gone"
    );
    vec![
        everywhere(
            "login",
            "ids are compared as text: no Django writes this one for user 7",
            [login("07", "7"), login(" 7", "7")],
        ),
        everywhere(
            "login",
            "Django raises when the session has an id that is no number; here it is another user's",
            [
                login("x", "7"),
                login("x", "8"),
                login("", "7"),
                login("", "8"),
            ],
        ),
        everywhere(
            "get_user",
            "ids are looked up as text: no Django writes these for user 7",
            get_user(&["07", "+7", " 7 ", "\\u0667", "7.0"]),
        ),
        everywhere(
            "get_user",
            "Django raises when the session has an id that is no number",
            get_user(&["x", "", "[7]"]),
        ),
        only_in(
            &["4.2"],
            "get_user",
            "the database's driver raised at such numbers",
            get_user(&["999999999999999999999999999999"]),
        ),
        everywhere(
            update,
            "whose the session is stands in the session, not in the request; these disagree",
            alike(
                "unchanged, new key, old record gone",
                [
                    "{cart:1} current 7".to_owned(),
                    format!("{} current 7", session("9", "ModelBackend")),
                ],
            ),
        ),
        everywhere(
            update,
            "the same without a session",
            [("None current 7", "{}, new key, old record gone")],
        ),
        everywhere(
            update,
            "the same the other way round",
            alike(
                &renewed,
                [format!("{own} current 9"), format!("{own} current null")],
            ),
        ),
    ]
}

pub(crate) fn nexts() -> Vec<Deviation> {
    vec![
        only_in(
            &["4.2"],
            "safe_next",
            "later releases let a scheme begin with a letter only, so that these are paths",
            alike(
                "http true, https true",
                ["1http://evil", "1:2", "-a:b", "+a:b", ".a:b"],
            ),
        ),
        only_in(
            &["4.2"],
            "safe_next",
            "later releases refuse more than 2048 code points",
            alike(
                "http false, https false",
                [
                    format!("/{}", "a".repeat(2048)),
                    format!("/{}", "é".repeat(2048)),
                    format!("http://testserver/{}", "a".repeat(2031)),
                ],
            ),
        ),
        everywhere(
            "guarded_redirect",
            "bytes that browsers escape: Django reads them as Latin-1 under WSGI, and as UTF-8 under ASGI",
            [(
                "/login/ /lr/ é=ü",
                "/login/?next=/lr/%3F%25C3%25A9%3D%25C3%25BC",
            )],
        ),
    ]
}

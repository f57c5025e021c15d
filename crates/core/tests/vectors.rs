//! Django's own answers against ours, through the public API: every row of `vectors/django-*.json`.
//!
//! Each section has a function that puts a row's input to core and writes both answers in the same words. They
//! must be equal, or the row stands in the one table of deviations, with our answer and the reason. Where Django
//! raises something that nobody catches, its answer is `raises` and ours is in that table too.
//!
//! `cargo test -p cloakroom-core --test vectors -- --nocapture` shows how many rows each section has.

#[path = "vectors/auth.rs"]
mod auth;
#[path = "vectors/cookies.rs"]
mod cookies;
#[path = "vectors/csrf.rs"]
mod csrf;
#[path = "vectors/deviations.rs"]
mod deviations;
#[path = "vectors/hashers.rs"]
mod hashers;
#[path = "vectors/json.rs"]
mod json;
#[path = "vectors/kept.rs"]
mod kept;
#[path = "vectors/middleware.rs"]
mod middleware;
#[path = "vectors/next.rs"]
mod next;
#[path = "vectors/passwords.rs"]
mod passwords;
#[path = "vectors/rows.rs"]
mod rows;
#[path = "vectors/session_object.rs"]
mod session_object;
#[path = "vectors/sessions.rs"]
mod sessions;
#[path = "vectors/signing.rs"]
mod signing;
#[path = "vectors/time.rs"]
mod time;
#[path = "vectors/validators.rs"]
mod validators;

use std::collections::BTreeSet;

use rows::{Check, Release};

/// Section, rows in the files of 4.2, 5.2 and 6.1, and what compares one.
const SECTIONS: [(&str, [usize; 3], Check); 50] = [
    ("sign", [49; 3], signing::sign),
    ("unsign", [69; 3], signing::unsign),
    ("timestamp_sign", [48; 3], signing::timestamp_sign),
    ("timestamp_unsign", [46; 3], signing::timestamp_unsign),
    ("dumps", [36; 3], signing::dumps),
    ("loads", [60; 3], signing::loads),
    ("parse_cookie", [224; 3], cookies::parse_cookie),
    ("set_cookie", [94; 3], cookies::set_cookie),
    ("cookie_values", [534; 3], cookies::cookie_values),
    ("cookie_names", [286; 3], cookies::cookie_names),
    ("signed_cookies", [11; 3], cookies::signed_cookies),
    (
        "signed_cookies_read",
        [74, 148, 148],
        cookies::signed_cookies_read,
    ),
    ("http_date", [20; 3], time::http_date),
    ("session_encode", [33; 3], sessions::encode),
    ("session_decode", [105; 3], sessions::decode),
    ("session_expiry", [259; 3], sessions::expiry),
    ("session_set_expiry", [60; 3], sessions::set_expiry),
    ("session_keys", [19; 3], sessions::keys),
    ("session_operations", [110; 3], session_object::operations),
    ("session_middleware", [156; 3], middleware::middleware),
    ("sqlite_datetime", [12; 3], time::sqlite_datetime),
    ("csrf_mask", [16; 3], csrf::mask),
    ("csrf_unmask", [7; 3], csrf::unmask),
    ("csrf_shape", [20; 3], csrf::shape),
    ("csrf_match", [9; 3], csrf::matches),
    ("csrf_decisions", [294; 3], csrf::decisions),
    ("password_make", [74; 3], passwords::make),
    ("password_verify", [150; 3], passwords::verify),
    ("password_usable", [7; 3], passwords::usable),
    ("password_weak_salt", [7; 3], passwords::weak_salt),
    ("password_defaults", [1; 3], passwords::defaults),
    ("hasher_make", [447, 378, 378], hashers::make),
    ("hasher_verify", [650, 559, 559], hashers::verify),
    ("password_validate", [1040; 3], validators::validate),
    ("password_help", [11; 3], validators::help),
    ("password_digits", [83; 3], validators::digits),
    ("session_auth_hash", [18; 3], auth::session_auth_hash),
    ("login", [44; 3], auth::login),
    ("logout", [4; 3], auth::logout),
    ("get_user", [144; 3], auth::get_user),
    (
        "update_session_auth_hash",
        [12; 3],
        auth::update_session_auth_hash,
    ),
    ("usernames", [19; 3], auth::username),
    ("reset_tokens", [64; 3], auth::reset_token),
    ("reset_tokens_made", [48; 3], auth::reset_token_made),
    ("reset_tokens_checked", [93; 3], auth::reset_token_checked),
    ("uidb64", [9; 3], auth::uid),
    ("safe_next", [576; 3], next::safe_next),
    ("login_redirect", [113; 3], next::login_redirect_row),
    ("guarded_redirect", [41; 3], next::guarded_redirect),
    ("redirect_location", [14; 3], next::redirect_location),
];

/// Sections that core's public API has no words for.
const BEYOND_CORE: [(&str, &str); 1] = [(
    "salted_hmac",
    "private: what is made of it is `sign`, `session_auth_hash` and their like",
)];

/// F2.
#[test]
fn django_s_answers_are_ours() {
    let mut deviations = deviations::Table::new();
    let mut failures = Vec::new();
    let mut total = 0;
    for (place, release) in Release::all().iter().enumerate() {
        for (section, counts, check) in &SECTIONS {
            let rows = release.rows(section);
            assert_eq!(rows.len(), counts[place], "{} {section}", release.name);
            total += rows.len();
            for row in &rows {
                let answer = check(row, release);
                if let Err(failure) = deviations.judge(release.name, section, row, &answer) {
                    failures.push(format!("{} {section}: {failure}", release.name));
                }
            }
        }
    }
    failures.extend(deviations.never_met());
    for (section, [_, _, rows], _) in &SECTIONS {
        eprintln!("{rows:5} {section}");
    }
    eprintln!("{total} rows in all, {} of them deviate", deviations.met());
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn every_section_is_compared_or_said_to_be_beyond_core() {
    let compared = SECTIONS.iter().map(|(section, ..)| *section);
    let beyond = BEYOND_CORE.iter().map(|(section, _)| *section);
    let known: BTreeSet<&str> = compared.chain(beyond).collect();
    assert_eq!(
        known.len(),
        SECTIONS.len() + BEYOND_CORE.len(),
        "none twice"
    );
    for release in Release::all() {
        assert_eq!(
            release.sections().collect::<BTreeSet<_>>(),
            known,
            "{}",
            release.name
        );
    }
}

use super::*;
use crate::secret::{SecretKey, Secrets};
use crate::session::{Expiry, Lifetime};
use crate::signing::Compression;
use crate::time::{Timestamp, Zone};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

fn loaded(json: &str) -> SessionState {
    let secrets = Secrets::new(SecretKey::insecure_new("k").unwrap());
    let codec = Codec::new(&secrets, Codec::DJANGO_SALT, Compression::Never);
    let stored = Stored::signed(codec.encode(json, NOW), NOW.plus_seconds(60));
    SessionState::from_stored(SessionKey::parse("abcdefgh").unwrap(), stored, &codec)
}

#[test]
fn reading_changes_nothing_and_writing_does() {
    let mut session = loaded(r#"{"a":1}"#);
    assert_eq!(session.get("a"), Ok(Some(1)));
    assert!(!session.remove("missing") && !session.is_modified());
    session.set("b", "é").unwrap();
    assert_eq!(session.get::<String>("b").unwrap().as_deref(), Some("é"));
    assert_eq!(session.names().collect::<Vec<_>>(), ["a", "b"]);
    assert!(session.is_modified());
}

#[test]
fn a_session_with_a_key_is_not_empty_when_its_data_are() {
    assert!(SessionState::new().is_empty());
    let mut session = loaded("{}");
    assert!(!session.is_empty());
    session.flush();
    assert!(session.is_empty() && session.is_modified());
    session.set("a", &1).unwrap();
    assert!(!session.is_empty());
}

#[test]
fn blanks_around_a_raw_value_are_not_kept() {
    let mut session = loaded("{}");
    session.set_raw("a", "\t[1, 2]\r\n ").unwrap();
    assert_eq!(session.raw("a").as_deref(), Some("[1, 2]"));
    assert_eq!(&**session.data().text(), r#"{"a":[1, 2]}"#);
}

#[test]
fn a_raw_value_that_escapes_a_letter_beyond_ascii_is_refused() {
    let mut session = loaded("{}");
    let refused = Err(ValueError::Unreadable(data::DataError::Syntax));
    assert_eq!(session.set_raw("a", r#""\é""#), refused);
    session.set_raw("a", r#""\\é""#).unwrap();
    assert_eq!(session.get("a"), Ok(Some(r"\é".to_owned())));
}

#[test]
fn where_nothing_is_nothing_ends() {
    let mut session = SessionState::new();
    session.flush();
    assert!(session.is_empty() && !session.is_modified());
    session.set("a", &1).unwrap();
    assert!(session.is_modified());
}

/// CVE-2015-3982.
#[test]
fn flush_forgets_and_what_follows_is_new() {
    let mut session = loaded(r#"{"a":1}"#);
    session.set("b", &2).unwrap();
    session.flush();
    session.cycle_key();
    session.set("c", &3).unwrap();
    assert_eq!(&**session.data().text(), r#"{"c":3}"#);
    assert_eq!(session.key(), None);
    assert_eq!(session.fate, Fate::Flush);
}

#[test]
fn values_that_django_could_not_read_are_refused() {
    let mut session = loaded("{}");
    let mut deep = serde_json::json!(1);
    for _ in 0..900 {
        deep = serde_json::Value::Array(vec![deep]);
    }
    assert!(matches!(
        session.set("deep", &deep),
        Err(ValueError::Unreadable(_))
    ));
    assert!(!session.is_modified());
    drop(serde_json::to_string(&deep));
}

#[test]
fn json_text_is_kept_as_it_stands() {
    let mut session = loaded("{}");
    let rows = [
        ("NaN", "NaN"),
        (" \t[1, 2]\r\n", "[1, 2]"),
        (
            "123456789012345678901234567890",
            "123456789012345678901234567890",
        ),
        (r#"["\ud800", 1.50]"#, r#"["\ud800", 1.50]"#),
        (r#""\u0065é😀""#, r#""\u0065\u00e9\ud83d\ude00""#),
    ];
    for (json, kept) in rows {
        session.set_raw("a", json).unwrap();
        assert_eq!(session.raw("a").as_deref(), Some(kept));
        assert_eq!(session.data().raw("a"), Some(kept));
    }
    let before = session.data();
    for json in [
        "",
        "1,\"b\":2",
        "é",
        "[",
        "\"\n\"",
        "nan",
        "1 2",
        "\u{feff}1",
        "\"\\é\"",
    ] {
        let set = session.set_raw("a", json);
        assert!(matches!(set, Err(ValueError::Unreadable(_))), "{json}");
    }
    assert_eq!(session.data().text(), before.text());
}

#[test]
fn an_unreadable_record_is_an_empty_session() {
    let secrets = Secrets::new(SecretKey::insecure_new("k").unwrap());
    let codec = Codec::new(&secrets, Codec::DJANGO_SALT, Compression::Never);
    let sign = |json: &str| codec.encode(json, NOW);
    let rows = [
        "",
        "garbage",
        "e30:1r31eq:AAAA",
        &sign("[]"),
        &sign("not json"),
        &sign(r#"{"a":1"#),
    ];
    for row in rows {
        let stored = Stored::signed(row, NOW);
        let session =
            SessionState::from_stored(SessionKey::parse("abcdefgh").unwrap(), stored, &codec);
        assert!(session.is_unreadable() && session.is_empty(), "{row}");
    }
}

#[test]
fn set_expiry_is_kept_under_django_s_name() {
    let mut session = loaded("{}");
    session.set_expiry(Expiry::Seconds(300), Zone::UTC, NOW);
    assert_eq!(session.raw("_session_expiry").as_deref(), Some("300"));
    session.set_expiry(Expiry::SiteDefault, Zone::UTC, NOW);
    assert_eq!(session.raw("_session_expiry"), None);
}

#[test]
fn what_was_loaded_is_readable_has_its_key_and_needs_no_cookie() {
    let mut session = loaded(r#"{"a":1}"#);
    assert!(!session.is_unreadable() && !session.was_saved());
    assert_eq!(session.key().map(SessionKey::as_str), Some("abcdefgh"));
    session.cycle_key();
    assert_eq!(session.key(), None);
}

#[test]
fn a_value_is_taken_once_and_must_not_have_changed() {
    let mut session = loaded(r#"{"code":"x","a":1}"#);
    assert_eq!(session.take::<i64>("code"), Err(ValueError::OtherType));
    assert!(session.contains("code"));
    assert_eq!(session.take("code"), Ok(Some("x".to_owned())));
    assert_eq!(session.take::<String>("code"), Ok(None));
    session.require_unchanged("a");
    let unchanged = |theirs: &str| {
        let theirs = SessionData::from_ascii(theirs).unwrap();
        let base = &session.base;
        session.changes.check(base, &theirs, |_| false).is_ok()
    };
    assert!(unchanged(r#"{"code":"x","a":1,"b":2}"#));
    assert!(!unchanged(r#"{"code":"x","a":2}"#));
    assert!(!unchanged(r#"{"code":"y","a":1}"#));
}

#[test]
fn a_counter_begins_at_0_and_clear_begins_again() {
    let mut session = loaded(r#"{"a":5}"#);
    assert_eq!(session.add("n", 2), Ok(2));
    assert_eq!(session.add("a", -7), Ok(-2));
    session.clear();
    assert!(session.names().next().is_none() && session.is_modified());
    assert_eq!(session.add("a", 1), Ok(1));
}

#[test]
fn only_a_renewal_that_nothing_else_needs_may_be_left_to_others() {
    let mut session = loaded("{}");
    session.upgrade_key("hash", "new");
    assert_eq!(session.fate, Fate::Upgrade);
    assert!(!session.is_empty() && session.is_modified());
    session.set("a", &1).unwrap();
    assert_eq!(session.fate, Fate::Renew);
    session.upgrade_key("hash", "new");
    assert_eq!(session.fate, Fate::Renew);
    let mut session = loaded("{}");
    session.set("a", &1).unwrap();
    session.upgrade_key("hash", "new");
    assert_eq!(session.fate, Fate::Renew);
}

#[test]
fn a_logout_stays_one_when_the_session_is_found_invalid() {
    let mut session = loaded(r#"{"a":1}"#);
    session.drop_invalid();
    assert_eq!(session.fate, Fate::Drop);
    assert!(!session.contains("a"));
    session.flush();
    session.drop_invalid();
    assert_eq!(session.fate, Fate::Flush);
}

#[test]
fn all_of_an_update_is_written_or_nothing() {
    let mut session = loaded(r#"{"a":1}"#);
    let mut deep = serde_json::json!(1);
    for _ in 0..1_000 {
        deep = serde_json::Value::Array(vec![deep]);
    }
    assert!(
        session
            .update([("a", serde_json::json!(2)), ("b", deep)])
            .is_err()
    );
    assert!(!session.is_modified());
    session.update([("a", 2), ("b", 3)]).unwrap();
    assert_eq!(session.items(), Ok(vec![("a".into(), 2), ("b".into(), 3)]));
}

#[test]
fn a_value_of_another_type_is_neither_popped_nor_replaced_by_a_default() {
    let mut session = loaded(r#"{"a":"x"}"#);
    assert_eq!(session.pop::<i64>("a"), Err(ValueError::OtherType));
    assert_eq!(session.set_default("a", 7), Err(ValueError::OtherType));
    assert_eq!(session.items::<i64>(), Err(ValueError::OtherType));
    assert!(!session.is_modified() && session.contains("a"));
    assert_eq!(session.pop("a"), Ok(Some("x".to_owned())));
    assert_eq!(session.set_default("a", 7), Ok(7));
}

#[test]
fn to_touch_what_is_not_there_is_nothing() {
    let mut session = SessionState::new();
    session.touch();
    assert!(session.is_empty() && session.found() == crate::session::Found::Empty);
    let mut session = loaded("{}");
    session.touch();
    assert!(session.is_modified());
    session.flush();
    assert!(!session.touched);
}

#[test]
fn the_age_is_that_of_what_would_be_saved() {
    let mut session = loaded("{}");
    assert_eq!(session.expiry_age(&Lifetime::DJANGO, NOW), 1_209_600);
    session.set_expiry(Expiry::Seconds(5), Zone::UTC, NOW);
    assert_eq!(session.expiry_age(&Lifetime::DJANGO, NOW), 5);
    assert_eq!(
        session.expiry_date(&Lifetime::DJANGO, NOW),
        NOW.plus_seconds(5)
    );
    assert!(!session.ends_with_browser(&Lifetime::DJANGO));
    session.set_expiry(Expiry::AtBrowserClose, Zone::UTC, NOW);
    assert!(session.ends_with_browser(&Lifetime::DJANGO));
}

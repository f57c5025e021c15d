//! Keys and data that a collation takes for equal, and statements that must find their rows by an index.

use cloakroom_core::session::{Created, Deleted, Replaced, SessionKey, Store as _, Version};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::MySqlStore;
use cloakroom_testing::record;

use crate::databases::{edit, ours, says};

/// What Django sites have: the default of MariaDB and of MySQL 8, older ones, and what Django's manual calls safe.
const COLLATIONS: [(&str, &str); 7] = [
    ("utf8mb4", "utf8mb4_general_ci"),
    ("utf8mb4", "utf8mb4_unicode_ci"),
    ("utf8mb4", "utf8mb4_uca1400_ai_ci"),
    ("utf8mb4", "utf8mb4_bin"),
    ("utf8mb3", "utf8mb3_general_ci"),
    ("latin1", "latin1_swedish_ci"),
    ("ascii", "ascii_general_ci"),
];

async fn with(charset: &str, collation: &str) -> (String, MySqlStore) {
    let (name, store) = ours().await;
    edit(
        &name,
        &format!(
            "ALTER TABLE django_session CONVERT TO CHARACTER SET {charset} COLLATE {collation};
             ALTER TABLE auth_user CONVERT TO CHARACTER SET {charset} COLLATE {collation}"
        ),
    );
    (name, store)
}

fn key(text: &str) -> SessionKey {
    SessionKey::parse(text).unwrap()
}

/// CVE-2014-0474.
#[tokio::test]
#[ignore = "needs MariaDB"]
async fn no_key_has_an_alias_under_any_collation() {
    let now = Timestamp::now();
    for (charset, collation) in COLLATIONS {
        let (_, store) = with(charset, collation).await;
        let kept = record("{}", Timestamp::MAX);
        let original = key("abcdefgh");
        let Created::Created(version) = store.create(&original, &kept).await.unwrap() else {
            panic!("it is the first");
        };
        for alias in [
            "ABCDEFGH",
            "abcdefgh ",
            "abcdefgh      ",
            "àbcdefgh",
            "abcdefg\u{ff48}",
            "abcdefgh\u{ad}",
            "abcdefgh\u{200b}",
            "ａｂｃｄｅｆｇｈ",
            "abcdefg%",
            "abcdefg_",
            "abcdefgh\u{1f9e5}",
            "00000000",
            "0e000000",
            "abcdefgh' OR '1'='1",
        ] {
            let alias = key(alias);
            let what = format!("{collation} {}", alias.as_str());
            assert!(store.load(&alias, now).await.unwrap().is_none(), "{what}");
            let replaced = store.replace(&alias, &version, &kept, now).await.unwrap();
            assert!(matches!(replaced, Replaced::Gone), "{what}");
            for seen in [None, Some(&version)] {
                let deleted = store.delete(&alias, seen, now).await.unwrap();
                assert!(matches!(deleted, Deleted::Gone), "{what}");
            }
        }
        assert!(store.load(&original, now).await.unwrap().is_some());
    }
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_key_whose_place_another_spelling_has_is_taken() {
    let (name, store) = with("utf8mb4", "utf8mb4_general_ci").await;
    let kept = record("{}", Timestamp::MAX);
    let _ = store.create(&key("abcdefgh"), &kept).await.unwrap();
    for twin in ["ABCDEFGH", "abcdefgh  ", "àbcdefgh"] {
        let created = store.create(&key(twin), &kept).await.unwrap();
        assert_eq!(created, Created::KeyTaken, "{twin}");
    }
    let keys = edit(&name, "SELECT session_key FROM django_session");
    assert_eq!(keys, "abcdefgh\n");
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn data_that_only_a_collation_takes_for_equal_has_changed() {
    let now = Timestamp::now();
    for (charset, collation) in COLLATIONS {
        let (name, store) = with(charset, collation).await;
        let kept = record("{}", Timestamp::MAX);
        let one = key("abcdefgh");
        let _ = store.create(&one, &kept).await.unwrap();
        edit(&name, "UPDATE django_session SET session_data = 'AbC:dEf'");
        for other in [
            "abc:def",
            "ABC:DEF",
            "AbC:dEf ",
            "AbC:dEf\u{200b}",
            "AbC:dÉf",
            "",
        ] {
            let seen = Version::of_text(other);
            let replaced = store.replace(&one, &seen, &kept, now).await.unwrap();
            assert!(
                matches!(replaced, Replaced::Changed(_)),
                "{collation} {other:?}"
            );
            let deleted = store.delete(&one, Some(&seen), now).await.unwrap();
            assert!(
                matches!(deleted, Deleted::Changed(_)),
                "{collation} {other:?}"
            );
        }
        // No text of this engine, but a version as another one has it.
        let seen = Version::of_bytes(*b"\xff\x80");
        let replaced = store.replace(&one, &seen, &kept, now).await.unwrap();
        assert!(matches!(replaced, Replaced::Changed(_)), "{collation}");
        let seen = Version::of_text("AbC:dEf");
        let replaced = store.replace(&one, &seen, &kept, now).await.unwrap();
        assert!(matches!(replaced, Replaced::Replaced(_)), "{collation}");
    }
}

/// Affected rows would be 0 here, which Django takes for a session that was deleted.
#[tokio::test]
#[ignore = "needs MariaDB"]
async fn writing_what_is_there_already_is_a_write() {
    let (_, store) = ours().await;
    let now = Timestamp::now();
    let (one, kept) = (key("abcdefgh"), record("{}", Timestamp::MAX));
    let Created::Created(version) = store.create(&one, &kept).await.unwrap() else {
        panic!("it is the first");
    };
    for _ in 0..2 {
        let replaced = store.replace(&one, &version, &kept, now).await.unwrap();
        assert!(matches!(replaced, Replaced::Replaced(_)), "{replaced:?}");
    }
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_key_longer_than_the_column_names_no_session_and_is_never_cut() {
    let (name, store) = ours().await;
    let now = Timestamp::now();
    let kept = record("{}", Timestamp::MAX);
    let fits = key(&"k".repeat(40));
    let Created::Created(version) = store.create(&fits, &kept).await.unwrap() else {
        panic!("it is the first");
    };
    for length in [41, 256, 100_000] {
        let long = key(&"k".repeat(length));
        assert!(store.load(&long, now).await.unwrap().is_none());
        let replaced = store.replace(&long, &version, &kept, now).await.unwrap();
        assert!(matches!(replaced, Replaced::Gone));
        let deleted = store.delete(&long, None, now).await.unwrap();
        assert!(matches!(deleted, Deleted::Gone));
        says(&store.create(&long, &kept).await.unwrap_err(), "too long");
    }
    assert_eq!(edit(&name, "SELECT count(*) FROM django_session"), "1\n");
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_row_that_is_not_django_s_counts_as_missing() {
    let (name, store) = with("latin1", "latin1_swedish_ci").await;
    let now = Timestamp::now();
    edit(
        &name,
        "SET sql_mode = ''; INSERT INTO django_session VALUES ('zero-date', 'x', '0000-00-00 00:00:00'),
         ('no-text--', x'ff', '9999-12-31 23:59:59')",
    );
    assert!(store.load(&key("zero-date"), now).await.unwrap().is_none());
    // The server turns it into UTF-8, so it is a text; what it says is for the codec to refuse. Its bytes in the
    // table are others.
    let odd = store.load(&key("no-text--"), now).await.unwrap().unwrap();
    let kept = record("{}", Timestamp::MAX);
    let replaced = store
        .replace(&key("no-text--"), &odd.version, &kept, now)
        .await;
    assert!(matches!(replaced.unwrap(), Replaced::Replaced(_)));
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn every_statement_finds_its_rows_by_an_index() {
    let (name, store) = ours().await;
    edit(
        &name,
        "INSERT INTO django_session SELECT concat('key-of-row-', seq), repeat('x', 400),
             date_add('2020-01-01', interval seq hour) FROM seq_1_to_5000;
         ANALYZE TABLE django_session",
    );
    let now = Timestamp::now();
    let (one, kept) = (key("key-of-row-17"), record("{}", Timestamp::MAX));
    let seen = Version::of_text("x");
    let before = rows_read(&name);
    let _ = store.load(&one, now).await.unwrap();
    let _ = store.replace(&one, &seen, &kept, now).await.unwrap();
    let _ = store.delete(&one, Some(&seen), now).await.unwrap();
    let _ = store.delete(&one, None, now).await.unwrap();
    let _ = store.newest_session().await.unwrap();
    let end = Timestamp::from_unix_seconds(1_577_836_800 + 3600 * 10);
    assert_eq!(store.clear_expired(end, 5).await.unwrap(), 5);
    let read = rows_read(&name) - before;
    assert!((10..40).contains(&read), "{read} rows were read");
}

/// How many rows the server has read in this table, whoever asked.
fn rows_read(name: &str) -> u64 {
    let sql = format!(
        "SELECT coalesce(sum(rows_read), 0) FROM information_schema.table_statistics \
         WHERE table_schema = '{name}' AND table_name = 'django_session'"
    );
    edit(name, &format!("SET GLOBAL userstat = 1; {sql}"))
        .trim()
        .parse()
        .unwrap()
}

//! Each way to fail is an error in time that names the fix, and afterwards the store works again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom_core::auth::UserStore as _;
use cloakroom_core::session::{Created, Replaced, SessionKey, Store as _, StoreError};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{SqliteOptions, SqliteStore};
use cloakroom_testing::record;
use rusqlite::Connection;

use crate::folder::{Folder, edit, hasty};

#[tokio::test]
async fn a_missing_file_is_not_made() {
    let folder = Folder::new();
    let path = folder.path();
    says(
        &SqliteStore::open(&path).await.unwrap_err(),
        "cloakroom migrate --database sqlite:",
    );
    assert!(!path.exists());
    let nowhere = folder.path().join("deeper/site.db");
    says(
        &SqliteStore::create(&nowhere).await.unwrap_err(),
        "its folder is there",
    );
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let folder = Folder::new();
    let path = folder.path();
    // SQLite takes a file of one byte for an empty one.
    for length in [2, 50, 20_000] {
        let text = "x".repeat(length);
        std::fs::write(&path, &text).unwrap();
        says(
            &SqliteStore::open(&path).await.unwrap_err(),
            "not an SQLite database",
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
    says(
        &SqliteStore::open(path.parent().unwrap()).await.unwrap_err(),
        "cannot be opened",
    );
}

#[tokio::test]
async fn a_database_without_tables_asks_for_migrate() {
    let folder = Folder::new();
    let store = SqliteStore::create(folder.path()).await.unwrap();
    let now = Timestamp::now();
    let fix = "run `cloakroom migrate --database sqlite:";
    says(&store.load(&key(1), now).await.unwrap_err(), fix);
    says(&create(&store, 1).await.unwrap_err(), fix);
    says(&store.any_user().await.unwrap_err(), fix);
    says(&store.newest_session().await.unwrap_err(), fix);
    let _ = store.migrate(now).await.unwrap();
    create(&store, 1).await.unwrap();
    assert!(store.load(&key(1), now).await.unwrap().is_some());
}

#[cfg(unix)]
#[tokio::test]
async fn a_read_only_file_is_read_and_not_written() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::new();
    let path = folder.django().await.path().to_owned();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
    if std::fs::OpenOptions::new().append(true).open(&path).is_ok() {
        eprintln!("left out: this user may write to every file");
        return;
    }
    let store = SqliteStore::open(&path).await.unwrap();
    assert!(
        store
            .load(&key(1), Timestamp::now())
            .await
            .unwrap()
            .is_none()
    );
    says(&create(&store, 1).await.unwrap_err(), "read-only");
    assert_eq!(store.check().await.unwrap().len(), 1);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    create(&store, 1).await.unwrap();
}

#[tokio::test]
async fn a_lock_is_an_error_in_time_and_forgotten_afterwards() {
    let folder = Folder::new();
    for path in [
        folder.ours().await.path().to_owned(),
        folder.django().await.path().to_owned(),
    ] {
        let store = SqliteStore::open_with(&path, hasty()).await.unwrap();
        create(&store, 1).await.unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let begun = Instant::now();
        says(&create(&store, 2).await.unwrap_err(), "locked");
        let problems = store.check().await;
        assert!(problems.is_err() || !problems.unwrap().is_empty());
        assert!(begun.elapsed() < Duration::from_secs(3));
        other.execute_batch("ROLLBACK").unwrap();
        create(&store, 2).await.unwrap();
        assert_eq!(store.check().await.unwrap(), []);
    }
}

#[tokio::test]
async fn an_exclusive_lock_on_a_rollback_journal_stops_reads_and_opening_too() {
    let folder = Folder::new();
    let path = folder.django().await.path().to_owned();
    let store = SqliteStore::open_with(&path, hasty()).await.unwrap();
    let now = Timestamp::now();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    says(&store.load(&key(1), now).await.unwrap_err(), "locked");
    let opening = SqliteStore::open_with(&path, hasty()).await;
    says(&opening.unwrap_err(), "locked");
    other.execute_batch("ROLLBACK").unwrap();
    assert!(store.load(&key(1), now).await.unwrap().is_none());
}

#[tokio::test]
async fn a_write_waits_for_a_lock_that_is_released_in_time() {
    let folder = Folder::new();
    let store = folder.django().await;
    let other = Connection::open(store.path()).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move {
            let unknown = key(2);
            let loaded = store.load(&unknown, Timestamp::now());
            let (created, loaded) = tokio::join!(create(&store, 1), loaded);
            created?;
            loaded.map(drop)
        }
    });
    tokio::task::yield_now().await;
    other.execute_batch("COMMIT").unwrap();
    waiting.await.unwrap().unwrap();
}

#[tokio::test]
async fn readers_in_wal_mode_do_not_wait_for_a_writer() {
    let folder = Folder::new();
    let path = folder.ours().await.path().to_owned();
    let store = SqliteStore::open_with(&path, hasty()).await.unwrap();
    create(&store, 1).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch("BEGIN IMMEDIATE; DELETE FROM django_session")
        .unwrap();
    let now = Timestamp::now();
    assert!(store.load(&key(1), now).await.unwrap().is_some());
    other.execute_batch("COMMIT").unwrap();
    assert!(store.load(&key(1), now).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_writers_are_all_durable_beside_a_busy_django() {
    let folder = Folder::new();
    for store in [folder.ours().await, folder.django().await] {
        let path = store.path().to_owned();
        let django = std::thread::spawn(move || {
            let other = Connection::open(path).unwrap();
            other.busy_timeout(Duration::from_secs(30)).unwrap();
            for number in 0..50 {
                other
                    .execute(
                        "INSERT INTO django_session VALUES (?1, 'x', '2999-01-01 00:00:00')",
                        [format!("django-{number}")],
                    )
                    .unwrap();
            }
        });
        let writers: Vec<_> = (0..32_u32)
            .map(|writer| {
                let store = store.clone();
                tokio::spawn(async move {
                    for number in 0..4 {
                        create(&store, writer * 100 + number).await.unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        django.join().unwrap();
        // Another connection sees them, as a program started after a crash would.
        let other = Connection::open(store.path()).unwrap();
        let rows: i64 = other
            .query_row("SELECT count(*) FROM django_session", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 50 + 32 * 4);
    }
}

#[tokio::test]
async fn one_failing_write_does_not_fail_those_committed_with_it() {
    let folder = Folder::new();
    let store = folder.ours().await;
    edit(
        store.path(),
        "CREATE TRIGGER refuse BEFORE INSERT ON django_session WHEN new.session_key = 'session-00005' \
         BEGIN SELECT RAISE(FAIL, 'refused'); END",
    );
    let results = all_at_once(&store, 12).await;
    for (number, result) in results.iter().enumerate() {
        assert_eq!(result.is_ok(), number != 5, "{number}: {result:?}");
    }
}

#[tokio::test]
async fn a_write_that_undoes_the_transaction_undoes_nobody_else_s() {
    let folder = Folder::new();
    let store = folder.ours().await;
    edit(
        store.path(),
        "CREATE TRIGGER refuse BEFORE INSERT ON django_session WHEN new.session_key = 'session-00005' \
         BEGIN SELECT RAISE(ROLLBACK, 'refused'); END",
    );
    let results = all_at_once(&store, 12).await;
    let now = Timestamp::now();
    for (number, result) in results.iter().enumerate() {
        assert_eq!(result.is_ok(), number != 5, "{number}: {result:?}");
        let number = u32::try_from(number).unwrap();
        let kept = store.load(&key(number), now).await.unwrap().is_some();
        assert_eq!(kept, number != 5, "{number}");
    }
}

#[tokio::test]
async fn a_commit_that_fails_acknowledges_nobody() {
    let folder = Folder::new();
    let store = folder.ours().await;
    // A deferred foreign key is looked at by COMMIT.
    edit(
        store.path(),
        "CREATE TABLE parent (id integer PRIMARY KEY);
         CREATE TABLE child (id integer REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
         CREATE TRIGGER refuse AFTER INSERT ON django_session WHEN new.session_key = 'session-00005'
         BEGIN INSERT INTO child VALUES (1); END",
    );
    let results = all_at_once(&store, 6).await;
    let now = Timestamp::now();
    for (number, result) in results.iter().enumerate() {
        let number = u32::try_from(number).unwrap();
        let kept = store.load(&key(number), now).await.unwrap().is_some();
        assert_eq!(kept, result.is_ok(), "{number}: {result:?}");
    }
    assert!(results[5].is_err());
    create(&store, 100).await.unwrap();
}

#[tokio::test]
async fn too_many_waiting_writes_are_an_error_at_once() {
    let folder = Folder::new();
    let path = folder.django().await.path().to_owned();
    let options = SqliteOptions {
        queue: 2,
        ..SqliteOptions::default()
    };
    let store = SqliteStore::open_with(&path, options).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = Instant::now();
    let writers: Vec<_> = (0..200)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move { create(&store, number).await })
        })
        .collect();
    // One thread: the writers have all asked once this task runs again.
    tokio::task::yield_now().await;
    other.execute_batch("COMMIT").unwrap();
    let mut refused = 0;
    for writer in writers {
        if let Err(error) = writer.await.unwrap() {
            says(&error, "too many calls wait");
            refused += 1;
        }
    }
    assert!(refused > 0);
    assert!(begun.elapsed() < Duration::from_secs(4), "at once");
    create(&store, 1000).await.unwrap();
}

#[tokio::test]
async fn a_write_whose_caller_has_gone_is_not_begun() {
    let folder = Folder::new();
    let path = folder.ours().await.path().to_owned();
    let store = SqliteStore::open_with(&path, hasty()).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    says(&create(&store, 1).await.unwrap_err(), "locked");
    let given_up = tokio::time::timeout(Duration::from_millis(1), create(&store, 2)).await;
    assert!(given_up.is_err());
    other.execute_batch("COMMIT").unwrap();
    create(&store, 3).await.unwrap();
    let now = Timestamp::now();
    assert!(store.load(&key(1), now).await.unwrap().is_none());
    assert!(store.load(&key(2), now).await.unwrap().is_none());
}

#[tokio::test]
async fn the_last_clone_closes_the_database() {
    let folder = Folder::new();
    let store = folder.ours().await;
    let wal = format!("{}-wal", store.path().display());
    create(&store, 1).await.unwrap();
    assert!(std::fs::exists(&wal).unwrap());
    let clone = store.clone();
    drop(store);
    create(&clone, 2).await.unwrap();
    let _ = clone.load(&key(1), Timestamp::now()).await.unwrap();
    drop(clone);
    assert!(!std::fs::exists(&wal).unwrap(), "its log is written back");
}

#[tokio::test]
async fn an_unreadable_row_is_missing_and_stays() {
    let folder = Folder::new();
    let store = folder.ours().await;
    let now = Timestamp::now();
    for (number, values) in [
        "'x', 'zzzz'",
        "'x', x'39'",
        "x'ff', '2999-01-01 00:00:00'",
        "CAST(x'ff' AS TEXT), '2999-01-01 00:00:00'",
    ]
    .iter()
    .enumerate()
    {
        let key = key(u32::try_from(number).unwrap());
        edit(
            store.path(),
            &format!(
                "INSERT INTO django_session VALUES ('{}', {values})",
                key.as_str()
            ),
        );
        assert!(store.load(&key, now).await.unwrap().is_none(), "{values}");
        let seen = cloakroom_core::session::Version::of_text("something");
        let new = record("{}", Timestamp::MAX);
        let replaced = store.replace(&key, &seen, &new, now).await.unwrap();
        assert!(matches!(replaced, Replaced::Gone), "{values}");
        assert_eq!(store.create(&key, &new).await.unwrap(), Created::KeyTaken);
    }
}

#[tokio::test]
async fn an_expiry_in_another_shape_does_not_live_longer() {
    let folder = Folder::new();
    let store = folder.ours().await;
    edit(
        store.path(),
        "INSERT INTO django_session VALUES ('session-00001', 'x', '2023-11-14T12:00:00Z')",
    );
    let morning = Timestamp::from_sql_text("2023-11-14 09:00:00").unwrap();
    assert!(store.load(&key(1), morning).await.unwrap().is_some());
    let evening = Timestamp::from_sql_text("2023-11-14 22:00:00").unwrap();
    assert!(store.load(&key(1), evening).await.unwrap().is_none());
}

#[tokio::test]
async fn the_newest_session_is_the_one_that_ends_last() {
    let folder = Folder::new();
    let store = folder.ours().await;
    assert!(store.newest_session().await.unwrap().is_none());
    for (number, seconds) in [(1, 50), (2, 90), (3, 70)] {
        let end = Timestamp::from_unix_seconds(seconds);
        let _ = store
            .create(&key(number), &record("{}", end))
            .await
            .unwrap();
    }
    let newest = store.newest_session().await.unwrap().unwrap();
    assert_eq!(newest.expire_date, Timestamp::from_unix_seconds(90));
}

#[tokio::test]
async fn calls_by_key_use_the_index() {
    let folder = Folder::new();
    let store = folder.ours().await;
    let database = Connection::open(store.path()).unwrap();
    for sql in [
        "SELECT 1 FROM django_session WHERE session_key = ?1 COLLATE BINARY AND expire_date > ?2",
        "DELETE FROM django_session WHERE session_key = ?1 COLLATE BINARY AND expire_date <= ?2",
    ] {
        let plan: String = database
            .query_row(
                &format!("EXPLAIN QUERY PLAN {sql}"),
                rusqlite::params!["", ""],
                |row| row.get(3),
            )
            .unwrap();
        assert!(plan.contains("(session_key=?)"), "{plan}");
    }
}

/// Starts `count` writes before any can be committed, so that they share a transaction.
async fn all_at_once(store: &SqliteStore, count: u32) -> Vec<Result<(), StoreError>> {
    let other = Connection::open(store.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let store = Arc::new(store.clone());
    let writers: Vec<_> = (0..count)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { create(&store, number).await })
        })
        .collect();
    tokio::task::yield_now().await;
    other.execute_batch("COMMIT").unwrap();
    let mut results = Vec::new();
    for writer in writers {
        results.push(writer.await.unwrap());
    }
    results
}

async fn create(store: &SqliteStore, number: u32) -> Result<(), StoreError> {
    let record = record(&format!(r#"{{"n": {number}}}"#), Timestamp::MAX);
    match store.create(&key(number), &record).await? {
        Created::Created(_) => Ok(()),
        Created::KeyTaken => panic!("each number is used once"),
    }
}

fn key(number: u32) -> SessionKey {
    SessionKey::parse(&format!("session-{number:05}")).unwrap()
}

#[track_caller]
fn says(error: &StoreError, words: &str) {
    assert!(error.to_string().contains(words), "{error}: {error:?}");
}

//! A server that is down, hung, full, locked or not what it should be: an error in time, which says what to do.

use std::time::{Duration, Instant};

use cloakroom_core::auth::UserStore as _;
use cloakroom_core::session::{Replaced, Store as _, Version};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{DurabilityAdvice, PostgresStore, Problem};
use cloakroom_testing::record;
use cloakroom_testing::servers::Postgres;

use crate::database::{
    HASTE, create, edit, hasty, hasty_one, key, migrated, other, readable, says,
};

/// What a deadline may take longer where the machine is busy.
const GRACE: Duration = Duration::from_secs(2);

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_store_may_be_opened_before_its_server_is_up() {
    let mut server = Postgres::start(&[]);
    let url = server.database();
    server.process().kill();
    let store = hasty(&url);
    let begun = Instant::now();
    says(
        &store.load(&key(1), Timestamp::now()).await.unwrap_err(),
        "cannot be reached",
    );
    says(&create(&store, 1).await.unwrap_err(), "cannot be reached");
    says(&store.check().await.unwrap_err(), "cannot be reached");
    assert!(begun.elapsed() < HASTE, "nobody waits for what is refused");
    server.restart();
    migrated(&store).await;
    create(&store, 1).await.unwrap();
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_server_that_was_killed_is_used_again_when_it_is_up() {
    let mut server = Postgres::start(&[]);
    let store = hasty(&server.database());
    migrated(&store).await;
    create(&store, 1).await.unwrap();
    for number in 2..5 {
        server.process().kill();
        assert!(store.load(&key(1), Timestamp::now()).await.is_err());
        assert!(create(&store, 1000 + number).await.is_err());
        server.restart();
        create(&store, number).await.unwrap();
        let found = store.load(&key(number), Timestamp::now()).await.unwrap();
        assert!(found.is_some());
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_server_that_hangs_is_an_error_in_time_and_recovers_within_a_second() {
    let mut server = Postgres::start(&[]);
    let store = hasty(&server.database());
    migrated(&store).await;
    create(&store, 1).await.unwrap();
    for round in 0..2 {
        server.process().freeze();
        // The second finds no connection and waits for a new one.
        for _ in 0..2 {
            let begun = Instant::now();
            let unknown = key(1);
            let loading = store.load(&unknown, Timestamp::now());
            let (loaded, created) = tokio::join!(loading, create(&store, 10 + round));
            says(&loaded.unwrap_err(), "within the deadline");
            says(&created.unwrap_err(), "within the deadline");
            assert!(begun.elapsed() < HASTE + GRACE, "{:?}", begun.elapsed());
        }
        server.process().thaw();
        let begun = Instant::now();
        let loaded = store.load(&key(1), Timestamp::now()).await;
        assert!(loaded.unwrap().is_some());
        create(&store, 20 + round).await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(1));
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn connections_that_the_server_ended_are_replaced() {
    let (store, url) = hasty_one().await;
    create(&store, 1).await.unwrap();
    for number in 2..6 {
        edit(
            &url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
        // A read may be asked twice. Of a write that was on its way nobody knows, so it may fail once.
        let loaded = store.load(&key(1), Timestamp::now()).await;
        assert!(loaded.unwrap().is_some());
        if create(&store, number).await.is_err() {
            create(&store, 1000 + number).await.unwrap();
        }
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_read_only_database_is_read_and_not_written() {
    let (store, url) = hasty_one().await;
    create(&store, 1).await.unwrap();
    let name = url.rsplit('/').next().unwrap();
    let set = |value| format!("ALTER DATABASE {name} SET default_transaction_read_only = {value}");
    edit(&url, &set("on")).await;
    let store = hasty(&url);
    let loaded = store.load(&key(1), Timestamp::now()).await;
    assert!(loaded.unwrap().is_some());
    says(&create(&store, 2).await.unwrap_err(), "read-only");
    let problems = store.check().await.unwrap();
    assert!(
        matches!(&problems[..], [Problem::NotWritable(_)]),
        "{problems:?}"
    );
    let client = other(&url).await;
    let writing = "SET default_transaction_read_only = off";
    client.batch_execute(writing).await.unwrap();
    client.batch_execute(&set("off")).await.unwrap();
    create(&store, 2).await.unwrap();
    assert_eq!(store.check().await.unwrap(), []);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_row_that_is_locked_stops_its_writers_and_nobody_else() {
    let (store, url) = hasty_one().await;
    create(&store, 1).await.unwrap();
    create(&store, 2).await.unwrap();
    let now = Timestamp::now();
    let seen = store.load(&key(1), now).await.unwrap().unwrap().version;
    let other = other(&url).await;
    other
        .batch_execute(
            "BEGIN; SELECT 1 FROM django_session WHERE session_key = 'session-00001' FOR UPDATE",
        )
        .await
        .unwrap();
    let begun = Instant::now();
    // More than there are connections.
    let writers: Vec<_> = (0..20)
        .map(|number| {
            let (store, seen) = (store.clone(), seen.clone());
            tokio::spawn(async move {
                let record = record(&format!(r#"{{"a": {number}}}"#), Timestamp::MAX);
                store.replace(&key(1), &seen, &record, now).await
            })
        })
        .collect();
    for number in 10..30 {
        create(&store, number).await.unwrap();
        let loaded = store.load(&key(1), now).await.unwrap();
        assert!(loaded.is_some());
    }
    assert!(begun.elapsed() < HASTE / 2, "{:?}", begun.elapsed());
    let mut locked = 0;
    for writer in writers {
        let error = writer.await.unwrap().unwrap_err();
        locked += u32::from(error.to_string().contains("locked for another connection"));
    }
    assert!(locked > 0, "the server says why");
    assert!(begun.elapsed() < HASTE + GRACE, "{:?}", begun.elapsed());
    other.batch_execute("ROLLBACK").await.unwrap();
    // Of a write whose deadline was over nobody knows: it may have got the lock before it could be stopped.
    let begun = Instant::now();
    loop {
        let seen = store.load(&key(1), now).await.unwrap().unwrap().version;
        let record = record("{}", Timestamp::MAX);
        let replaced = store.replace(&key(1), &seen, &record, now).await.unwrap();
        if matches!(replaced, Replaced::Replaced(_)) {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(1));
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_table_that_is_locked_is_an_error_in_time() {
    let (store, url) = hasty_one().await;
    let other = other(&url).await;
    other
        .batch_execute("BEGIN; LOCK TABLE django_session, auth_user")
        .await
        .unwrap();
    let begun = Instant::now();
    let unknown = key(1);
    let (loaded, created, first, problems) = tokio::join!(
        store.load(&unknown, Timestamp::now()),
        create(&store, 1),
        store.any_user(),
        store.check(),
    );
    says(&loaded.unwrap_err(), "locked for another connection");
    says(&created.unwrap_err(), "locked for another connection");
    // It stood behind the other read, on the same connection.
    assert!(first.is_err());
    assert!(problems.is_err() || !problems.unwrap().is_empty());
    assert!(begun.elapsed() < HASTE + GRACE, "{:?}", begun.elapsed());
    other.batch_execute("ROLLBACK").await.unwrap();
    create(&store, 1).await.unwrap();
    assert!(!store.any_user().await.unwrap());
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_call_that_the_server_undid_is_made_again() {
    let (store, url) = hasty_one().await;
    for (code, number) in [("40P01", 1), ("40001", 2)] {
        // A sequence counts on although the transaction is undone.
        edit(&url, &raises(code, "nextval('attempts') <= 2")).await;
        create(&store, number).await.unwrap();
        edit(&url, &raises(code, "true")).await;
        let error = create(&store, 100 + number).await.unwrap_err();
        says(&error, "undid a call again and again");
        edit(&url, &raises(code, "false")).await;
        create(&store, 100 + number).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn the_server_s_errors_say_what_to_do() {
    let (store, url) = hasty_one().await;
    for (code, words) in [
        ("53100", "the disk is full"),
        ("53200", "out of memory"),
        ("57014", "did not finish a call in time"),
        ("42501", "grant it SELECT"),
        ("XX000", "refused a call"),
    ] {
        edit(&url, &raises(code, "true")).await;
        let error = create(&store, 1).await.unwrap_err();
        says(&error, words);
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    edit(&url, &raises("XX000", "false")).await;
    create(&store, 1).await.unwrap();
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_database_without_tables_asks_for_migrate() {
    let store = hasty(&Postgres::shared().database());
    let now = Timestamp::now();
    let fix = "run `cloakroom migrate`";
    says(&store.load(&key(1), now).await.unwrap_err(), fix);
    says(&create(&store, 1).await.unwrap_err(), fix);
    says(&store.any_user().await.unwrap_err(), fix);
    says(&store.newest_session().await.unwrap_err(), fix);
    migrated(&store).await;
    create(&store, 1).await.unwrap();
    assert!(store.load(&key(1), now).await.unwrap().is_some());
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn tables_that_change_underneath_are_prepared_for_again() {
    let (store, url) = hasty_one().await;
    create(&store, 1).await.unwrap();
    let now = Timestamp::now();
    assert!(store.load(&key(1), now).await.unwrap().is_some());
    edit(
        &url,
        "ALTER TABLE django_session ALTER COLUMN session_data TYPE varchar(9000)",
    )
    .await;
    assert!(store.load(&key(1), now).await.unwrap().is_some());
    create(&store, 2).await.unwrap();
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_wrong_password_is_named_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("pg_hba.conf");
    let text = "host all cloakroom 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
    std::fs::write(&rules, text).unwrap();
    readable(folder.path());
    let server = Postgres::start(&[&format!("hba_file = '{}'", rules.display())]);
    let url = server.database();
    migrated(&hasty(&url)).await;
    edit(
        &url,
        "CREATE ROLE ann LOGIN PASSWORD 'correct'; GRANT ALL ON ALL TABLES IN SCHEMA public TO ann",
    )
    .await;
    let with = |user: &str| hasty(&url.replace("cloakroom@", &format!("{user}@")));
    create(&with("ann:correct"), 1).await.unwrap();
    for (user, words) in [
        ("ann:hunter2", "check the user and the password"),
        ("ben:hunter2", "check the user and the password"),
        ("ann", "asks for a password"),
    ] {
        let error = create(&with(user), 2).await.unwrap_err();
        says(&error, words);
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_server_without_a_free_connection_says_so() {
    let (_, url) = hasty_one().await;
    edit(
        &url,
        "DROP ROLE IF EXISTS few; CREATE ROLE few LOGIN CONNECTION LIMIT 1; \
         GRANT ALL ON ALL TABLES IN SCHEMA public TO few",
    )
    .await;
    let url = url.replace("cloakroom@", "few@");
    let held = other(&url).await;
    let store = hasty(&url);
    says(
        &store.load(&key(1), Timestamp::now()).await.unwrap_err(),
        "no connection left",
    );
    drop(held);
    let begun = Instant::now();
    while store.load(&key(1), Timestamp::now()).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_database_that_is_not_there_is_named() {
    let store = hasty(&Postgres::shared().url("nowhere"));
    let error = store.load(&key(1), Timestamp::now()).await.unwrap_err();
    says(&error, "nowhere at 127.0.0.1");
    says(&error, "make it with `createdb`");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn a_key_that_is_longer_than_the_column_is_no_session() {
    let (store, _) = hasty_one().await;
    let long = cloakroom_core::session::SessionKey::parse(&"k".repeat(300)).unwrap();
    let now = Timestamp::now();
    assert!(store.load(&long, now).await.unwrap().is_none());
    let seen = Version::of_text("seen");
    let record = record("{}", Timestamp::MAX);
    let replaced = store.replace(&long, &seen, &record, now).await.unwrap();
    assert!(matches!(replaced, Replaced::Gone));
    says(
        &store.create(&long, &record).await.unwrap_err(),
        "too short for a value",
    );
    // What no text of PostgreSQL's can hold is no version either.
    create(&store, 1).await.unwrap();
    for seen in [Version::of_text("a\0b"), Version::of_bytes(*b"\xff")] {
        let replaced = store.replace(&key(1), &seen, &record, now).await.unwrap();
        assert!(matches!(replaced, Replaced::Changed(_)));
    }
    assert!(store.by_username("a\0b").await.unwrap().is_none());
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn sessions_are_cleared_by_index_around_those_that_are_locked() {
    let (store, url) = hasty_one().await;
    let end = Timestamp::from_unix_seconds(1_700_000_000);
    for number in 0..10 {
        let _ = store
            .create(&key(number), &record("{}", end))
            .await
            .unwrap();
    }
    let other = other(&url).await;
    other
        .batch_execute(
            "BEGIN; SELECT 1 FROM django_session WHERE session_key < 'session-00003' FOR UPDATE",
        )
        .await
        .unwrap();
    assert_eq!(store.clear_expired(Timestamp::now(), 4).await.unwrap(), 4);
    assert_eq!(store.clear_expired(Timestamp::now(), 100).await.unwrap(), 3);
    other.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(store.clear_expired(Timestamp::now(), 100).await.unwrap(), 3);
    assert_eq!(store.clear_expired(Timestamp::now(), 100).await.unwrap(), 0);
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn dropping_the_last_clone_closes_the_connections() {
    let (store, url) = hasty_one().await;
    create(&store, 1).await.unwrap();
    let other = other(&url).await;
    let count = async || -> i64 {
        let row = other.query_one(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'cloakroom'",
            &[],
        );
        row.await.unwrap().get(0)
    };
    let clone = store.clone();
    drop(store);
    create(&clone, 2).await.unwrap();
    assert!(count().await > 0);
    drop(clone);
    let begun = Instant::now();
    while count().await > 0 {
        assert!(begun.elapsed() < GRACE);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Has every insert into `django_session` fail with this code while the condition holds.
fn raises(code: &str, condition: &str) -> String {
    format!(
        "DROP SEQUENCE IF EXISTS attempts; CREATE SEQUENCE attempts;
         CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
           IF {condition} THEN
             RAISE EXCEPTION 'no' USING ERRCODE = '{code}', DETAIL = 'Key (session_key)=(hunter2)';
           END IF;
           RETURN NEW;
         END $$;
         DROP TRIGGER IF EXISTS refuse ON django_session;
         CREATE TRIGGER refuse BEFORE INSERT ON django_session FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
}

#[test]
fn a_store_shows_no_password() {
    let store = PostgresStore::open("postgres://ann:hunter2@127.0.0.1:1/site").unwrap();
    assert!(!format!("{store:?}").contains("hunter2"));
    assert_eq!(store.name(), "site at 127.0.0.1:1");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn settings_under_which_it_may_lose_a_write_are_named() {
    let good = hasty(&Postgres::shared().database());
    assert_eq!(good.advice().await.unwrap(), []);
    let server = Postgres::start(&["fsync = off", "synchronous_commit = off"]);
    let store = hasty(&server.database());
    assert_eq!(
        store.advice().await.unwrap(),
        [
            DurabilityAdvice::FlushesNothing,
            DurabilityAdvice::AnswersBeforeFlushing
        ]
    );
}

//! Each way to fail is an error in time that names the fix, and afterwards the store works again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cloakroom_core::auth::UserStore as _;
use cloakroom_core::session::{Replaced, Store as _, StoreError};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::{DurabilityAdvice, MySqlOptions, MySqlStore, Problem};
use cloakroom_testing::record;
use cloakroom_testing::servers::{MariaDb, free_port};
use tokio::net::TcpListener;

use crate::databases::{create, edit, empty, hasty, key, name_of, open, ours, says};

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn nobody_who_listens_is_an_error_at_once() {
    let url = format!("mysql://cloakroom:secret@127.0.0.1:{}/site", free_port());
    let store = MySqlStore::open(&url).unwrap();
    let begun = Instant::now();
    let error = load(&store, 1).await.unwrap_err();
    says(&error, "cannot be reached");
    says(&error, "the database mysql://127.0.0.1:");
    assert!(begun.elapsed() < Duration::from_secs(1));
    says(&store.check().await.unwrap_err(), "cannot be reached");
    let nowhere = "mysql://cloakroom:secret@127.0.0.1/site?socket=/nowhere/mysql.sock";
    let store = MySqlStore::open(nowhere).unwrap();
    says(&load(&store, 1).await.unwrap_err(), "cannot be reached");
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn one_who_listens_and_says_nothing_is_an_error_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("mysql://cloakroom:secret@127.0.0.1:{port}/site");
    let store = MySqlStore::open_with(&url, hasty()).unwrap();
    let begun = Instant::now();
    says(&load(&store, 1).await.unwrap_err(), "within the deadline");
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_wrong_password_and_a_wrong_database_are_named() {
    let (name, _) = empty();
    let url = MariaDb::shared()
        .url(&name)
        .replace("secret", "wrong-secret");
    let store = MySqlStore::open(&url).unwrap();
    says_without(&load(&store, 1).await.unwrap_err(), "check user, password");
    let store = open("no_such_database", MySqlOptions::default());
    says(&load(&store, 1).await.unwrap_err(), "CREATE DATABASE");
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_database_without_tables_asks_for_migrate() {
    let (_, store) = empty();
    let fix = "run `cloakroom migrate`";
    says(&load(&store, 1).await.unwrap_err(), fix);
    says(&create(&store, 1).await.unwrap_err(), fix);
    says(&store.any_user().await.unwrap_err(), fix);
    says(&store.newest_session().await.unwrap_err(), fix);
    let _ = store.migrate(Timestamp::now()).await.unwrap();
    create(&store, 1).await.unwrap();
    assert!(load(&store, 1).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs MariaDB"]
async fn a_server_that_comes_later_and_comes_back_is_used_at_once() {
    let mut server = MariaDb::start(&[]);
    let url = server.database();
    server.process().kill();
    // Down at the start, so nothing could be connected.
    let store = MySqlStore::open(&url).unwrap();
    says(&load(&store, 1).await.unwrap_err(), "cannot be reached");
    server.restart();
    let _ = store.migrate(Timestamp::now()).await.unwrap();
    for round in 0..3 {
        let number = round * 10;
        create(&store, number).await.unwrap();
        // Several connections that lie idle when the server goes.
        let loads = (0..8).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { load(&store, number).await })
        });
        for loaded in loads.collect::<Vec<_>>() {
            assert!(loaded.await.unwrap().unwrap());
        }
        server.process().kill();
        assert!(create(&store, number + 1).await.is_err());
        assert!(load(&store, number).await.is_err());
        server.restart();
        let begun = Instant::now();
        while load(&store, number).await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(1));
        }
        for number in number + 1..number + 10 {
            create(&store, number).await.unwrap();
            assert!(load(&store, number).await.unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs MariaDB"]
async fn a_restart_between_two_calls_is_not_noticed() {
    let mut server = MariaDb::start(&[]);
    let store = MySqlStore::open(&server.database()).unwrap();
    let _ = store.migrate(Timestamp::now()).await.unwrap();
    create(&store, 1).await.unwrap();
    server.process().kill();
    server.restart();
    create(&store, 2).await.unwrap();
    assert!(load(&store, 1).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs MariaDB"]
async fn a_server_that_hangs_is_an_error_in_time_and_forgotten_afterwards() {
    let mut server = MariaDb::start(&[]);
    let store = MySqlStore::open_with(&server.database(), hasty()).unwrap();
    let _ = store.migrate(Timestamp::now()).await.unwrap();
    create(&store, 1).await.unwrap();
    assert!(load(&store, 1).await.unwrap());
    server.process().freeze();
    let begun = Instant::now();
    // More than there are connections: those that wait for one end in time, too.
    let calls = (0..40).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            match number % 2 {
                0 => load(&store, 1).await.map(drop),
                _ => create(&store, 100 + number).await,
            }
        })
    });
    for call in calls.collect::<Vec<_>>() {
        says(&call.await.unwrap().unwrap_err(), "within the deadline");
    }
    assert!(begun.elapsed() < Duration::from_secs(3));
    server.process().thaw();
    let begun = Instant::now();
    while load(&store, 1).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(1));
    }
    create(&store, 2).await.unwrap();
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_lock_is_an_error_in_time_and_forgotten_afterwards() {
    let (name, _) = ours().await;
    let store = open(&name, hasty());
    for number in [1, 2] {
        create(&store, number).await.unwrap();
    }
    let now = Timestamp::now();
    let seen = store.load(&key(1), now).await.unwrap().unwrap().version;
    let holder = hold(
        &name,
        "UPDATE django_session SET session_data = 'x' WHERE session_key = 'session-number-1'",
    );
    let begun = Instant::now();
    let record = record(r#"{"a": 1}"#, Timestamp::MAX);
    let error = store
        .replace(&key(1), &seen, &record, now)
        .await
        .unwrap_err();
    says(&error, "lock");
    assert!(begun.elapsed() < Duration::from_millis(1500), "in band");
    // Reads and other rows wait for nobody.
    let begun = Instant::now();
    assert!(load(&store, 1).await.unwrap());
    let replaced = store.replace(&key(2), &seen, &record, now).await.unwrap();
    assert!(matches!(replaced, Replaced::Replaced(_)), "{replaced:?}");
    assert!(begun.elapsed() < Duration::from_millis(1000));
    release(&name, holder);
    let replaced = store.replace(&key(1), &seen, &record, now).await.unwrap();
    assert!(matches!(replaced, Replaced::Replaced(_)), "{replaced:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs MariaDB"]
async fn writes_that_wait_for_one_lock_leave_reads_alone() {
    let (name, _) = ours().await;
    let store = open(&name, hasty());
    create(&store, 1).await.unwrap();
    let holder = hold(
        &name,
        "DELETE FROM django_session WHERE session_key = 'session-number-1'",
    );
    let now = Timestamp::now();
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.delete(&key(1), None, now).await.map(drop) })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begun = Instant::now();
    assert!(load(&store, 1).await.unwrap());
    assert!(begun.elapsed() < Duration::from_millis(500));
    for call in waiting {
        assert!(call.await.unwrap().is_err());
    }
    release(&name, holder);
    let _ = store.delete(&key(1), None, now).await.unwrap();
}

/// Two rows, locked in one order by us and in the other by somebody else.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs MariaDB"]
async fn a_deadlock_is_tried_again() {
    let server = Arc::new(MariaDb::start(&[]));
    let url = server.database();
    let name = name_of(&url);
    let store = MySqlStore::open(&url).unwrap();
    let _ = store.migrate(Timestamp::now()).await.unwrap();
    server.execute(&format!(
        "INSERT INTO {name}.django_session VALUES ('row-one-', 'x', '2020-01-01'), ('row-two-', 'x', '2020-01-02')"
    ));
    let lock =
        |row: &str| format!("SELECT * FROM django_session WHERE session_key = '{row}' FOR UPDATE");
    // Theirs is the larger transaction, so ours is the one that is undone.
    let theirs = format!(
        "USE {name}; START TRANSACTION; UPDATE django_migrations SET applied = now(); {}; SELECT sleep(1); {}; COMMIT",
        lock("row-two-"),
        lock("row-one-")
    );
    let other = tokio::task::spawn_blocking({
        let server = Arc::clone(&server);
        move || server.execute(&theirs)
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let cleared = store.clear_expired(Timestamp::now(), 10).await.unwrap();
    other.await.unwrap();
    assert_eq!(cleared, 2);
    let met = server.execute("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'");
    assert_eq!(met.trim(), "Innodb_deadlocks\t1");
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_server_that_takes_no_writes_is_read_and_says_so() {
    let server = MariaDb::start(&["--read-only=0"]);
    let url = server.database();
    let name = name_of(&url);
    server.execute(&format!(
        "CREATE USER site@'%' IDENTIFIED BY 'secret'; GRANT ALL ON {name}.* TO site@'%'"
    ));
    let store = MySqlStore::open(&url.replace("cloakroom:", "site:")).unwrap();
    let _ = store.migrate(Timestamp::now()).await.unwrap();
    create(&store, 1).await.unwrap();
    server.execute("SET GLOBAL read_only = 1");
    says(&create(&store, 2).await.unwrap_err(), "read-only");
    assert!(load(&store, 1).await.unwrap());
    let problems = store.check().await.unwrap();
    let [Problem::NotWritable(text)] = &problems[..] else {
        panic!("{problems:?}");
    };
    assert!(text.contains("read-only"), "{text}");
    server.execute("SET GLOBAL read_only = 0");
    create(&store, 2).await.unwrap();
    assert_eq!(store.check().await.unwrap(), []);
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn too_many_connections_are_an_error_at_once() {
    let (name, owner) = ours().await;
    create(&owner, 1).await.unwrap();
    let server = MariaDb::shared();
    server.execute(
        "CREATE OR REPLACE USER single@'%' IDENTIFIED BY 'secret'; \
         GRANT ALL ON *.* TO single@'%' WITH MAX_USER_CONNECTIONS 1",
    );
    let url = server.url(&name).replace("cloakroom:", "single:");
    let first = MySqlStore::open(&url).unwrap();
    assert!(load(&first, 1).await.unwrap());
    let second = MySqlStore::open(&url).unwrap();
    let begun = Instant::now();
    says(&load(&second, 1).await.unwrap_err(), "max_connections");
    assert!(begun.elapsed() < Duration::from_secs(1));
    drop(first);
    let begun = Instant::now();
    while load(&second, 1).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(1));
    }
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_full_table_is_an_error_of_those_who_need_space() {
    let (name, store) = ours().await;
    create(&store, 1).await.unwrap();
    // An engine with a bound of its own stands in for a disk that is full.
    edit(
        &name,
        "SET max_heap_table_size = 16384; DROP TABLE django_session; \
         CREATE TABLE django_session (session_key varchar(40) NOT NULL PRIMARY KEY, \
         session_data varchar(10000) NOT NULL, expire_date datetime(6) NOT NULL) ENGINE=MEMORY",
    );
    let mut number = 2;
    let error = loop {
        match create(&store, number).await {
            Ok(()) => number += 1,
            Err(error) => break error,
        }
        assert!(number < 1000, "it has a bound");
    };
    says(&error, "full");
    assert!(load(&store, 2).await.unwrap());
    let _ = store.delete(&key(2), None, Timestamp::now()).await.unwrap();
    create(&store, number).await.unwrap();
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_connection_that_an_administrator_ends_is_replaced() {
    let (name, store) = ours().await;
    for number in 0..5 {
        create(&store, number).await.unwrap();
        let ids = edit(
            &name,
            &format!(
                "SELECT id FROM information_schema.processlist WHERE db = '{name}' AND command = 'Sleep'"
            ),
        );
        assert!(!ids.is_empty());
        for id in ids.lines() {
            edit(&name, &format!("KILL {id}"));
        }
        // It was in use a moment ago, so nobody asks whether it lives. The error ends all that died with it.
        let _ = load(&store, number).await;
        assert!(load(&store, number).await.unwrap());
    }
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_packet_that_is_too_large_is_an_error() {
    let (_, store) = ours().await;
    let json = format!(r#"{{"a": "{}"}}"#, "x".repeat(17 << 20));
    let large = record(&json, Timestamp::MAX);
    // The server does not read it to its end, so it cannot say why it closes the connection.
    says(
        &store.create(&key(1), &large).await.unwrap_err(),
        "closed the connection",
    );
    create(&store, 1).await.unwrap();
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn a_crowd_that_waits_is_refused_at_once() {
    let (name, _) = ours().await;
    let store = open(
        &name,
        MySqlOptions {
            connections: 1,
            queue: 1,
            ..hasty()
        },
    );
    create(&store, 1).await.unwrap();
    let store = Arc::new(store);
    let calls: Vec<_> = (0..30)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { load(&store, 1).await })
        })
        .collect();
    let mut refused = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(found) => assert!(found),
            Err(error) => {
                says(&error, "too many calls wait");
                refused += 1;
            }
        }
    }
    assert!((1..30).contains(&refused), "{refused}");
    assert!(load(&store, 1).await.unwrap());
}

/// Locks rows in a transaction of another connection, and hands back that connection's id.
fn hold(name: &str, sql: &str) -> u64 {
    let waits = format!("START TRANSACTION; {sql}; SELECT sleep(600)");
    let name_of_thread = name.to_owned();
    std::thread::spawn(move || edit_until_killed(&name_of_thread, &waits));
    let begun = Instant::now();
    loop {
        let id = edit(
            name,
            &format!(
                "SELECT id FROM information_schema.processlist WHERE db = '{name}' AND info = 'SELECT sleep(600)'"
            ),
        );
        if let Ok(id) = id.trim().parse() {
            return id;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "it holds the lock"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The statement is killed in the end, which the client reports.
fn edit_until_killed(name: &str, sql: &str) {
    let _ = std::panic::catch_unwind(|| edit(name, sql));
}

fn release(name: &str, connection: u64) {
    edit(name, &format!("KILL {connection}"));
    let begun = Instant::now();
    let left = || {
        edit(
            name,
            &format!(
                "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = {connection}"
            ),
        )
    };
    while left() != "0\n" {
        assert!(begun.elapsed() < Duration::from_secs(20), "it lets go");
    }
}

async fn load(store: &MySqlStore, number: u32) -> Result<bool, StoreError> {
    let loaded = store.load(&key(number), Timestamp::now()).await?;
    Ok(loaded.is_some())
}

fn says_without(error: &StoreError, part: &str) {
    says(error, part);
    assert!(!format!("{error:?}").contains("wrong"), "{error:?}");
}

#[tokio::test]
#[ignore = "needs MariaDB"]
async fn settings_under_which_it_may_lose_a_write_are_named() {
    for (options, advice) in [
        (&[][..], vec![]),
        (
            &["--innodb-flush-log-at-trx-commit=2"],
            vec![DurabilityAdvice::FlushesOnceASecond],
        ),
    ] {
        let server = MariaDb::start(options);
        let store = MySqlStore::open(&server.database()).unwrap();
        assert_eq!(store.advice().await.unwrap(), advice, "{options:?}");
    }
}

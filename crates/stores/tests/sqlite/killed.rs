//! A process that is killed while it writes has lost nothing that it acknowledged.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use cloakroom_core::session::{Created, SessionKey, Store as _};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::SqliteStore;
use cloakroom_testing::record;
use rusqlite::Connection;

use crate::folder::Folder;

#[tokio::test]
async fn what_was_acknowledged_outlives_the_process() {
    let folder = Folder::new();
    for store in [folder.ours().await, folder.django().await] {
        let path = store.path().to_owned();
        drop(store);
        let mut acknowledged = Vec::new();
        for round in 1..=5 {
            acknowledged.extend(write_and_die(&path, round * 40));
            let store = SqliteStore::open(&path).await.unwrap();
            for name in &acknowledged {
                let key = SessionKey::parse(name).unwrap();
                let found = store.load(&key, Timestamp::now()).await.unwrap();
                assert!(found.is_some(), "{name} was acknowledged");
            }
        }
        let verdict: String = Connection::open(&path)
            .unwrap()
            .pragma_query_value(None, "integrity_check", |row| row.get(0))
            .unwrap();
        assert_eq!(verdict, "ok");
    }
}

/// Not a test of its own: the process that the test above starts and kills.
#[tokio::test]
async fn child_that_writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(DATABASE) else {
        return;
    };
    let store = SqliteStore::open(path).await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        writers.spawn(acknowledge_for_ever(store.clone()));
    }
    writers.join_all().await;
}

async fn acknowledge_for_ever(store: SqliteStore) {
    loop {
        let key = SessionKey::generate().unwrap();
        let created = store.create(&key, &record("{}", Timestamp::MAX)).await;
        assert_ne!(created.unwrap(), Created::KeyTaken);
        let line = format!("{ACKNOWLEDGED}{}\n", key.as_str());
        std::io::stdout().write_all(line.as_bytes()).unwrap();
    }
}

/// Starts the child, kills it after `count` acknowledgements, and returns all that it gave.
fn write_and_die(path: &Path, count: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "killed::child_that_writes_until_it_is_killed",
            "--nocapture",
        ])
        .env(DATABASE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = Vec::new();
    while acknowledged.len() < count {
        let line = lines.next().expect("the child writes for ever").unwrap();
        acknowledged.extend(line.strip_prefix(ACKNOWLEDGED).map(str::to_owned));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    for line in lines.map_while(Result::ok) {
        // Death may have cut the last line short.
        let key = line.strip_prefix(ACKNOWLEDGED).unwrap_or_default();
        acknowledged.extend((key.len() == 32).then(|| key.to_owned()));
    }
    acknowledged
}

const DATABASE: &str = "CLOAKROOM_TEST_DATABASE_OF_THE_KILLED";
const ACKNOWLEDGED: &str = "acknowledged ";

//! Several processes with one folder, and processes that are killed while they write.

use std::collections::HashMap;

use cloakroom_core::session::{SessionKey, Store as _};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::FileOptions;

use crate::child::{done, folder, said, say, spawn};
use crate::folder::{Folder, changed, codec, created, loaded, number, open};

#[tokio::test]
async fn processes_that_count_at_the_same_time_count_every_change() {
    let folder = Folder::new();
    let store = folder.store();
    let (key, _) = created(&store, r#"{"n":0}"#).await;
    std::fs::write(folder.path().join("key"), key.as_str()).unwrap();
    let children: Vec<_> = (0..PROCESSES)
        .map(|_| spawn("processes::child_that_counts", folder.path(), ""))
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
    }
    let stored = loaded(&store, &key).await.unwrap();
    let json = codec().decode(stored.version.as_text().unwrap()).unwrap();
    let json = String::from_utf8(json).unwrap();
    assert_eq!(number(&json), PROCESSES * EACH, "{json}");
    assert_eq!(folder.unfinished(), 0);
}

/// Not a test of its own: what the processes above do.
#[tokio::test]
async fn child_that_counts() {
    let Some(folder) = folder() else { return };
    let store = open(&folder, FileOptions::default());
    let key = std::fs::read_to_string(folder.join("key")).unwrap();
    let key = SessionKey::parse(&key).unwrap();
    for _ in 0..EACH {
        let one_more = |json: &str| format!(r#"{{"n":{}}}"#, number(json) + 1);
        changed(&store, &key, one_more).await.unwrap();
    }
    done();
}

#[tokio::test]
async fn what_was_acknowledged_outlives_the_process_and_is_whole() {
    let folder = Folder::new();
    let store = folder.store();
    let mut acknowledged: HashMap<String, u64> = HashMap::new();
    for kill in 1..=20 {
        let mut child = spawn("processes::child_that_writes", folder.path(), "");
        let mut lines = said(&mut child, ACKNOWLEDGED);
        let mut note = |line: String| {
            // Death may have cut the last line short.
            let Some((key, count)) = line.split_once(' ').filter(|(_, count)| !count.is_empty())
            else {
                return;
            };
            let kept = acknowledged.entry(key.to_owned()).or_default();
            *kept = (*kept).max(count.parse().unwrap());
        };
        for _ in 0..kill * 3 {
            note(lines.next().expect("the child writes for ever"));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        lines.for_each(note);
        for (key, count) in &acknowledged {
            let key = SessionKey::parse(key).unwrap();
            let stored = loaded(&store, &key).await.expect("it was acknowledged");
            let json = codec().decode(stored.version.as_text().unwrap()).unwrap();
            assert!(number(&String::from_utf8(json).unwrap()) >= *count);
        }
    }
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        if file.file_name().to_string_lossy().contains("_out_") {
            continue;
        }
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert!(codec().decode(&text).is_ok(), "a file is not whole");
    }
    eprintln!("20 kills, {} sessions, none lost", acknowledged.len());
}

/// Not a test of its own: what the process above does until it is killed.
#[tokio::test]
async fn child_that_writes() {
    let Some(folder) = folder() else { return };
    let store = open(&folder, FileOptions::default());
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let store = store.clone();
        writers.spawn(async move {
            loop {
                let (key, _) = created(&store, r#"{"n":0}"#).await;
                for count in 1..=5 {
                    let next = |_: &str| format!(r#"{{"n":{count}}}"#);
                    changed(&store, &key, next).await.unwrap();
                    say(&format!("{ACKNOWLEDGED}{} {count}", key.as_str()));
                }
                let (gone, _) = created(&store, "{}").await;
                let _ = store.delete(&gone, None, Timestamp::now()).await.unwrap();
            }
        });
    }
    writers.join_all().await;
}

const PROCESSES: u64 = 4;
const EACH: u64 = 50;
const ACKNOWLEDGED: &str = "acknowledged ";
